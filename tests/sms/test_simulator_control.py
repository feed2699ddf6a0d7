"""The phone page, its live events, the control API, and who may use them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from aiohttp import encode_basic_auth
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.sms.test_simulator import SENDER, SID, TOKEN, Simulator, a_number, wait_for


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def behaves(simulator: Simulator) -> None:
    simulator.ask("DELETE", "misbehaviour")
    simulator.ask("PUT", "pace", {"seconds": 0.01})


@contextmanager
def events_of(simulator: Simulator) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a page that is open: name and data of each, as they come."""
    with closing(HTTPConnection("127.0.0.1", simulator.port, timeout=5)) as connection:
        connection.request("GET", "/simulator/events")
        stream = connection.getresponse()
        assert stream.headers["Content-Type"].startswith("text/event-stream")

        def read() -> Iterator[tuple[str, Any]]:
            name = ""
            for line in stream:
                field, _, value = line.decode().partition(": ")
                if field == "event":
                    name = value.strip()
                if field == "data":
                    yield name, json.loads(value)

        yield read()


def test_it_says_that_it_is_well(simulator):
    response = requests.get(f"{simulator.url}/healthz", timeout=5)

    assert (response.status_code, response.text) == (200, "ok")


def test_the_page_is_whole_and_runs_nothing_from_elsewhere(simulator):
    page = requests.get(simulator.url, timeout=5)
    policy = page.headers["Content-Security-Policy"]

    assert "No texts yet" in page.text
    assert "No text leaves this machine" in page.text
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|https?://", page.text)
    files = re.findall(r'(?:href|src)="(/[^"]+)"', page.text)
    assert any(name.endswith(".js") for name in files)
    for name in files:
        file = requests.get(simulator.url + name, timeout=5)
        assert file.status_code == 200
        assert ("javascript" if name.endswith(".js") else "css") in file.headers["Content-Type"]
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert "innerHTML" not in file.text


def test_an_open_page_is_told_of_each_text_and_each_step(simulator):
    earlier = simulator.post_text(a_number()).json()["sid"]
    with events_of(simulator) as events:
        name, texts = next(events)
        assert name == "snapshot"
        assert earlier in [text["sid"] for text in texts]
        assert next(events)[0] == "rules"
        simulator.ask("PUT", "pace", {"seconds": 0.1})
        to = a_number()
        sid = simulator.post_text(to, Body="<b>fresh</b>").json()["sid"]
        seen = []
        for name, texts in events:
            assert name == "texts"
            seen += [text for text in texts if text["sid"] == sid]
            if seen and seen[-1]["status"] == "delivered":
                break

    assert (seen[0]["to"], seen[0]["from"], seen[0]["body"]) == (to, SENDER, "<b>fresh</b>")
    assert len(seen) > 1


def test_an_open_page_is_told_of_rules_and_of_clearing(simulator):
    with events_of(simulator) as events:
        next(events)
        assert next(events) == ("rules", [])
        rule = simulator.misbehave("hang", to=a_number())
        name, rules = next(event for event in events if event[0] == "rules")
        assert [each["id"] for each in rules] == [rule]
        simulator.ask("DELETE", "misbehaviour")
        assert next(event for event in events if event[0] == "rules") == ("rules", [])
        simulator.ask("DELETE", "texts")
        assert next(event for event in events if event[0] == "snapshot") == ("snapshot", [])


def test_many_texts_at_once_make_few_events(simulator):
    simulator.ask("PUT", "pace", {"seconds": 0})
    to, many = a_number(), 250
    body = urlencode({"To": to, "From": SENDER, "Body": "many"})
    request = (
        f"POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: {encode_basic_auth(SID, TOKEN)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with (
        events_of(simulator) as events,
        socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection,
    ):
        next(events)
        connection.sendall((request + body).encode() * many)
        seen, delivered = 0, set()
        for _, texts in events:
            seen += 1
            delivered |= {t["sid"] for t in texts if t.get("to") == to and t["status"] == "delivered"}
            if len(delivered) == many:
                break

    assert seen < many / 5


def test_the_truth_can_be_narrowed_to_a_number_and_a_time(simulator):
    first, second = a_number(), a_number()
    simulator.post_text(first)
    since = simulator.truth(first)[0]["created_at"]
    simulator.post_text(second, StatusCallback="http://127.0.0.1:9/x")
    (text,) = simulator.truth(second)

    assert (text["account_sid"], text["from"], text["body"]) == (SID, SENDER, "Hello")
    assert (text["status_callback"], text["answer"]) == ("http://127.0.0.1:9/x", "201")
    later = [each["to"] for each in simulator.get("texts", since=text["created_at"])]
    assert later == [second]
    assert [each["to"] for each in simulator.get("texts", since=since)] == [first, second]
    assert [post["to"] for post in simulator.get("posts", since=text["created_at"] - 0.0005)]
    assert simulator.ask("GET", "texts", params={"since": "nan"}).status_code == 422


def test_everything_that_was_taken_is_counted_and_can_be_cleared(simulator):
    simulator.ask("DELETE", "texts")
    to = a_number()
    simulator.post_text(to)
    simulator.post_text(to, Body="")
    wait_for(lambda: simulator.truth(to)[0]["status"] == "delivered")

    assert simulator.get("count") == {
        "received": 2,
        "accepted": 1,
        "by_status": {"delivered": 1},
    }
    assert simulator.ask("DELETE", "texts").status_code == 204
    assert simulator.get("count") == {"received": 0, "accepted": 0, "by_status": {}}
    assert simulator.get("texts") == simulator.get("posts") == []
    assert SID in [account["sid"] for account in simulator.get("accounts")]


def test_a_long_truth_comes_in_one_piece(simulator):
    simulator.ask("DELETE", "texts")
    for _ in range(501):
        simulator.session.post(
            f"{simulator.url}/2010-04-01/Accounts/{SID}/Messages.json",
            auth=(SID, TOKEN),
            data={"To": "+14155550143", "From": SENDER, "Body": "x"},
            timeout=5,
        )

    assert len({text["sid"] for text in simulator.get("texts")}) == 501


def test_accounts_are_shown_without_their_tokens(simulator):
    sid = "AC" + "f" * 32
    account = {"sid": sid, "auth_token": "primary-secret", "secondary_token": "other-secret"}
    answers = [simulator.ask("POST", "accounts", account), simulator.ask("GET", "accounts")]

    assert all("secret" not in answer.text.replace("has_secondary", "") for answer in answers)
    shown = answers[0].json()
    assert (shown["sid"], shown["status"], shown["inbound_url"]) == (sid, "active", None)
    assert shown["has_secondary_token"]


def test_an_account_is_changed_field_by_field(simulator):
    sid = "AC" + "1" * 32
    simulator.ask("POST", "accounts", {"sid": sid, "auth_token": "one"})
    simulator.ask("POST", "accounts", {"sid": sid, "inbound_url": "http://localhost/in"})
    assert simulator.client(sid, "one").messages.list() == []

    changed = simulator.ask("POST", "accounts", {"sid": sid, "auth_token": "two"}).json()
    assert changed["inbound_url"] == "http://localhost/in"
    assert simulator.client(sid, "two").messages.list() == []
    url = f"{simulator.url}/2010-04-01/Accounts/{sid}.json"
    assert requests.get(url, auth=(sid, "one"), timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("account", "words"),
    [
        ({}, "sid"),
        ({"sid": "AC1", "auth_token": "x"}, "sid"),
        ({"sid": "AC" + "2" * 32}, "auth_token"),
        ({"sid": "AC" + "2" * 32, "auth_token": ""}, "auth_token"),
        ({"sid": "AC" + "2" * 32, "auth_token": 5}, "auth_token"),
        ({"sid": SID, "secondary_token": "x" * 257}, "secondary_token"),
        ({"sid": SID, "status": "happy"}, "status"),
        ({"sid": SID, "status": []}, "status"),
        ({"sid": SID, "inbound_url": "javascript:alert(1)"}, "inbound_url"),
        ({"sid": SID, "colour": "red\nblue"}, "colour"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused_in_words(simulator, account, words):
    response = simulator.ask("POST", "accounts", account)

    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_the_pace_can_be_changed(simulator):
    assert simulator.ask("PUT", "pace", {"seconds": 0.5}).json() == {"seconds": 0.5}
    assert simulator.get("pace") == {"seconds": 0.5}
    for wrong in (-1, "fast", None, True, 1e9):
        assert simulator.ask("PUT", "pace", {"seconds": wrong}).status_code == 422


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8001", "[::1", ""])
def test_another_host_name_is_refused(simulator, host):
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=5) as connection:
        connection.sendall(
            f"GET /simulator/texts HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
        status = connection.recv(64).split()[1]

    assert status in (b"403", b"400")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80"])
def test_this_machines_names_are_let_in(simulator, host):
    response = simulator.ask("GET", "count", headers={"Host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "[", ""])
def test_pages_of_another_origin_are_refused(simulator, origin):
    for method, path in (("GET", "texts"), ("DELETE", "texts"), ("PUT", "misbehaviour")):
        response = simulator.ask(method, path, headers={"Origin": origin})
        assert response.status_code == 403
        assert "Access-Control-Allow-Origin" not in response.headers


def test_the_page_itself_is_let_in(simulator):
    response = simulator.ask("PUT", "pace", {"seconds": 0.01}, headers={"Origin": simulator.url})

    assert response.status_code == 200


def test_a_form_cannot_steer_the_carrier(simulator):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x"):
        response = simulator.ask("POST", "accounts", data=b'{"sid": "x"}', headers={"Content-Type": kind})
        assert response.status_code == 415


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b'{"a": "\\ud800"}', b"[" * 60_000, b"NaN"],
)
def test_a_body_that_is_no_json_object_is_refused(simulator, body):
    headers = {"Content-Type": "application/json"}

    for method, path in (("POST", "accounts"), ("PUT", "misbehaviour"), ("POST", "inbound")):
        assert simulator.ask(method, path, data=body, headers=headers).status_code == 400


def test_a_body_over_64_kilobytes_is_refused(simulator):
    response = simulator.ask("POST", "accounts", {"sid": "x" * 70_000})

    assert response.status_code == 413


def test_what_there_is_not_is_not_found(simulator):
    for method, path, status in (
        ("GET", "nothing", 404),
        ("PATCH", "texts", 405),
        ("DELETE", "misbehaviour/999999999", 404),
        ("DELETE", "misbehaviour/-1", 404),
    ):
        response = simulator.ask(method, path)
        assert (response.status_code, "detail" in response.json()) == (status, True)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
keys = st.sampled_from(
    ["sid", "auth_token", "status", "inbound_url", "fault", "to", "from", "body", "times",
     "probability", "seconds", "code", "count", "account"]
)  # fmt: skip
bodies = st.dictionaries(keys, values | st.sampled_from([SID, "hang", "error", "+14155550123"]))


def test_no_json_breaks_it():
    with Simulator() as simulator:

        @hypothesis_settings(max_examples=80, deadline=None)
        @given(body=bodies, where=st.sampled_from(["accounts", "misbehaviour", "inbound", "pace"]))
        def ask(body: dict[str, Any], where: str) -> None:
            method = "PUT" if where in ("misbehaviour", "pace") else "POST"
            response = simulator.ask(
                method, where, data=json.dumps(body), headers={"Content-Type": "application/json"}
            )

            assert response.status_code in (200, 201, 400, 422), (response.status_code, body)

        ask()
