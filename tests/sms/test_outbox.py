"""The life of a message, transition by transition, on a real PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from sms import outbox
from sms.models import Message, OptOut, State
from sms.outbox import Outcome
from sms.providers.base import Report
from tests.factories import CALLER, MessageFactory

pytestmark = pytest.mark.django_db

SID = "SM" + "a" * 32
OTHER_SID = "SM" + "b" * 32


def report(state: State, sid: str = SID, code: int | None = None) -> Report:
    return Report(sid=sid, status=str(state), state=state, error_code=code)


def claim_one() -> Message:
    [message] = outbox.claim(10)
    return message


def state_of(message: Message) -> str:
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def age(message: Message, field: str, by: timedelta) -> None:
    Message.objects.filter(pk=message.pk).update(**{field: Now() - by})


class TestClaim:
    def test_a_queued_message_is_claimed_once(self):
        message = MessageFactory()

        claimed = claim_one()

        assert (claimed.pk, claimed.state, claimed.attempt) == (message.pk, State.SUBMITTING, 1)
        assert claimed.profile.twilio_account_sid
        assert outbox.claim(10) == []

    def test_texts_of_a_call_go_before_others(self):
        MessageFactory(priority=1)
        in_call = MessageFactory(priority=0)

        assert [message.pk for message in outbox.claim(1)] == [in_call.pk]

    def test_no_more_are_claimed_than_asked_for(self):
        MessageFactory.create_batch(5)

        assert len(outbox.claim(3)) == 3
        assert len(outbox.claim(3)) == 2

    def test_what_is_not_due_waits(self):
        age(MessageFactory(), "next_attempt_at", timedelta(minutes=-1))

        assert outbox.claim(10) == []

    def test_what_is_too_old_is_not_sent(self):
        message = MessageFactory()
        age(message, "expires_at", timedelta(seconds=1))

        assert outbox.claim(10) == []
        assert outbox.expire() == 1
        assert state_of(message) == State.EXPIRED
        assert "time that it was worth sending" in message.events.get().detail

    def test_who_opted_out_after_the_promise_is_not_texted(self):
        message = MessageFactory()
        OptOut.objects.create(recipient=CALLER)

        assert outbox.claim(10) == []
        assert state_of(message) == State.BLOCKED
        assert "opted out" in message.events.get().detail

    def test_of_equal_texts_one_is_in_doubt_at_a_time(self):
        first, second = MessageFactory(body="Same."), MessageFactory(body="Same.")

        assert len(outbox.claim(10)) == 1
        assert outbox.claim(10) == []

        claimed = Message.objects.get(state=State.SUBMITTING)
        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])
        assert {claim_one().pk, claimed.pk} == {first.pk, second.pk}


class TestRecord:
    def test_the_carriers_answer_is_stored_with_an_event(self):
        MessageFactory()
        claimed = claim_one()

        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])

        claimed.refresh_from_db()
        assert (claimed.state, claimed.provider_sid, claimed.lease_until) == ("accepted", SID, None)
        assert [event.state for event in claimed.events.all()] == ["submitting", "accepted"]

    def test_many_outcomes_are_stored_at_once(self, django_assert_num_queries):
        MessageFactory.create_batch(3)
        claimed = outbox.claim(10)
        sids = ["SM" + str(number) * 32 for number in range(3)]

        # One statement between the marks of its transaction, however many there are.
        with django_assert_num_queries(3):
            outbox.record(
                [
                    Outcome(message, State.ACCEPTED, report(State.ACCEPTED, sid))
                    for message, sid in zip(claimed, sids, strict=True)
                ]
            )

        assert set(Message.objects.values_list("provider_sid", flat=True)) == set(sids)

    def test_what_was_surely_not_taken_is_due_again_after_a_delay(self):
        message = MessageFactory()
        claimed = claim_one()

        delay = outbox.next_delay(claimed)
        outbox.record([Outcome(claimed, State.QUEUED, reason="Too fast.", delay=delay)])

        message.refresh_from_db()
        assert (message.state, message.refusals, message.reason) == ("queued", 1, "Too fast.")
        assert outbox.claim(10) == []
        age(message, "next_attempt_at", timedelta(seconds=1))
        assert claim_one().attempt == 2

    def test_refusals_end_after_the_last_delay(self):
        message = MessageFactory.build()
        message.refusals = len(outbox.RETRY_DELAYS)

        assert outbox.next_delay(message) is None

    def test_a_claim_that_was_lost_records_nothing(self):
        message = MessageFactory()
        frozen = claim_one()
        outbox.record([Outcome(frozen, State.QUEUED, delay=timedelta(seconds=-1))])
        claim_one()

        outbox.record([Outcome(frozen, State.FAILED, reason="Said too late.")])

        assert state_of(message) == State.SUBMITTING

    def test_an_answer_after_the_lease_still_resolves_the_doubt(self):
        message = MessageFactory()
        claimed = claim_one()
        age(message, "lease_until", timedelta(seconds=1))
        outbox.reap()

        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])

        assert state_of(message) == State.ACCEPTED

    def test_one_answer_with_a_sid_of_another_does_not_hold_up_the_rest(self):
        MessageFactory(provider_sid=SID, state=State.DELIVERED)
        MessageFactory.create_batch(2)
        wrong, right = outbox.claim(10)

        outbox.record(
            [
                Outcome(wrong, State.ACCEPTED, report(State.ACCEPTED, SID)),
                Outcome(right, State.ACCEPTED, report(State.ACCEPTED, OTHER_SID)),
            ]
        )

        assert (state_of(wrong), state_of(right)) == ("unconfirmed", "accepted")


class TestReceipt:
    def submitted(self) -> Message:
        MessageFactory()
        claimed = claim_one()
        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])
        return claimed

    def test_receipts_move_a_message_forward(self):
        message = self.submitted()

        assert outbox.receipt(message, 1, report(State.SENT))
        assert outbox.receipt(message, 1, report(State.DELIVERED))

        assert state_of(message) == State.DELIVERED

    def test_receipts_never_move_it_back(self):
        message = self.submitted()
        outbox.receipt(message, 1, report(State.DELIVERED))

        for late in (State.SENT, State.ACCEPTED, State.UNDELIVERED, State.FAILED):
            assert not outbox.receipt(message, 1, report(late))

        assert state_of(message) == State.DELIVERED

    def test_a_receipt_five_times_is_one_event(self):
        message = self.submitted()

        for _ in range(5):
            outbox.receipt(message, 1, report(State.SENT))

        assert message.events.filter(state=State.SENT).count() == 1

    def test_a_receipt_before_the_answer_is_kept_and_names_the_sid(self):
        MessageFactory()
        message = claim_one()

        outbox.receipt(message, 1, report(State.DELIVERED))
        outbox.record([Outcome(message, State.ACCEPTED, report(State.ACCEPTED))])

        message.refresh_from_db()
        assert (message.state, message.provider_sid) == ("delivered", SID)

    def test_a_receipt_resolves_a_doubt(self):
        MessageFactory()
        message = claim_one()
        outbox.record([Outcome(message, State.UNCONFIRMED, reason="The connection broke.")])

        outbox.receipt(message, 1, report(State.SENT))

        assert state_of(message) == State.SENT

    def test_a_receipt_for_a_text_that_waits_to_be_sent_again_stops_that(self):
        MessageFactory()
        message = claim_one()
        outbox.record([Outcome(message, State.QUEUED, delay=timedelta(seconds=-1))])

        outbox.receipt(message, 1, report(State.SENT))

        assert state_of(message) == State.SENT
        assert outbox.claim(10) == []

    def test_a_receipt_for_a_text_that_was_never_handed_over_moves_nothing(self):
        message = MessageFactory()

        assert not outbox.receipt(message, 0, report(State.DELIVERED))
        assert state_of(message) == State.QUEUED

    def test_two_sids_for_one_message_are_seen(self):
        message = self.submitted()

        outbox.receipt(message, 2, report(State.DELIVERED, OTHER_SID))

        message.refresh_from_db()
        assert message.duplicate_detected
        assert message.provider_sid == SID

    def test_a_sid_of_another_message_says_nothing(self):
        MessageFactory(provider_sid=OTHER_SID, state=State.DELIVERED)
        MessageFactory()
        message = claim_one()

        assert not outbox.receipt(message, 1, report(State.DELIVERED, OTHER_SID))
        assert state_of(message) == State.SUBMITTING
        assert not message.events.filter(state=State.DELIVERED).exists()

    def test_why_it_failed_is_kept(self):
        message = self.submitted()

        outbox.receipt(message, 1, report(State.UNDELIVERED, code=30005))

        message.refresh_from_db()
        assert (message.state, message.error_code) == ("undelivered", 30005)


class TestDoubt:
    def in_doubt(self, attempt: int = 1) -> Message:
        MessageFactory()
        message = claim_one()
        outbox.record([Outcome(message, State.UNCONFIRMED, reason="The connection broke.")])
        Message.objects.filter(pk=message.pk).update(attempt=attempt)
        message.attempt = attempt
        return message

    def listed_clean(self, message: Message) -> None:
        outbox.not_listed(message)
        Message.objects.filter(pk=message.pk, listed_at__isnull=False).update(
            listed_at=Now() - outbox.LATE_BOUND
        )

    def test_a_dead_workers_message_is_in_doubt_and_not_queued(self):
        message = MessageFactory()
        claim_one()
        assert outbox.reap() == 0

        age(message, "lease_until", timedelta(seconds=1))

        assert outbox.reap() == 1
        assert state_of(message) == State.UNCONFIRMED

    def test_the_carrier_is_not_asked_before_the_late_bound(self):
        message = self.in_doubt()
        assert outbox.doubts() == []

        age(message, "submitted_at", outbox.LATE_BOUND)

        assert [doubt.pk for doubt in outbox.doubts()] == [message.pk]

    def test_one_clean_listing_decides_nothing(self):
        message = self.in_doubt()

        outbox.not_listed(message)
        outbox.not_listed(message)

        assert state_of(message) == State.UNCONFIRMED

    def test_two_clean_listings_late_and_apart_send_it_again(self):
        message = self.in_doubt()

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.QUEUED
        assert claim_one().attempt == 2

    def test_a_second_doubt_ends_unknown(self):
        message = self.in_doubt(attempt=2)

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.UNKNOWN

    def test_with_no_time_left_it_ends_unknown(self):
        message = self.in_doubt()
        age(message, "expires_at", timedelta(seconds=1))

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.UNKNOWN


class TestOptOut:
    def test_it_blocks_what_is_queued(self):
        message, other = MessageFactory(), MessageFactory(recipient="+14155550124")

        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP")

        assert (state_of(message), state_of(other)) == ("blocked", "queued")
        assert OptOut.stands_for(CALLER)

    def test_twice_is_once(self):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)
        outbox.opt_out(CALLER, OptOut.Source.CARRIER)

        assert OptOut.objects.get().source == OptOut.Source.KEYWORD


@pytest.mark.django_db(transaction=True)
def test_many_claimers_at_once_share_and_never_overlap():
    MessageFactory.create_batch(60)
    claimed: list = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        try:
            for _ in range(8):
                claimed.extend(message.pk for message in outbox.claim(3))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(claimed) == len(set(claimed)) == 60
