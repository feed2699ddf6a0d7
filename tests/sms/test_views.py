"""Status webhooks: who is believed, and what a hostile one finds."""

from __future__ import annotations

import pytest
from django.test import Client
from twilio.request_validator import RequestValidator

from sms import outbox
from sms.models import Message, OptOut, UserProfile
from sms.outbox import Outcome
from sms.providers.base import Report
from tests.factories import ACCOUNT_SID, AUTH_TOKEN, CALLER, MessageFactory

pytestmark = pytest.mark.django_db

SID = "SM" + "a" * 32


@pytest.fixture
def message():
    MessageFactory()
    [claimed] = outbox.claim(1)
    outbox.record([Outcome(claimed, "accepted", Report(SID, "queued", "accepted"))])
    claimed.refresh_from_db()
    return claimed


@pytest.fixture
def post(message, settings):
    settings.PUBLIC_URL = "https://sms.example.com"

    def post(path="", signature=None, token=AUTH_TOKEN, **fields):
        form = {"MessageSid": SID, "MessageStatus": "delivered", "AccountSid": ACCOUNT_SID, **fields}
        path = path or f"/twilio/status/{message.pk}/1"
        if signature is None:
            url = "https://sms.example.com" + path
            signature = RequestValidator(token).compute_signature(url, form)
        headers = {"X-Twilio-Signature": signature} if signature else {}
        return Client().post(path, form, headers=headers, secure=True).status_code

    return post


def state(message) -> str:
    return Message.objects.get(pk=message.pk).state


def test_a_signed_receipt_moves_the_message(post, message):
    assert post() == 204
    assert state(message) == "delivered"


@pytest.mark.parametrize("signature", ["", "x", "ümlaut", "A" * 10_000, "=" * 28])
def test_an_unsigned_receipt_moves_nothing(post, message, signature):
    assert post(signature=signature) == 403
    assert state(message) == "accepted"


def test_a_receipt_signed_for_another_message_moves_nothing(post, message):
    other = MessageFactory()
    form = {"MessageSid": SID, "MessageStatus": "delivered", "AccountSid": ACCOUNT_SID}
    signed_for = f"https://sms.example.com/twilio/status/{other.pk}/1"
    signature = RequestValidator(AUTH_TOKEN).compute_signature(signed_for, form)

    assert post(signature=signature) == 403
    assert state(message) == "accepted"


def test_unknown_messages_and_wrong_signatures_are_answered_alike(post):
    assert post(path="/twilio/status/00000000-0000-4000-8000-00000000dead/1") == post(token="0" * 32) == 403


def test_a_receipt_for_an_account_whose_token_is_gone_is_not_believed(post, message):
    UserProfile.objects.update(twilio_auth_token=None)

    assert post() == 403
    assert state(message) == "accepted"


@pytest.mark.parametrize(
    "fields",
    [
        {"MessageSid": "nonsense"},
        {"MessageSid": ""},
        {"MessageStatus": ""},
        {"MessageStatus": "DELIVERED"},
        {"MessageStatus": "x" * 100},
    ],
)
def test_a_signed_receipt_that_cannot_be_read_is_a_bad_request(post, message, fields):
    assert post(**fields) == 400
    assert state(message) == "accepted"


def test_a_status_that_is_not_known_yet_is_noted_and_moves_nothing(post, message):
    assert post(MessageStatus="pondering") == 204
    assert state(message) == "accepted"
    assert message.events.filter(provider_status="pondering").exists()


def test_an_error_code_is_kept(post, message):
    assert post(MessageStatus="undelivered", ErrorCode="30005") == 204

    message.refresh_from_db()
    assert (message.state, message.error_code) == ("undelivered", 30005)


@pytest.mark.parametrize("code", ["", "x", "-1", "٣", "9" * 30])
def test_an_error_code_that_is_none_is_not_a_crash(post, message, code):
    assert post(MessageStatus="undelivered", ErrorCode=code) in (204, 400)


def test_a_receipt_is_a_post(message):
    assert Client().get(f"/twilio/status/{message.pk}/1").status_code == 405


@pytest.mark.parametrize("attempt", ["99999", "999999999999999999999999", "x", "-1"])
def test_an_attempt_that_never_was_moves_nothing(post, message, attempt):
    assert post(path=f"/twilio/status/{message.pk}/{attempt}") in (403, 404)


def test_while_a_token_is_rotated_either_signs(post, message):
    profile = UserProfile.objects.get(pk=message.profile_id)
    profile.twilio_secondary_token = "1" * 32
    profile.save()

    assert post(token="2" * 32) == 403
    assert post(token="1" * 32, MessageStatus="sent") == 204
    assert post(token=AUTH_TOKEN) == 204


def test_a_body_that_is_too_large_is_not_read(post, message):
    assert post(Junk="x" * 100_000) == 403
    assert state(message) == "accepted"


class TestInbound:
    @pytest.fixture
    def text(self, settings, olive):
        settings.PUBLIC_URL = "https://sms.example.com"

        def text(body="STOP", token=AUTH_TOKEN, **fields):
            form = {
                "MessageSid": SID,
                "AccountSid": ACCOUNT_SID,
                "From": CALLER,
                "To": "+13125550142",
                "Body": body,
                **fields,
            }
            signature = RequestValidator(token).compute_signature(
                "https://sms.example.com/twilio/inbound", form
            )
            return Client().post(
                "/twilio/inbound", form, headers={"X-Twilio-Signature": signature}, secure=True
            )

        return text

    @pytest.mark.parametrize(
        "body",
        [
            *("STOP", "stop", " Stop. ", "STOPALL", "Unsubscribe!", "opt out", "OPT-OUT", "Revoke", "QUIT"),
            *("ＳＴＯＰ", "Stop\u200b", "please stop texting me", "ARRÊT", "alto", "end"),
            *("Stop texting me you idiots", "UNSUBSCRIBE from this list", "do not text me", "STОP"),
            "Don't ever text me again",
        ],
    )
    def test_who_asks_to_stop_is_texted_no_more(self, text, body):
        queued = MessageFactory()

        answer = text(body)

        assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
        assert b"<Message" not in answer.content
        assert OptOut.objects.get().evidence == body
        assert Message.objects.get(pk=queued.pk).state == "blocked"

    @pytest.mark.parametrize(
        "body", ["", "Thanks!", "Can I stop by tomorrow?", "HELP", "the end of the week"]
    )
    def test_who_writes_something_else_is_not_opted_out(self, text, body):
        assert text(body).status_code == 200
        assert not OptOut.objects.exists()

    def test_what_twilio_has_recognised_counts_whatever_the_words(self, text):
        text("Lass mich in Ruhe", OptOutType="STOP")

        assert OptOut.stands_for(CALLER)

    @pytest.mark.parametrize("body", ["START", "unstop", "Yes"])
    def test_who_asks_to_start_is_texted_again(self, text, body):
        text("STOP")

        text(body)

        assert not OptOut.stands_for(CALLER)

    def test_a_start_that_is_played_again_lifts_no_later_stop(self, text):
        text("STOP")
        text("START", MessageSid="SM" + "1" * 32)
        text("STOP", MessageSid="SM" + "2" * 32)

        text("START", MessageSid="SM" + "1" * 32)

        assert OptOut.stands_for(CALLER)

    def test_a_stop_from_a_number_that_we_would_not_text_counts(self, text):
        assert text(From="+5215512345678").status_code == 200
        assert OptOut.stands_for("+5215512345678")

    def test_a_start_from_somebody_else_changes_nothing(self, text):
        text("STOP")

        text("START", From="+14155550199")

        assert OptOut.stands_for(CALLER)

    @pytest.mark.parametrize(
        "fields",
        [{"token": "0" * 32}, {"AccountSid": "AC" + "9" * 32}, {"AccountSid": ""}, {"AccountSid": "AC\0"}],
        ids=repr,
    )
    def test_what_is_not_signed_by_an_account_of_ours_is_not_believed(self, text, fields):
        assert text(**fields).status_code == 403
        assert not OptOut.objects.exists()

    def test_the_platforms_account_is_ours_too(self, text, settings):
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_AUTH_TOKEN = "AC" + "8" * 32, "8" * 32

        assert text(token="8" * 32, AccountSid="AC" + "8" * 32).status_code == 200
        assert OptOut.stands_for(CALLER)

    @pytest.mark.parametrize("sender", ["", "anonymous", "12345"])
    def test_a_sender_that_is_no_number_is_a_bad_request(self, text, sender):
        assert text(From=sender).status_code == 400
