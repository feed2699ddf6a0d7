"""Status webhooks: who is believed, and what a hostile one finds."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

import pytest
from django.test import Client, override_settings
from twilio.request_validator import RequestValidator

from sms import outbox
from sms.models import Message, OptOut, UserProfile
from sms.outbox import Outcome
from sms.providers.base import Report
from tests.factories import ACCOUNT_SID, AUTH_TOKEN, CALLER, MessageFactory, ProfileFactory, UserFactory

pytestmark = pytest.mark.django_db

SID = "SM" + "a" * 32


@pytest.fixture
def message():
    MessageFactory()
    [claimed] = outbox.claim(1)
    outbox.record([Outcome(claimed, "accepted", Report(SID, "queued", "accepted"))])
    return Message.objects.get(pk=claimed.pk)


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


FORM = "application/x-www-form-urlencoded"
BODIES = {
    "nothing": (FORM, b""),
    "ten thousand parameters": (FORM, b"a&" * 10_000),
    "ten thousand parameters with values": (FORM, b"&".join(b"a%d=%d" % (n, n) for n in range(10_000))),
    "not UTF-8": (FORM, b"MessageSid=\xff\xfe"),
    "another character set": (FORM + "; charset=utf-16", b"MessageSid=1"),
    "half of an escape": (FORM, b"MessageSid=%&MessageStatus=%z"),
    "JSON": ("application/json", b'{"MessageStatus": "delivered"}'),
    "parts without a boundary": ("multipart/form-data", b"--x"),
    "parts that break off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a',
    ),
    "a header that is no number": (FORM, b"a=1"),
}


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("known", [True, False], ids=["a message", "no message"])
@pytest.mark.parametrize("signature", ["", "A" * 28])
def test_whatever_comes_in_is_answered_alike_for_any_message(message, kind, body, known, signature):
    path = f"/twilio/status/{message.pk if known else uuid.uuid4()}/1"
    extra = {"CONTENT_LENGTH": "many"} if body == b"a=1" else {}

    for url in (path, "/twilio/inbound"):
        answer = Client().generic(
            "POST", url, body, kind, headers={"X-Twilio-Signature": signature}, secure=True, **extra
        )
        assert answer.status_code == 403
    assert state(message) == "accepted"


def test_a_receipt_that_was_cut_off_moves_nothing(post, message):
    form = {"MessageSid": SID, "MessageStatus": "delivered", "AccountSid": ACCOUNT_SID}
    path = f"/twilio/status/{message.pk}/1"
    signature = RequestValidator(AUTH_TOKEN).compute_signature("https://sms.example.com" + path, form)
    body = urlencode(form)

    for length in range(len(body)):
        answer = Client().generic(
            "POST", path, body[:length], FORM, headers={"X-Twilio-Signature": signature}, secure=True
        )
        assert answer.status_code == 403
    assert state(message) == "accepted"


def test_a_receipt_five_times_and_in_the_wrong_order_is_noted_once(post, message):
    for status in ("delivered", "sent", "delivered", "sending", "sent") * 2:
        assert post(MessageStatus=status) == 204

    assert state(message) == "delivered"
    noted = message.events.exclude(provider_status="").values_list("provider_status", flat=True)
    assert sorted(noted) == ["delivered", "queued", "sending", "sent"]


def test_a_receipt_before_the_carriers_own_answer_counts(post):
    early = MessageFactory(body="Early.", profile=None, provider="atlas", account_sid="AC" + "8" * 32)
    path = f"/twilio/status/{early.pk}/1"
    [claimed] = outbox.claim(1)
    with override_settings(ATLAS_ACCOUNT_SID="AC" + "8" * 32, ATLAS_AUTH_TOKEN="8" * 32):
        status = post(path=path, token="8" * 32, AccountSid="AC" + "8" * 32, MessageSid="SM" + "e" * 32)

    assert (claimed.pk, status, state(early)) == (early.pk, 204, "delivered")


@pytest.mark.parametrize(
    "public_url",
    [
        "https://sms.example.com",
        "https://sms.example.com:443",
        "https://sms.example.com:8443",
        "https://sms.example.com/midcall",
        "https://sms.example.com:8443/a/b",
        "http://sms.example.com:8000",
    ],
)
def test_behind_a_proxy_what_counts_is_the_address_that_we_handed_out(settings, public_url):
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = public_url, ["web-1.internal"]
    settings.SECURE_SSL_REDIRECT = False
    form = {"MessageSid": SID, "MessageStatus": "delivered", "AccountSid": ACCOUNT_SID}
    MessageFactory()
    [claimed] = outbox.claim(1)
    handed_out = claimed.status_url()
    assert handed_out.startswith(public_url + "/twilio/status/")
    # What is left of it behind a proxy that ends TLS, strips the prefix, and has a name of its own for us.
    path = "/twilio/status/" + handed_out.partition("/twilio/status/")[2]

    def post(signed_for: str) -> int:
        signature = RequestValidator(AUTH_TOKEN).compute_signature(signed_for, form)
        return (
            Client()
            .post(path, form, headers={"X-Twilio-Signature": signature, "Host": "web-1.internal"})
            .status_code
        )

    assert post("http://web-1.internal" + path) == 403
    assert post(handed_out) == 204
    assert state(claimed) == "delivered"


def test_another_accounts_token_signs_nothing(post, message):
    bob = UserFactory(profile=None)
    ProfileFactory(user=bob, twilio_account_sid="AC" + "7" * 32, twilio_auth_token="7" * 32)

    assert post(token="7" * 32) == 403
    assert post(token="7" * 32, AccountSid="AC" + "7" * 32) == 403
    assert state(message) == "accepted"


def test_a_21610_in_a_receipt_is_an_opt_out(post, message):
    waiting = MessageFactory()

    assert post(MessageStatus="undelivered", ErrorCode="21610") == 204

    assert OptOut.objects.get().source == OptOut.Source.CARRIER
    assert state(waiting) == "blocked"


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

        text("Doch wieder", OptOutType="START", MessageSid="SM" + "1" * 32)
        assert not OptOut.stands_for(CALLER)

    @pytest.mark.parametrize("body", ["HELP", "Info", "help me please"])
    @pytest.mark.parametrize("kind", ["HELP", ""])
    def test_who_asks_for_help_changes_nothing_and_is_answered_by_twilio(self, text, body, kind):
        for opted_out in (False, True):
            answer = text(body, OptOutType=kind)
            assert (answer.status_code, OptOut.stands_for(CALLER)) == (200, opted_out)
            assert b"<Message" not in answer.content
            text("STOP")

    def test_a_stop_is_a_stop_even_if_twilio_takes_it_for_a_cry_for_help(self, text):
        text("Stop texting me", OptOutType="HELP")

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

    def test_while_the_platforms_token_is_rotated_either_signs(self, text, settings):
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_AUTH_TOKEN = "AC" + "8" * 32, "8" * 32
        settings.ATLAS_SECONDARY_AUTH_TOKEN = "9" * 32

        for token, status in (("7" * 32, 403), ("9" * 32, 200), ("8" * 32, 200)):
            assert text(token=token, AccountSid="AC" + "8" * 32).status_code == status

    @pytest.mark.parametrize("sender", ["", "anonymous", "12345"])
    def test_a_sender_that_is_no_number_is_a_bad_request(self, text, sender):
        assert text(From=sender).status_code == 400
