"""What the simulated carrier tells an application: status callbacks and inbound texts, signed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.sms.test_simulator import (
    OTHER_SID,
    OTHER_TOKEN,
    SENDER,
    SERVICE,
    SID,
    TOKEN,
    Receiver,
    Simulator,
    a_number,
    wait_for,
)

BOTH = ["sent", "delivered"]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def app() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def send(simulator, app, path="/status/1", to=None, **changes):
    """A text whose statuses go to `app`; returns its SID."""
    response = simulator.post_text(to or a_number(), StatusCallback=app.url + path, **changes)
    assert response.status_code == 201, response.text
    return response.json()["sid"]


def all_told(simulator, app, sid, count=2):
    """Waits until the carrier has sent `count` callbacks, and returns their statuses in order."""
    wait_for(lambda: len(app.told(sid)) >= count)
    return app.statuses(sid)


def test_sent_and_delivered_are_told_in_order_and_signed(simulator, app):
    sid = send(simulator, app, "/status/é%20/%7e?a=1&b=%2B".replace("é", "%C3%A9"))

    assert all_told(simulator, app, sid) == BOTH
    for told in app.told(sid):
        assert told.is_signed_with(TOKEN)
        assert not told.is_signed_with("another")
        assert told.url.endswith("/status/%C3%A9%20/%7e?a=1&b=%2B")
        assert told.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert uuid.UUID(told.headers["I-Twilio-Idempotency-Token"])
    first, last = app.told(sid)
    assert set(first.fields) == {
        "MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "To", "From", "AccountSid",
        "ApiVersion",
    }  # fmt: skip
    assert first.fields["AccountSid"] == SID
    tokens = {told.headers["I-Twilio-Idempotency-Token"] for told in (first, last)}
    assert len(tokens) == 2


def test_a_messaging_service_is_named(simulator, app):
    sid = send(simulator, app, From="", MessagingServiceSid=SERVICE)

    assert all_told(simulator, app, sid) == BOTH
    assert {told.fields["MessagingServiceSid"] for told in app.told(sid)} == {SERVICE}
    assert all(told.fields["From"].startswith("+1555") for told in app.told(sid))


def test_a_fragment_is_neither_sent_nor_signed(simulator, app):
    sid = send(simulator, app, "/status/2#rc=2&rp=all")

    all_told(simulator, app, sid)
    assert app.told(sid)[0].url.endswith("/status/2")
    assert app.told(sid)[0].is_signed_with(TOKEN)


def test_callbacks_are_signed_with_the_first_token_even_if_the_second_sent(simulator, app):
    simulator.ask("POST", "accounts", {"sid": OTHER_SID, "secondary_token": "second"})
    text = simulator.client(OTHER_SID, "second").messages.create(
        to=a_number(), from_=SENDER, body="Hi", status_callback=f"{app.url}/status/3"
    )

    all_told(simulator, app, text.sid)
    assert all(told.is_signed_with(OTHER_TOKEN) for told in app.told(text.sid))


def test_an_application_that_cannot_be_reached_costs_the_text_nothing(simulator):
    to = a_number()
    simulator.post_text(to, StatusCallback="http://127.0.0.1:9/status")

    (text,) = wait_for(lambda: [t for t in simulator.truth(to) if len(t["receipts"]) == 2])
    assert text["status"] == "delivered"
    assert [receipt["answer"] for receipt in text["receipts"]] == [None, None]


def test_a_refused_callback_is_not_repeated_unless_the_url_asks(simulator, app):
    app.answers[:] = [500]
    once = send(simulator, app)
    assert all_told(simulator, app, once) == BOTH
    wait_for(lambda: not app.answers)

    app.answers[:] = [500, 503]
    asked = send(simulator, app, "/status/4#rc=2&rp=5xx")
    assert all_told(simulator, app, asked, 4) == ["sent", "sent", "sent", "delivered"]
    first, second, *_ = app.told(asked)
    same = "I-Twilio-Idempotency-Token"
    assert first.headers[same] == second.headers[same]


def test_a_callback_that_nobody_took_is_tried_once_more(simulator, tmp_path):
    with Receiver() as app:
        app.answers[:] = []
        closing = app.server.RequestHandlerClass.do_POST
        seen = []

        def hang_up_once(self):
            seen.append(self.path)
            if len(seen) == 1:
                self.close_connection = True
                return
            closing(self)

        app.server.RequestHandlerClass.do_POST = hang_up_once
        sid = send(simulator, app)

        assert all_told(simulator, app, sid) == BOTH
        assert len(seen) == 3


def test_the_truth_says_how_callbacks_were_answered(simulator, app):
    to = a_number()
    app.answers[:] = [403]
    send(simulator, app, to=to)

    (text,) = wait_for(lambda: [t for t in simulator.truth(to) if len(t["receipts"]) == 2])
    assert text["receipts"] == [
        {"status": "sent", "answer": 403},
        {"status": "delivered", "answer": 204},
    ]


def test_callbacks_do_not_hold_up_the_api(simulator, app):
    sids = [send(simulator, app, f"/status/{n}") for n in range(150)]

    for sid in sids:
        assert all_told(simulator, app, sid) == BOTH


def test_callbacks_can_be_dropped(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_dropped", to=to)
    sid = send(simulator, app, to=to)

    wait_for(lambda: simulator.truth(to)[0]["status"] == "delivered")
    other = send(simulator, app)
    all_told(simulator, app, other)
    assert app.told(sid) == []


def test_callbacks_can_be_repeated(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_repeated", to=to, count=3)
    sid = send(simulator, app, to=to)

    assert all_told(simulator, app, sid, 6) == ["sent"] * 3 + ["delivered"] * 3
    assert len({told.headers["I-Twilio-Idempotency-Token"] for told in app.told(sid)}) == 2


def test_callbacks_can_come_in_the_wrong_order(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_shuffled", to=to)
    sid = send(simulator, app, to=to)

    assert all_told(simulator, app, sid) == ["delivered", "sent"]

    simulator.ask("DELETE", "misbehaviour")
    simulator.misbehave("callbacks_shuffled", to=to, count=5)
    sid = send(simulator, app, to=to)
    statuses = all_told(simulator, app, sid, 10)
    assert statuses[0] == "delivered"
    assert sorted(statuses) == ["delivered"] * 5 + ["sent"] * 5


def test_callbacks_can_be_late(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_delayed", to=to, seconds=0.6)
    late = send(simulator, app, to=to)
    punctual = send(simulator, app)

    assert all_told(simulator, app, late) == BOTH
    assert app.told(late)[0].at - app.told(punctual)[0].at > 0.5


def test_callbacks_can_be_unsigned(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_unsigned", to=to)
    sid = send(simulator, app, to=to)

    all_told(simulator, app, sid)
    assert not any("X-Twilio-Signature" in told.headers for told in app.told(sid))


def test_callbacks_can_have_a_wrong_signature(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_wrong_signature", to=to)
    sid = send(simulator, app, to=to)

    all_told(simulator, app, sid)
    assert all(told.headers["X-Twilio-Signature"] for told in app.told(sid))
    assert not any(told.is_signed_with(TOKEN) for told in app.told(sid))


@pytest.mark.parametrize(
    ("status", "told"), [("undelivered", ["sent", "undelivered"]), ("failed", ["failed"])]
)
def test_a_text_can_fail_later(simulator, app, status, told):
    to = a_number()
    simulator.misbehave("fails_later", to=to, code=30007, status=status)
    sid = send(simulator, app, to=to)

    assert all_told(simulator, app, sid, len(told)) == told
    assert app.told(sid)[-1].fields["ErrorCode"] == "30007"
    assert app.told(sid)[-1].is_signed_with(TOKEN)
    text = simulator.client().messages(sid).fetch()
    assert (text.status, text.error_code) == (status, 30007)
    assert text.error_message == "Message filtered"


def test_what_happens_to_answers_and_to_callbacks_can_be_combined(simulator, app):
    to = a_number()
    simulator.misbehave("accept_then_503", to=to)
    simulator.misbehave("fails_later", to=to, code=30003)
    simulator.misbehave("callbacks_repeated", to=to, count=2)
    response = simulator.post_text(to, StatusCallback=f"{app.url}/status/5")

    assert response.status_code == 503
    (text,) = simulator.truth(to)
    told = all_told(simulator, app, text["sid"], 4)
    assert told == ["sent", "sent", "undelivered", "undelivered"]


def test_cleared_texts_are_not_told_of(simulator, app):
    to = a_number()
    simulator.misbehave("callbacks_delayed", to=to, seconds=0.3)
    sid = send(simulator, app, to=to)
    wait_for(lambda: simulator.truth(to)[0]["status"] == "delivered")
    simulator.ask("DELETE", "texts")
    late = a_number()
    simulator.misbehave("callbacks_delayed", to=late, seconds=0.4)
    other = send(simulator, app, to=late)

    all_told(simulator, app, other)
    assert app.told(sid) == []


def test_a_reply_from_a_phone_is_told_signed(simulator, app):
    account = {"sid": SID, "inbound_url": f"{app.url}/twilio/inbound"}
    assert simulator.ask("POST", "accounts", account).status_code == 200
    phone = a_number()
    simulator.post_text(phone)
    answer = simulator.ask(
        "POST", "inbound", {"from": phone, "to": SENDER, "body": "Thanks, see you é"}
    ).json()

    assert (answer["status"], answer["body"]) == (204, "")
    (told,) = app.told(answer["sid"])
    assert told.is_signed_with(TOKEN)
    assert told.fields == {
        "MessageSid": answer["sid"],
        "SmsSid": answer["sid"],
        "SmsMessageSid": answer["sid"],
        "AccountSid": SID,
        "From": phone,
        "To": SENDER,
        "Body": "Thanks, see you é",
        "SmsStatus": "received",
        "NumMedia": "0",
        "NumSegments": "1",
        "ApiVersion": "2010-04-01",
    }
    text = simulator.client().messages(answer["sid"]).fetch()
    assert (text.direction, text.status) == ("inbound", "received")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("STOP", "STOP"),
        (" stop ", "STOP"),
        ("Unsubscribe", "STOP"),
        ("START", "START"),
        ("help", "HELP"),
        ("please stop", None),
    ],
)
def test_keywords_are_marked_as_twilio_marks_them(simulator, app, body, kind):
    inbound = {"sid": SID, "inbound_url": f"{app.url}/twilio/inbound"}
    simulator.ask("POST", "accounts", inbound)
    reply = {"from": a_number(), "to": SENDER, "body": body, "account": SID}
    sid = simulator.ask("POST", "inbound", reply).json()["sid"]

    assert app.told(sid)[0].fields.get("OptOutType") == kind


def test_an_inbound_address_that_nobody_answers_is_reported(simulator):
    account = {"sid": SID, "inbound_url": "http://127.0.0.1:9/inbound"}
    simulator.ask("POST", "accounts", account)
    reply = {"from": a_number(), "to": SENDER, "body": "Hi", "account": SID}
    answer = simulator.ask("POST", "inbound", reply).json()

    assert answer["status"] is None
    assert "9" in answer["body"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"from": "me"}, "from"),
        ({"to": ""}, "to"),
        ({"body": ""}, "body"),
        ({"body": 7}, "body"),
        ({"account": "AC1"}, "account"),
        ({}, "name the account"),
        ({"account": OTHER_SID}, "inbound_url"),
    ],
)
def test_a_reply_that_cannot_be_sent_says_why(simulator, changes, words):
    reply = {"from": a_number(), "to": SENDER, "body": "Hi", **changes}
    answer = simulator.ask("POST", "inbound", reply)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]
