"""Draining the outbox through the real SDK over real HTTP, and what each of a carrier's answers means."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.fernet import Fernet
from django.db import ProgrammingError, connection, transaction
from django.db.models.functions import Now
from django.urls import reverse

from sms import dispatch, outbox
from sms.models import Message, Sender, State, UserProfile
from sms.providers import base
from tests.conftest import ATLAS_SID
from tests.factories import ACCOUNT_SID, MessageFactory
from tests.processes import Carrier, eventually, request

pytestmark = pytest.mark.django_db(transaction=True)

SID = "SM" + "a" * 32


@pytest.fixture(autouse=True)
def no_connection_left():
    yield
    dispatch.close()


def drained(**fields) -> Message:
    message = MessageFactory(**fields)
    dispatch.drain()
    message.refresh_from_db()
    return message


@contextmanager
def answering(status: int, body: bytes, content_type: str) -> Iterator[str]:
    """The URL of a server that answers whatever is asked like this."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def refusing_updates() -> Iterator[None]:
    """No answer of a carrier can be stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE 'Out of order.'; END $$;"
            "CREATE TRIGGER refuse BEFORE UPDATE ON sms_message FOR EACH ROW WHEN (NEW.state = 'accepted') "
            "EXECUTE FUNCTION refuse()"
        )
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION refuse() CASCADE")


class TestAnswers:
    def test_a_text_is_handed_over(self, carrier):
        message = drained(body="Grüße, 👋 & <b>all</b>")

        [text] = carrier.texts()
        assert (message.state, message.provider_sid) == (State.ACCEPTED, text["sid"])
        assert (text["to"], text["from"]) == (message.recipient, message.sender)
        assert text["body"] == "Grüße, 👋 & <b>all</b>"
        assert text["status_callback"].endswith(reverse("twilio-status", args=[message.pk, 1]))

    def test_a_messaging_service_is_named_as_such(self, carrier):
        drained(sender="MG" + "0" * 32)

        [text] = carrier.texts()
        assert text["messaging_service_sid"] == "MG" + "0" * 32

    def test_the_platforms_provider_uses_the_operators_account(self, carrier):
        drained(provider="atlas", profile=None, account_sid=ATLAS_SID, sender="+13125550100")

        [text] = carrier.texts()
        assert text["account_sid"] == ATLAS_SID

    def test_an_api_key_sends_in_the_tokens_place(self, carrier):
        key = {"sid": "SK" + "7" * 32, "secret": "secret", "rights": ["send"]}
        request(f"{carrier.url}/simulator/accounts", "POST", {"sid": ACCOUNT_SID, "keys": [key]})
        message = MessageFactory()
        profile = UserProfile.objects.get(pk=message.profile_id)
        # Which alone would be refused.
        profile.twilio_auth_token = "0" * 32
        profile.twilio_api_key, profile.twilio_api_secret = key["sid"], key["secret"]
        profile.save()

        dispatch.drain()

        message.refresh_from_db()
        assert message.state == State.ACCEPTED
        request(f"{carrier.url}/simulator/accounts", "POST", {"sid": ACCOUNT_SID, "keys": []})

    def test_many_are_handed_over_at_once(self, carrier):
        carrier.misbehave("answer_slow", seconds=0.3)
        MessageFactory.create_batch(40)

        assert dispatch.drain() == 40

        sids = Message.objects.values_list("provider_sid", flat=True)
        assert set(sids) == {text["sid"] for text in carrier.texts()}
        assert len(sids) == 40

    def test_what_is_refused_has_failed_with_code_and_reason(self, carrier):
        carrier.misbehave("error", code=21211)

        message = drained()

        assert (message.state, message.error_code) == (State.FAILED, 21211)
        assert message.reason
        assert carrier.texts() == []

    def test_a_carrier_may_hold_it_for_as_long_as_it_is_worth_sending(self, carrier):
        drained(send_within=timedelta(minutes=10))

        [text] = carrier.texts()
        assert 590 <= text["validity_period"] <= 600

    @pytest.mark.parametrize("written", ["seconds", "date"])
    def test_too_many_requests_wait_as_long_as_the_carrier_says(self, carrier, written):
        carrier.misbehave("rate_limited", seconds=30, written=written)

        message = drained()

        assert (message.state, message.refusals) == (State.QUEUED, 0)
        wait = (message.next_attempt_at - message.updated_at).total_seconds()
        assert wait == 30 or (written == "date" and 29 <= wait <= 31)
        # Nor does the account send anything else meanwhile.
        MessageFactory(profile=message.profile)
        assert dispatch.drain() == 0

    @pytest.mark.parametrize("words", ["Zu viele Anfragen für heute.".encode("latin-1"), b"\xff\x00"])
    @pytest.mark.parametrize("kind", ["text/plain", "text/html; charset=latin-1", "text/plain; charset=none"])
    def test_too_many_requests_are_that_in_whatever_words(self, settings, words, kind):
        """As a proxy between says it, who passed nothing on."""
        with answering(429, words, kind) as url:
            settings.TWILIO_API_URL = url
            message = drained()

        assert (message.state, message.refusals) == (State.QUEUED, 0)
        assert "faster than the provider takes" in message.reason

    def test_a_limit_that_ends_tomorrow_holds_what_the_account_sends(self, carrier):
        carrier.misbehave("error", code=63038)

        message = drained()

        assert (message.state, message.error_code) == (State.HELD, 63038)
        assert Sender.held(message.account_sid, message.sender) == "The account has reached its daily limit."

    @pytest.mark.parametrize(
        "fault",
        [
            {"fault": "accept_then_reset"},
            {"fault": "accept_then_500"},
            {"fault": "accept_then_503"},
            {"fault": "never_accept_reset"},
            {"fault": "never_accept_500"},
            {"fault": "truncated_answer"},
            {"fault": "not_json"},
            {"fault": "no_sid"},
        ],
        ids=lambda fault: fault["fault"],
    )
    def test_an_answer_that_proves_nothing_leaves_a_doubt(self, carrier, fault):
        carrier.misbehave(**fault)

        message = drained()
        dispatch.drain()

        assert message.state == State.UNCONFIRMED
        assert message.reason
        assert len(carrier.texts()) <= 1

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ("[]", "The provider's answer could not be read."),
            ("7", "The provider's answer could not be read."),
            ('{"sid": "SID", "error_code": "none"}', "The provider's answer could not be read."),
            ("{}", "The provider's answer names no message."),
            ('{"sid": 7}', "The provider's answer names no message."),
            ('{"sid": null}', "The provider's answer names no message."),
            ('{"sid": "SID", "to": "+14155550100"}', "The provider's answer is about another number."),
            ('{"sid": "SID", "to": 7}', "The provider's answer is about another number."),
        ],
    )
    def test_an_answer_of_another_shape_leaves_a_doubt(self, settings, answer, reason):
        with answering(201, answer.replace("SID", SID).encode(), "application/json") as url:
            settings.TWILIO_API_URL = url
            message = drained()

        assert (message.state, message.reason) == (State.UNCONFIRMED, reason)

    @pytest.mark.parametrize("status", ["", ', "status": null', ', "status": "teleported"', ', "status": 7'])
    def test_an_answer_that_names_a_message_says_that_it_is_there(self, settings, status):
        with answering(201, f'{{"sid": "{SID}"{status}}}'.encode(), "application/json") as url:
            settings.TWILIO_API_URL = url
            message = drained()

        assert (message.state, message.provider_sid) == (State.ACCEPTED, SID)
        assert "None" not in message.events.get(state=State.ACCEPTED).provider_status

    @pytest.mark.parametrize("fault", ["answer_slow", "answer_dripped"])
    def test_an_answer_that_is_not_there_in_time_leaves_a_doubt(self, carrier, monkeypatch, fault):
        monkeypatch.setattr(base, "ANSWER_SECONDS", 0.5)
        carrier.misbehave("callbacks_dropped")
        carrier.misbehave(fault, seconds=20, times=1)
        MessageFactory.create_batch(3)

        dispatch.drain()
        after = drained()

        late = Message.objects.get(state=State.UNCONFIRMED)
        assert late.reason == "The provider did not answer in time."
        assert Message.objects.filter(state=State.ACCEPTED).count() == 3
        # What was broken off is not taken for the next one's answer.
        assert {text["sid"]: text["to"] for text in carrier.texts()}[after.provider_sid] == after.recipient

    def test_nothing_is_left_under_way_by_a_drain_that_breaks(self, carrier):
        carrier.misbehave("answer_slow", seconds=20, times=1)
        MessageFactory.create_batch(2)

        with refusing_updates(), pytest.raises(ProgrammingError, match="Out of order"):
            dispatch.drain()

        eventually(lambda: not asyncio.all_tasks(dispatch._started().loop))
        # What came of them nobody knows; the reaper puts them in doubt.
        assert set(Message.objects.values_list("state", flat=True)) == {State.SUBMITTING}

    def test_a_claim_that_takes_long_takes_nothing_of_the_time_for_the_answer(self, carrier, monkeypatch):
        monkeypatch.setattr(base, "ANSWER_SECONDS", 1)
        carrier.misbehave("answer_slow", seconds=0.4)
        MessageFactory.create_batch(2)
        locked, held = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                list(Sender.objects.select_for_update())
                locked.set()
                held.wait(10)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        locked.wait(10)
        threading.Timer(2, held.set).start()
        dispatch.drain()
        holder.join()

        assert not Message.objects.filter(state=State.UNCONFIRMED)
        assert not Message.objects.filter(provider_sid=None)

    def test_a_carrier_that_cannot_be_reached_has_taken_nothing(self, carrier, settings, tmp_path):
        settings.TWILIO_API_URL = Carrier(tmp_path, {}).url

        message = drained()

        assert (message.state, message.refusals) == (State.QUEUED, 1)
        assert "could not be reached" in message.reason

    def test_a_worker_that_was_stopped_for_too_long_writes_nothing(self, carrier, monkeypatch):
        monkeypatch.setattr(dispatch, "HAND_OVER_WITHIN_SECONDS", -1)

        first, second = drained(), drained()

        assert first.state == second.state == State.UNCONFIRMED
        assert "stopped for too long" in first.reason
        assert carrier.texts() == []

    def test_after_five_tries_it_has_failed(self, carrier, settings, tmp_path):
        settings.TWILIO_API_URL = Carrier(tmp_path, {}).url

        message = drained(refusals=len(outbox.RETRY_DELAYS))

        assert message.state == State.FAILED

    def test_a_wrong_token_holds_what_the_account_sends(self, carrier):
        message = MessageFactory()
        profile = UserProfile.objects.get(pk=message.profile_id)
        profile.twilio_auth_token = "0" * 32
        profile.save()

        dispatch.drain()

        message.refresh_from_db()
        assert (message.state, message.error_code) == (State.HELD, 20003)
        assert "Account SID and Auth Token" in message.reason

    def test_and_its_owner_is_told(self, carrier, mailoutbox):
        message = MessageFactory()
        profile = UserProfile.objects.get(pk=message.profile_id)
        profile.user.email = "olive@example.com"
        profile.user.save()
        profile.twilio_auth_token = "0" * 32
        profile.save()

        dispatch.drain()
        dispatch.reconcile()

        [mail] = mailoutbox
        assert mail.to == ["olive@example.com"]
        assert "Enter the credentials again" in mail.body

    def test_credentials_that_were_removed_hold_what_was_promised_with_them(self, carrier):
        message = MessageFactory()
        UserProfile.objects.update(twilio_auth_token=None)

        dispatch.drain()

        message.refresh_from_db()
        assert (message.state, message.reason) == (
            State.HELD,
            "The owner's Twilio credentials have been removed.",
        )
        assert Sender.held(message.account_sid, message.sender) == message.reason

    def test_a_wrong_key_holds_what_it_cannot_send(self, carrier, settings):
        message = MessageFactory()
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

        dispatch.drain()

        message.refresh_from_db()
        assert message.state == State.HELD
        assert "FIELD_ENCRYPTION_KEY" in message.reason


class TestDoubts:
    def in_doubt(self, carrier, fault: str, **fields) -> Message:
        carrier.misbehave("callbacks_dropped")
        carrier.misbehave(fault, times=1)
        message = drained(**fields)
        assert message.state == State.UNCONFIRMED
        return message

    def look_up(self, message: Message) -> Message:
        Message.objects.filter(pk=message.pk).update(submitted_at=Now() - outbox.LATE_BOUND)
        Message.objects.filter(pk=message.pk, asked_at__isnull=False).update(
            asked_at=Now() - outbox.LATE_BOUND
        )
        dispatch.reconcile()
        message.refresh_from_db()
        return message

    def test_what_the_carrier_lists_was_sent(self, carrier):
        message = self.in_doubt(carrier, "accept_then_reset")

        self.look_up(message)

        [text] = carrier.texts()
        assert message.provider_sid == text["sid"]
        assert outbox.RANK[State(message.state)] >= outbox.RANK[State.ACCEPTED]

    def test_what_the_carrier_does_not_list_twice_is_sent_again_once(self, carrier):
        message = self.in_doubt(carrier, "never_accept_reset")

        assert self.look_up(message).state == State.UNCONFIRMED
        assert self.look_up(message).state == State.QUEUED
        dispatch.drain()

        message.refresh_from_db()
        assert (message.state, message.attempt) == (State.ACCEPTED, 2)
        assert len(carrier.texts()) == 1

    def test_or_not_at_all_if_its_action_says_so(self, carrier):
        message = self.in_doubt(carrier, "never_accept_reset", on_doubt="unknown")

        self.look_up(message)
        assert self.look_up(message).state == State.UNKNOWN
        dispatch.drain()

        assert carrier.texts() == []

    def test_a_list_that_cannot_be_read_decides_nothing(self, carrier):
        message = self.in_doubt(carrier, "never_accept_reset")
        carrier.misbehave("list_error")

        self.look_up(message)

        assert (message.state, message.clean_listings) == (State.UNCONFIRMED, 0)

    def test_another_messages_text_is_not_taken_for_it(self, carrier):
        first = drained(body="Same.")
        message = MessageFactory(body="Same.")
        carrier.misbehave("never_accept_reset", times=1)
        dispatch.drain()
        message.refresh_from_db()

        self.look_up(message)

        assert message.provider_sid is None
        assert first.provider_sid

    def test_reconciling_expires_what_is_too_old(self, carrier):
        message = MessageFactory()
        Message.objects.update(expires_at=Now() - timedelta(seconds=1))

        dispatch.reconcile()

        message.refresh_from_db()
        assert message.state == State.EXPIRED


class TestSilence:
    def test_a_text_whose_receipts_are_lost_is_asked_about(self, carrier):
        carrier.misbehave("callbacks_dropped")
        message = drained()
        eventually(lambda: carrier.texts()[0]["status"] == "delivered")
        Message.objects.update(updated_at=Now() - outbox.SILENT_AFTER)

        dispatch.reconcile()

        message.refresh_from_db()
        assert message.state == State.DELIVERED

    def test_a_carrier_that_does_not_say_changes_nothing(self, carrier):
        message = MessageFactory(state=State.SENT, provider_sid="SM" + "0" * 32)
        Message.objects.update(updated_at=Now() - outbox.SILENT_AFTER)

        dispatch.reconcile()

        message.refresh_from_db()
        assert message.state == State.SENT

    @pytest.mark.parametrize("state", [State.ACCEPTED, State.UNCONFIRMED])
    def test_nor_does_one_that_does_not_answer_at_all(self, settings, monkeypatch, state):
        sid = SID if state == State.ACCEPTED else None
        ago = Now() - outbox.SILENT_AFTER
        message = MessageFactory(state=state, provider_sid=sid)
        Message.objects.update(updated_at=ago, submitted_at=ago, attempt=1)
        monkeypatch.setattr(base, "ANSWER_SECONDS", 0.5)

        def reconcile() -> None:
            dispatch.reconcile()
            connection.close()

        with socket.create_server(("127.0.0.1", 0)) as mute:
            settings.TWILIO_API_URL = f"http://127.0.0.1:{mute.getsockname()[1]}"
            reconciling = threading.Thread(target=reconcile)
            reconciling.start()
            reconciling.join(10)
            ended = not reconciling.is_alive()

        message.refresh_from_db()
        assert ended
        assert message.state == state
        assert message.asked_at


class TestFairness:
    def test_a_slow_account_does_not_hold_up_another(self, carrier):
        slow = MessageFactory.create_batch(30)
        quick = MessageFactory(
            account_sid=ATLAS_SID, provider="atlas", profile=None, sender="+13125550100", body="Quick."
        )
        carrier.misbehave("answer_slow", account=slow[0].account_sid, seconds=4)
        drain = threading.Thread(target=dispatch.drain)

        drain.start()
        try:
            eventually(lambda: Message.objects.get(pk=quick.pk).provider_sid, within=3)
            assert Message.objects.filter(state=State.SUBMITTING).count() == 30
        finally:
            drain.join()

    def test_nor_does_one_that_is_slow_for_longer_than_a_task_waits(self, carrier, monkeypatch):
        monkeypatch.setattr(dispatch, "DRAIN_SECONDS", 0.3)
        slow = MessageFactory()
        carrier.misbehave("answer_slow", account=slow.account_sid, seconds=4)

        dispatch.drain()
        quick = MessageFactory(account_sid=ATLAS_SID, provider="atlas", profile=None, sender="+13125550100")
        dispatch.drain()

        eventually(lambda: Message.objects.get(pk=quick.pk).provider_sid, within=2)
        assert Message.objects.get(pk=slow.pk).state == State.SUBMITTING
        eventually(lambda: not dispatch._draining.locked())
        assert Message.objects.get(pk=slow.pk).provider_sid

    def test_a_drain_that_no_task_waits_for_is_waited_for_when_the_process_stops(self, carrier, monkeypatch):
        monkeypatch.setattr(dispatch, "DRAIN_SECONDS", 0.3)
        slow = MessageFactory()
        carrier.misbehave("answer_slow", account=slow.account_sid, seconds=2)
        dispatch.drain()

        try:
            stopping = threading.Thread(target=dispatch.stop)
            stopping.start()
            eventually(dispatch._stopping.is_set)
            late = MessageFactory()
            dispatch.drain()
            stopping.join()
            assert Message.objects.get(pk=slow.pk).provider_sid
            assert Message.objects.get(pk=late.pk).state == State.QUEUED
        finally:
            dispatch._stopping.clear()

    def test_what_breaks_one_that_no_task_waits_for_is_said(self, carrier, monkeypatch, caplog):
        monkeypatch.setattr(dispatch, "DRAIN_SECONDS", 0)
        MessageFactory()

        with refusing_updates():
            dispatch.drain()
            eventually(lambda: "a drain broke; the next one tries again" in caplog.text)

    @pytest.mark.parametrize("fault", ["rate_limited", "hang"])
    def test_nor_does_one_that_is_throttled_or_never_answers(self, carrier, fault):
        broken = MessageFactory.create_batch(30)
        carrier.misbehave(fault, account=broken[0].account_sid, seconds=4)
        drain = threading.Thread(target=dispatch.drain)

        drain.start()
        try:
            quick = MessageFactory(
                account_sid=ATLAS_SID, provider="atlas", profile=None, sender="+13125550100", body="Quick."
            )
            dispatch.drain()
            eventually(lambda: Message.objects.get(pk=quick.pk).provider_sid, within=3)
        finally:
            drain.join()

    def test_a_process_that_may_open_few_files_has_few_texts_under_way_and_refuses_none(self, carrier):
        carrier.misbehave("answer_slow", seconds=0.2)
        MessageFactory.create_batch(25)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (dispatch.OTHER_FILES + 10, files[1]))
        try:
            began = time.monotonic()
            assert dispatch.drain() == 25
            took = time.monotonic() - began
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, files)

        assert took > 0.6
        assert len(carrier.texts()) == 25
        assert not Message.objects.filter(refusals__gt=0).exists()

    def test_full_is_who_has_half_of_what_the_others_leave(self):
        half = dispatch._most_in_flight() // 2

        assert dispatch._full(Counter({"slow": half - 2, "quick": 1})) == []
        assert dispatch._full(Counter({"slow": half, "quick": 1})) == ["slow"]
        assert dispatch._full(Counter({"slow": half, "slow too": half // 2})) == ["slow", "slow too"]
