"""The simulated carrier speaks Twilio's Messages API: the official SDK works against it as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.sms.test_simulator import (
    OTHER_SID,
    OTHER_TOKEN,
    SENDER,
    SERVICE,
    SID,
    TOKEN,
    Simulator,
    a_number,
    wait_for,
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def twilio(simulator: Simulator) -> Client:
    return simulator.client()


def test_a_text_is_queued_and_then_delivered(twilio):
    to = a_number()
    text = twilio.messages.create(to=to, from_=SENDER, body="Your table is booked.")

    assert (text.status, text.to, text.from_) == ("queued", to, SENDER)
    assert (text.direction, text.num_segments, text.num_media) == ("outbound-api", "1", "0")
    assert (text.price, text.price_unit, text.error_code) == (None, "USD", None)
    assert text.account_sid == SID
    assert text.date_sent is None
    assert abs(text.date_created - datetime.now(UTC)) < timedelta(seconds=5)
    done = wait_for(lambda: _delivered(twilio, text.sid))
    assert done.body == "Your table is booked."
    assert done.date_sent is not None


def _delivered(twilio, sid):
    text = twilio.messages(sid).fetch()
    return text if text.status == "delivered" else None


def test_the_resource_has_exactly_twilios_fields(simulator):
    created = simulator.post_text(a_number())

    assert created.status_code == 201
    assert set(created.json()) == {
        "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated",
        "direction", "error_code", "error_message", "from", "messaging_service_sid", "num_media",
        "num_segments", "price", "price_unit", "sid", "status", "subresource_uris", "to", "uri",
    }  # fmt: skip
    uri = f"/2010-04-01/Accounts/{SID}/Messages/{created.json()['sid']}"
    assert created.json()["uri"] == f"{uri}.json"
    assert created.json()["subresource_uris"] == {"media": f"{uri}/Media.json"}


def test_a_messaging_service_chooses_its_number_later(twilio):
    text = twilio.messages.create(to=a_number(), messaging_service_sid=SERVICE, body="Hi")

    assert (text.status, text.from_, text.num_segments) == ("accepted", None, "0")
    done = wait_for(lambda: _delivered(twilio, text.sid))
    assert (done.messaging_service_sid, done.num_segments) == (SERVICE, "1")
    assert done.from_.startswith("+1555")


def test_the_asynchronous_client_works_too(simulator):
    async def exchange() -> tuple[str, str, list[str]]:
        async with AsyncTwilioHttpClient() as http:
            client = Client(SID, TOKEN, http_client=http)
            client.api.base_url = simulator.url
            to = a_number()
            text = await client.messages.create_async(to=to, from_=SENDER, body="async")
            fetched = await client.messages(text.sid).fetch_async()
            stream = await client.messages.stream_async(to=to, page_size=1)
            return text.sid, fetched.sid, [each.sid async for each in stream]

    sid, fetched, streamed = asyncio.run(exchange())

    assert fetched == sid
    assert streamed == [sid]


def test_a_list_is_newest_first_and_goes_on_from_page_to_page(twilio):
    to = a_number()
    sent = [twilio.messages.create(to=to, from_=SENDER, body=str(n)).sid for n in range(5)]

    first = twilio.messages.page(to=to, page_size=2)
    newer = twilio.messages.create(to=to, from_=SENDER, body="meanwhile")
    second = first.next_page()
    third = second.next_page()

    assert [text.sid for text in first] == sent[:2:-1]
    assert [text.sid for text in second] == [sent[2], sent[1]]
    assert [text.sid for text in third] == [sent[0]]
    assert third.next_page() is None
    assert [text.sid for text in third.previous_page()] == [sent[2], sent[1]]
    assert [text.sid for text in twilio.messages.list(to=to)] == [newer.sid, *sent[::-1]]
    assert len(list(twilio.messages.stream(to=to, page_size=1, limit=4))) == 4


def test_a_page_says_where_it_stands(simulator):
    to = a_number()
    for _ in range(3):
        simulator.post_text(to)
    path = f"{simulator.url}/2010-04-01/Accounts/{SID}/Messages.json"
    query = {"To": to, "PageSize": "2", "Page": "1"}
    page = requests.get(path, params=query, auth=(SID, TOKEN), timeout=5).json()

    assert (page["page"], page["page_size"], page["start"], page["end"]) == (1, 2, 2, 2)
    assert page["next_page_uri"] is None
    assert page["uri"].endswith(f"?To=%2B{to[1:]}&PageSize=2&Page=1")
    assert page["first_page_uri"].endswith("&PageSize=2&Page=0")
    assert "PageToken=PB" in page["previous_page_uri"]
    assert len(page["messages"]) == 1


def test_a_list_can_be_filtered_by_numbers(twilio):
    to, other_sender = a_number(), a_number()
    first = twilio.messages.create(to=to, from_=SENDER, body="1")
    second = twilio.messages.create(to=to, from_=other_sender, body="2")

    assert [text.sid for text in twilio.messages.list(to=to)] == [second.sid, first.sid]
    assert [text.sid for text in twilio.messages.list(to=to, from_=SENDER)] == [first.sid]
    assert [text.sid for text in twilio.messages.list(from_=other_sender)] == [second.sid]


def test_a_list_can_be_filtered_by_the_day_of_sending(twilio):
    to = a_number()
    text = twilio.messages.create(to=to, from_=SENDER, body="today")
    wait_for(lambda: _delivered(twilio, text.sid))
    now = datetime.now(UTC)
    day = timedelta(days=1)

    def found(**filters: datetime) -> bool:
        return [each.sid for each in twilio.messages.list(to=to, **filters)] == [text.sid]

    assert found(date_sent=now)
    assert not found(date_sent=now - day)
    assert found(date_sent_after=now - day, date_sent_before=now + day)
    assert not found(date_sent_after=now + day)
    assert not found(date_sent_before=now - day)


def test_a_text_that_is_not_sent_yet_passes_no_date_filter(simulator, twilio):
    simulator.ask("PUT", "pace", {"seconds": 60})
    to = a_number()
    twilio.messages.create(to=to, from_=SENDER, body="queued")
    simulator.ask("PUT", "pace", {"seconds": 0.01})

    assert twilio.messages.list(to=to, date_sent=datetime.now(UTC)) == []
    assert len(twilio.messages.list(to=to)) == 1


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"PageSize": "ten"}, "PageSize"),
        ({"Page": "-1"}, "Page"),
        ({"PageToken": "PASM" + "0" * 32}, "PageToken"),
        ({"DateSent": "yesterday"}, "DateSent"),
        ({"DateSent>": "9999-12-31T23:59:59-23:00"}, "DateSent"),
    ],
)
def test_a_list_that_cannot_be_made_is_refused(simulator, query, parameter):
    simulator.post_text(a_number())
    path = f"{simulator.url}/2010-04-01/Accounts/{SID}/Messages.json"
    response = requests.get(path, params=query, auth=(SID, TOKEN), timeout=5)

    assert (response.status_code, response.json()["code"]) == (400, 20422)
    assert parameter in response.json()["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "5550123"}, 21211),
        ({"To": "+1 415 555 0123"}, 21211),
        ({"To": "+1415555012٣"}, 21211),
        ({"From": ""}, 21603),
        ({"From": "+1"}, 21212),
        ({"From": "A name that is too long"}, 21212),
        ({"From": "", "MessagingServiceSid": "MG1"}, 21701),
        ({"Body": ""}, 21602),
        ({"Body": " \n"}, 21602),
        ({"Body": "x" * 1_601}, 21617),
        ({"StatusCallback": "not a url"}, 21609),
        ({"StatusCallback": "ftp://example.org/"}, 21609),
        ({"StatusCallback": "http://example.org:99999/"}, 21609),
        ({"StatusCallback": "http://[::1/"}, 21609),
        ({"StatusCallback": "http:///path"}, 21609),
        ({"ValidityPeriod": "0"}, 90007),
        ({"ValidityPeriod": "36001"}, 90007),
        ({"ValidityPeriod": "soon"}, 90007),
    ],
)
def test_a_request_that_is_wrong_is_refused_with_twilios_code(simulator, changes, code):
    before = simulator.get("count")["accepted"]
    response = simulator.post_text(**{"to": a_number(), **changes})

    assert response.status_code == 400
    assert response.json()["code"] == code
    assert response.json()["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert response.json()["status"] == 400
    assert simulator.get("count")["accepted"] == before
    assert simulator.get("posts")[-1]["answer"] == f"400 {code}"


@pytest.mark.parametrize(
    "changes",
    [
        {"Body": "x" * 1_600},
        {"From": "Midcall"},
        {"From": "40404"},
        {"MessagingServiceSid": SERVICE},
        {"ValidityPeriod": "36000"},
        {"StatusCallback": "https://example.invalid:8443/status/1?a=b#rc=0"},
        {"ProvideFeedback": "true", "SmartEncoded": "false"},
    ],
)
def test_what_twilio_takes_is_taken(simulator, changes):
    assert simulator.post_text(a_number(), **changes).status_code == 201


@pytest.mark.parametrize(
    ("body", "segments"),
    [
        ("x" * 160, "1"),
        ("x" * 161, "2"),
        ("x" * 306, "2"),
        ("x" * 307, "3"),
        ("€" * 80, "1"),
        ("€" * 81, "2"),
        ("x" * 152 + "€" + "x" * 10, "2"),
        ("ж" * 70, "1"),
        ("ж" * 71, "2"),
        ("ж" * 134, "2"),
        ("ж" * 135, "3"),
        ("\N{GRINNING FACE}" * 35, "1"),
        ("\N{GRINNING FACE}" * 36, "2"),
        ("curly ’ quote", "1"),
    ],
)
def test_segments_are_counted_as_carriers_count_them(simulator, body, segments):
    assert simulator.post_text(a_number(), Body=body).json()["num_segments"] == segments


@pytest.mark.parametrize(("sid", "token"), [(SID, "wrong"), ("AC" + "9" * 32, TOKEN), (OTHER_SID, TOKEN)])
def test_wrong_credentials_are_refused(simulator, sid, token):
    with pytest.raises(TwilioRestException) as refused:
        simulator.client(sid, token).messages.create(to=a_number(), from_=SENDER, body="Hi")

    assert (refused.value.status, refused.value.code) == (401, 20003)


def test_no_credentials_are_refused_with_twilios_body(simulator):
    url = f"{simulator.url}/2010-04-01/Accounts/{SID}/Messages.json"

    for authorization in ("", "Basic", "Basic !", "Bearer token"):
        response = requests.get(url, headers={"Authorization": authorization}, timeout=5)
        assert response.status_code == 401
        assert response.json() == {
            "code": 20003,
            "message": "Authenticate",
            "more_info": "https://www.twilio.com/docs/errors/20003",
            "status": 401,
        }


def test_the_secondary_token_opens_the_account_as_well(simulator):
    simulator.ask("POST", "accounts", {"sid": OTHER_SID, "secondary_token": "second"})

    assert simulator.client(OTHER_SID, "second").api.accounts(OTHER_SID).fetch().status == "active"
    assert simulator.client(OTHER_SID, OTHER_TOKEN).api.accounts(OTHER_SID).fetch()


def test_another_accounts_texts_are_not_found(simulator, twilio):
    text = twilio.messages.create(to=a_number(), from_=SENDER, body="mine")
    stranger = simulator.client(OTHER_SID, OTHER_TOKEN)

    for look in (stranger.messages(text.sid), stranger.api.accounts(SID).messages(text.sid)):
        with pytest.raises(TwilioRestException) as refused:
            look.fetch()
        assert (refused.value.status, refused.value.code) == (404, 20404)
    assert text.sid not in [each.sid for each in stranger.messages.list()]


def test_an_account_cannot_act_for_another(simulator):
    to = a_number()
    others = simulator.client(OTHER_SID, OTHER_TOKEN).api.accounts(SID)

    for act in (
        lambda: others.messages.create(to=to, from_=SENDER, body="forged"),
        lambda: others.messages.list(),
        lambda: others.fetch(),
    ):
        with pytest.raises(TwilioException, match=r"20404|404"):
            act()
    assert simulator.truth(to) == []


def test_a_suspended_account_sends_nothing(simulator):
    sid = "AC" + "e" * 32
    account = {"sid": sid, "auth_token": "e", "status": "suspended"}
    simulator.ask("POST", "accounts", account)

    with pytest.raises(TwilioRestException) as refused:
        simulator.client(sid, "e").messages.create(to=a_number(), from_=SENDER, body="Hi")
    assert (refused.value.status, refused.value.code) == (403, 20005)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_what_the_api_does_not_have_is_not_found(simulator, method):
    response = requests.request(method, f"{simulator.url}/2010-04-01/Accounts/{SID}/Nothing.json", timeout=5)

    assert (response.status_code, response.json()["code"]) == (404, 20404)


def test_a_body_over_64_kilobytes_is_refused(simulator):
    response = simulator.post_text(a_number(), Unknown="x" * 70_000)

    assert response.status_code == 413
    assert simulator.get("posts")[-1]["answer"] == "413"


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(raw=st.binary(max_size=300))
def test_no_bytes_in_a_form_break_it(simulator, raw):
    response = simulator.session.post(
        f"{simulator.url}/2010-04-01/Accounts/{SID}/Messages.json",
        auth=(SID, TOKEN),
        data=b"To=%2B14155550123&From=%2B14155550100&Body=" + raw,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        timeout=5,
    )

    assert response.status_code in (201, 400)
    assert response.json()
