"""Misbehaviour on demand: each fault does what its name says, to whom and as often as was said."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

from tests.sms.test_simulator import (
    OTHER_SID,
    OTHER_TOKEN,
    SENDER,
    SID,
    TOKEN,
    Simulator,
    a_number,
    wait_for,
)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator() as started:
        yield started


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.ask("DELETE", "misbehaviour")
    return running


@pytest.fixture
def to() -> str:
    return a_number()


def last_post(simulator, to):
    return simulator.get("posts", to=to)[-1]


def test_it_behaves_unless_told(simulator, to):
    assert simulator.get("misbehaviour") == []
    assert simulator.post_text(to).status_code == 201
    assert last_post(simulator, to)["fault"] is None


def test_a_text_can_be_taken_and_the_connection_reset(simulator, to):
    simulator.misbehave("accept_then_reset", to=to)

    with pytest.raises(requests.ConnectionError, match="[Cc]onnection reset"):
        simulator.post_text(to)
    (text,) = simulator.truth(to)
    assert (text["answer"], text["fault"]) == ("reset", "accept_then_reset")
    assert last_post(simulator, to)["sid"] == text["sid"]


def test_the_connection_can_be_reset_and_nothing_taken(simulator, to):
    simulator.misbehave("never_accept_reset", to=to)

    with pytest.raises(requests.ConnectionError, match="[Cc]onnection reset"):
        simulator.post_text(to)
    assert simulator.truth(to) == []
    assert last_post(simulator, to)["answer"] == "reset"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_text_can_be_taken_and_a_server_error_answered(simulator, to, status):
    simulator.misbehave(f"accept_then_{status}", to=to)

    assert simulator.post_text(to).status_code == status
    assert [text["answer"] for text in simulator.truth(to)] == [str(status)]


def test_a_server_error_can_be_answered_and_nothing_taken(simulator, to):
    simulator.misbehave("never_accept_500", to=to)

    response = simulator.post_text(to)
    assert (response.status_code, response.json()["code"]) == (500, 20500)
    assert simulator.truth(to) == []


def test_a_text_can_be_taken_after_its_sender_gave_up(simulator, to):
    simulator.misbehave("accept_late", to=to, seconds=0.5)

    with pytest.raises(requests.Timeout):
        simulator.post_text(to, timeout=0.2)
    assert simulator.truth(to) == []
    assert last_post(simulator, to)["sid"] is None
    wait_for(lambda: simulator.truth(to))
    assert last_post(simulator, to)["sid"] == simulator.truth(to)[0]["sid"]


def test_an_answer_can_be_slow(simulator, to):
    simulator.misbehave("answer_slow", to=to, seconds=0.4)

    with pytest.raises(requests.Timeout):
        simulator.post_text(to, timeout=0.2)
    assert len(simulator.truth(to)) == 1
    started = time.monotonic()
    assert simulator.post_text(to).status_code == 201
    assert time.monotonic() - started >= 0.4


def test_an_answer_can_come_byte_by_byte(simulator, to):
    simulator.misbehave("answer_dripped", to=to, seconds=0.3)
    started = time.monotonic()
    response = simulator.post_text(to)

    assert time.monotonic() - started >= 0.3
    assert response.json()["to"] == to


def test_it_can_hang_without_taking_the_text(simulator, to):
    simulator.misbehave("hang", to=to, seconds=0.5)

    with pytest.raises(requests.Timeout):
        simulator.post_text(to, timeout=0.2)
    with pytest.raises(requests.ConnectionError, match="[Cc]onnection reset"):
        simulator.post_text(to)
    assert simulator.truth(to) == []
    assert last_post(simulator, to)["answer"] == "none"


def test_it_can_limit_the_rate(simulator, to):
    simulator.misbehave("rate_limited", to=to, seconds=7)

    response = simulator.post_text(to)
    assert (response.status_code, response.json()["code"]) == (429, 20429)
    assert response.headers["Retry-After"] == "7"
    assert simulator.truth(to) == []


def test_it_can_say_until_when_it_limits_the_rate(simulator, to):
    simulator.misbehave("rate_limited", to=to, seconds=90, written="date")

    headers = simulator.post_text(to).headers
    until = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])

    assert headers["Retry-After"].endswith(" GMT")
    assert 89 <= until.total_seconds() <= 91


@pytest.mark.parametrize(
    ("code", "status"),
    [(20003, 401), (20403, 403), (20404, 404), (20429, 429), (63038, 429), (21610, 400), (12345, 400)],
)
def test_it_can_refuse_with_any_twilio_code(simulator, to, code, status):
    simulator.misbehave("error", to=to, code=code)

    with pytest.raises(TwilioRestException) as refused:
        simulator.client().messages.create(to=to, from_=SENDER, body="Hi")
    assert (refused.value.status, refused.value.code) == (status, code)
    assert simulator.truth(to) == []


def test_an_answer_can_break_off(simulator, to):
    simulator.misbehave("truncated_answer", to=to)
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port, timeout=5)
    body = f"To=%2B{to[1:]}&From=%2B{SENDER[1:]}&Body=Hi"
    credential = requests.auth._basic_auth_str(SID, TOKEN)
    connection.request(
        "POST",
        f"/2010-04-01/Accounts/{SID}/Messages.json",
        body,
        {"Authorization": credential, "Content-Type": "application/x-www-form-urlencoded"},
    )
    response = connection.getresponse()

    assert response.status == 201
    with pytest.raises(http.client.IncompleteRead) as broken:
        response.read()
    assert broken.value.expected > 0
    with pytest.raises(ValueError):
        json.loads(broken.value.partial)
    assert [text["answer"] for text in simulator.truth(to)] == ["201 truncated"]
    connection.close()


def test_an_answer_can_be_a_web_page(simulator, to):
    simulator.misbehave("not_json", to=to)

    response = simulator.post_text(to)
    assert (response.status_code, response.headers["Content-Type"][:9]) == (201, "text/html")
    assert len(simulator.truth(to)) == 1


def test_an_answer_can_lack_its_sid(simulator, to):
    simulator.misbehave("no_sid", to=to)

    response = simulator.post_text(to)
    assert response.status_code == 201
    assert "sid" not in response.json()
    assert simulator.truth(to)[0]["sid"] not in response.text


def test_an_answer_can_name_another_number(simulator, to):
    simulator.misbehave("another_to", to=to)

    response = simulator.post_text(to).json()
    assert response["to"] != to
    assert simulator.truth(to)[0]["sid"] == response["sid"]


def test_a_text_can_be_listed_late(simulator, to):
    simulator.misbehave("list_lag", to=to, seconds=0.5)
    client = simulator.client()
    sid = client.messages.create(to=to, from_=SENDER, body="Hi").sid

    assert client.messages.list(to=to) == []
    assert client.messages(sid).fetch().sid == sid
    wait_for(lambda: client.messages.list(to=to))
    assert [text.sid for text in client.messages.list(to=to)] == [sid]


@pytest.mark.parametrize("status", [500, 429])
def test_listing_can_fail(simulator, to, status):
    simulator.misbehave("list_error", status=status, times=1)
    client = simulator.client()

    with pytest.raises(TwilioException) as refused:
        client.messages.list(to=to)
    assert refused.value.args[1].status_code == status
    assert client.messages.list(to=to) == []


def test_a_rule_holds_as_often_as_it_says(simulator, to):
    simulator.misbehave("never_accept_500", to=to, times=2)
    statuses = [simulator.post_text(to).status_code for _ in range(3)]

    assert statuses == [500, 500, 201]
    assert simulator.get("misbehaviour") == []


def test_a_rule_holds_for_its_number_and_its_account_only(simulator, to):
    simulator.misbehave("error", to=to, account=OTHER_SID, code=21610)
    other = simulator.client(OTHER_SID, OTHER_TOKEN)

    assert simulator.post_text(to).status_code == 201
    assert other.messages.create(to=a_number(), from_=SENDER, body="Hi").sid
    with pytest.raises(TwilioRestException):
        other.messages.create(to=to, from_=SENDER, body="Hi")


def test_the_first_rule_that_matches_wins(simulator, to):
    simulator.misbehave("error", code=21614, account=SID)
    simulator.misbehave("error", code=21610)

    assert simulator.post_text(to).json()["code"] == 21614


def test_a_rule_holds_with_its_probability(simulator, to):
    simulator.misbehave("never_accept_500", to=to, probability=0)
    assert simulator.post_text(to).status_code == 201

    simulator.ask("DELETE", "misbehaviour")
    simulator.misbehave("never_accept_500", to=to, probability=0.5)
    failed = sum(simulator.post_text(to).status_code == 500 for _ in range(60))
    # Outside of this once in 10^8 runs.
    assert 8 <= failed <= 52


def test_rules_can_be_listed_and_removed(simulator, to):
    first = simulator.misbehave("hang", to=to)
    second = simulator.misbehave("accept_late", seconds=1.5, times=3)

    rules = {rule["id"]: rule for rule in simulator.get("misbehaviour")}
    assert set(rules) == {first, second}
    assert rules[first]["seconds"] == 300
    assert rules[second] == {
        "id": second,
        "fault": "accept_late",
        "to": None,
        "account": None,
        "times": 3,
        "probability": 1.0,
        "used": 0,
        "seconds": 1.5,
    }
    assert simulator.ask("DELETE", f"misbehaviour/{first}").status_code == 204
    assert simulator.ask("DELETE", f"misbehaviour/{first}").status_code == 404
    assert [rule["id"] for rule in simulator.get("misbehaviour")] == [second]
    assert simulator.ask("DELETE", "misbehaviour").status_code == 204
    assert simulator.get("misbehaviour") == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "fault must be one of"),
        ({"fault": "explode"}, "accept_then_reset"),
        ({"fault": ["hang"]}, "fault must be one of"),
        ({"fault": "hang", "seconds": -1}, "seconds must be from 0"),
        ({"fault": "hang", "seconds": "5"}, "seconds must be a number"),
        ({"fault": "hang", "seconds": True}, "seconds must be a number"),
        ({"fault": "hang", "seconds": 1e999}, "seconds must be from 0"),
        ({"fault": "hang", "sekonds": 5}, "'sekonds'"),
        ({"fault": "hang", "to": "5550123"}, "to must be a phone number"),
        ({"fault": "hang", "account": "AC1"}, "account must be"),
        ({"fault": "hang", "times": 0}, "times must be from 1"),
        ({"fault": "hang", "times": 1.5}, "times must be a whole number"),
        ({"fault": "hang", "probability": 1.1}, "probability must be from 0 to 1"),
        ({"fault": "error"}, "error needs code"),
        ({"fault": "error", "code": 99}, "code must be from 10000"),
        ({"fault": "rate_limited", "written": "in blood"}, "seconds, date"),
        ({"fault": "fails_later", "status": "lost"}, "undelivered, failed"),
        ({"fault": "list_error", "status": 404}, "500, 429"),
        ({"fault": "list_error", "status": [500]}, "500, 429"),
        ({"fault": "callbacks_repeated", "count": 1}, "count must be from 2"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(simulator, rule, words):
    body = json.dumps(rule)
    response = simulator.ask("PUT", "misbehaviour", data=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 422
    assert words in response.json()["detail"]
    assert simulator.get("misbehaviour") == []


def test_the_faults_are_described_for_people(simulator):
    faults = simulator.get("faults")

    assert set(faults) == {
        "accept_then_reset", "accept_then_500", "accept_then_502", "accept_then_503",
        "accept_then_504", "accept_late", "answer_slow", "answer_dripped", "truncated_answer",
        "not_json", "no_sid", "another_to", "never_accept_reset", "never_accept_500", "hang",
        "rate_limited", "error", "fails_later", "callbacks_dropped", "callbacks_repeated",
        "callbacks_shuffled", "callbacks_delayed", "callbacks_unsigned",
        "callbacks_wrong_signature", "list_lag", "list_error",
    }  # fmt: skip
    assert all(fault["words"] for fault in faults.values())
    assert faults["hang"]["parameters"]["seconds"]["default"] == 300
    assert (
        faults["error"]["parameters"]["code"]["known"]["21610"] == "Attempt to send to unsubscribed recipient"
    )
