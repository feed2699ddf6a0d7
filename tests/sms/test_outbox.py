"""The life of a message, transition by transition, on a real PostgreSQL."""

from __future__ import annotations

import threading
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now

from sms import outbox
from sms.models import Claimed, Forgotten, Message, OptOut, Sender, State
from sms.outbox import Outcome
from sms.providers.base import Report
from tests.factories import ACCOUNT_SID, CALLER, MessageFactory, PromiseFactory

pytestmark = pytest.mark.django_db

SID = "SM" + "a" * 32
OTHER_SID = "SM" + "b" * 32


def report(state: State, sid: str = SID, code: int | None = None) -> Report:
    return Report(sid=sid, status=str(state), state=state, error_code=code)


def claim_one() -> Claimed:
    [claimed] = outbox.claim(10)
    return claimed


def stored(claimed: Claimed) -> Message:
    return Message.objects.get(pk=claimed.pk)


def state_of(message: Message | Claimed) -> str:
    return Message.objects.values_list("state", flat=True).get(pk=message.pk)


def copied(message: Message, **fields: Any) -> Message:
    """One more like it, not stored yet."""
    other = copy(message)
    for name, value in {"id": uuid4(), **fields}.items():
        setattr(other, name, value)
    return other


def age(message: Message, field: str, by: timedelta) -> None:
    Message.objects.filter(pk=message.pk).update(**{field: Now() - by})


class TestClaim:
    def test_a_queued_message_is_claimed_once(self):
        message = MessageFactory()

        claimed = claim_one()

        assert (claimed.pk, state_of(claimed), claimed.attempt) == (message.pk, State.SUBMITTING, 1)
        assert claimed.profile.twilio_account_sid
        assert outbox.claim(10) == []

    def test_forgotten_opt_outs_are_asked_for_only_where_there_are_any(self, django_assert_num_queries):
        MessageFactory()
        with django_assert_num_queries(2):
            claim_one()

        Forgotten.objects.create(digest="#1", by="ann", because="They asked.")
        MessageFactory()
        with django_assert_num_queries(3):
            claim_one()

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

        claimed = claim_one()
        assert outbox.claim(10) == []

        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])
        assert {claim_one().pk, claimed.pk} == {first.pk, second.pk}

    def test_twins_in_doubt_are_looked_up_by_their_index(self, django_assert_num_queries):
        message = MessageFactory()
        Sender.objects.update(messages_per_second=1000)
        Message.objects.bulk_create(
            copied(message, recipient=f"+1415{2220000 + number}") for number in range(5000)
        )
        with connection.cursor() as cursor:
            # To the planner, none is in doubt.
            cursor.execute("ANALYZE sms_message")
        assert len(outbox.claim(200)) == 200

        with django_assert_num_queries(2) as asked:
            assert outbox.claim(10)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked[0]['sql']}")
            plan = [line for (line,) in cursor.fetchall()]

        [place] = [place for place, line in enumerate(plan) if " on sms_message twin " in line]
        assert "Index Cond" in plan[place + 1]
        assert "recipient" in plan[place + 1]
        assert "md5(" in plan[place + 1]


class TestRecord:
    def test_the_carriers_answer_is_stored_with_an_event(self):
        MessageFactory()
        claimed = claim_one()

        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])

        message = stored(claimed)
        assert (message.state, message.provider_sid, message.lease_until) == ("accepted", SID, None)
        assert [event.state for event in message.events.all()] == ["submitting", "accepted"]

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

        outbox.record([Outcome.not_taken(claimed, "No route.")])

        message.refresh_from_db()
        assert (message.state, message.refusals, message.reason) == ("queued", 1, "No route.")
        assert outbox.claim(10) == []
        age(message, "next_attempt_at", timedelta(seconds=1))
        assert claim_one().attempt == 2

    def test_its_tries_end_after_the_last_delay(self):
        message = MessageFactory.build()
        message.refusals = len(outbox.RETRY_DELAYS)

        assert Outcome.not_taken(message, "No route.").state == State.FAILED

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

    def test_an_answer_that_the_database_refuses_does_not_hold_up_the_rest(self):
        MessageFactory.create_batch(2)
        wrong, right = outbox.claim(10)

        outbox.record(
            [
                Outcome(wrong, State.ACCEPTED, report(State.ACCEPTED, "SM" + "c" * 60)),
                Outcome(right, State.ACCEPTED, report(State.ACCEPTED, OTHER_SID)),
            ]
        )

        assert (state_of(wrong), state_of(right)) == ("unconfirmed", "accepted")

    def test_a_second_sid_in_a_late_answer_is_seen(self):
        MessageFactory()
        claimed = claim_one()
        message = stored(claimed)
        outbox.receipt(message, 1, report(State.SENT, OTHER_SID))

        outbox.record([Outcome.taken(claimed, report(State.ACCEPTED, SID))])

        message.refresh_from_db()
        assert (message.duplicate_detected, message.provider_sid) == (True, OTHER_SID)
        assert message.events.filter(provider_sid=SID).exists()


class TestReceipt:
    def submitted(self) -> Message:
        MessageFactory()
        claimed = claim_one()
        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])
        return stored(claimed)

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
        claimed = claim_one()
        message = stored(claimed)

        outbox.receipt(message, 1, report(State.DELIVERED))
        outbox.record([Outcome(claimed, State.ACCEPTED, report(State.ACCEPTED))])

        message.refresh_from_db()
        assert (message.state, message.provider_sid) == ("delivered", SID)

    def test_a_receipt_resolves_a_doubt(self):
        MessageFactory()
        claimed = claim_one()
        outbox.record([Outcome(claimed, State.UNCONFIRMED, reason="The connection broke.")])
        message = stored(claimed)

        outbox.receipt(message, 1, report(State.SENT))

        assert state_of(message) == State.SENT

    def test_a_receipt_for_a_text_that_waits_to_be_sent_again_stops_that(self):
        MessageFactory()
        claimed = claim_one()
        outbox.record([Outcome(claimed, State.QUEUED, delay=timedelta(seconds=-1))])
        message = stored(claimed)

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

    @pytest.mark.parametrize("early", [True, False])
    def test_a_receipt_of_the_first_try_after_a_resend_is_seen(self, early):
        MessageFactory()
        claimed = claim_one()
        message = stored(claimed)
        outbox.record([Outcome(claimed, State.QUEUED, delay=timedelta(seconds=-1))])
        again = claim_one()
        late = report(State.DELIVERED, OTHER_SID)
        answer = [Outcome.taken(again, report(State.ACCEPTED, SID))]

        if early:
            outbox.receipt(message, 1, late)
            outbox.record(answer)
        else:
            outbox.record(answer)
            outbox.receipt(message, 1, late)

        message.refresh_from_db()
        assert message.duplicate_detected
        assert set(message.events.exclude(provider_sid="").values_list("provider_sid", flat=True)) == {
            SID,
            OTHER_SID,
        }

    @pytest.mark.parametrize(
        "end", [State.BLOCKED, State.CANCELED, State.FAILED, State.EXPIRED, State.UNKNOWN]
    )
    def test_a_carrier_that_has_what_we_gave_up_knows_better(self, end):
        message = MessageFactory(state=end, attempt=1)

        assert outbox.receipt(message, 1, report(State.SENT))
        assert outbox.receipt(message, 1, report(State.DELIVERED))
        assert not outbox.receipt(message, 1, report(State.FAILED))

        assert state_of(message) == State.DELIVERED

    @pytest.mark.parametrize("end", [State.FAILED, State.CANCELED])
    def test_what_the_carrier_itself_ended_stays_ended(self, end):
        message = self.submitted()
        outbox.receipt(message, 1, report(end))

        assert not outbox.receipt(message, 1, report(State.SENT))

        assert state_of(message) == end

    def test_a_sid_of_another_message_says_nothing(self):
        MessageFactory(provider_sid=OTHER_SID, state=State.DELIVERED)
        MessageFactory()
        message = stored(claim_one())

        assert not outbox.receipt(message, 1, report(State.DELIVERED, OTHER_SID))
        assert state_of(message) == State.SUBMITTING
        assert not message.events.filter(state=State.DELIVERED).exists()

    def test_why_it_failed_is_kept(self):
        message = self.submitted()

        outbox.receipt(message, 1, report(State.UNDELIVERED, code=30005))

        message.refresh_from_db()
        assert (message.state, message.error_code) == ("undelivered", 30005)


class TestDoubt:
    def in_doubt(self, attempt: int = 1, **fields) -> Message:
        MessageFactory(**fields)
        claimed = claim_one()
        outbox.record([Outcome(claimed, State.UNCONFIRMED, reason="The connection broke.")])
        Message.objects.filter(pk=claimed.pk).update(attempt=attempt)
        return stored(claimed)

    def listed_clean(self, message: Message) -> None:
        outbox.not_listed(message)
        Message.objects.filter(pk=message.pk, asked_at__isnull=False).update(
            asked_at=Now() - outbox.LATE_BOUND
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

    def test_what_a_list_holds_is_not_adopted_once_the_doubt_is_over(self):
        message = self.in_doubt()
        self.listed_clean(message)
        self.listed_clean(message)
        twin = MessageFactory(recipient=message.recipient, body=message.body, profile=message.profile)
        Message.objects.filter(pk=message.pk).update(next_attempt_at=Now() + timedelta(minutes=1))
        assert claim_one().pk == twin.pk

        # Another reconciler has read the list meanwhile; what it found is the twin's.
        assert not outbox.listed(message, Report("SM" + "7" * 32, "queued", State.ACCEPTED, None))

        message.refresh_from_db()
        assert (message.state, message.provider_sid) == (State.QUEUED, None)

    def test_what_a_list_holds_resolves_a_doubt(self):
        message = self.in_doubt()

        assert outbox.listed(message, Report("SM" + "7" * 32, "queued", State.ACCEPTED, None))

        assert state_of(message) == State.ACCEPTED

    def test_two_clean_listings_late_and_apart_send_it_again(self):
        message = self.in_doubt()

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.QUEUED
        assert claim_one().attempt == 2

    def test_or_end_unknown_if_it_was_promised_so(self):
        message = self.in_doubt(on_doubt="unknown")

        self.listed_clean(message)
        assert state_of(message) == State.UNCONFIRMED
        self.listed_clean(message)

        assert state_of(message) == State.UNKNOWN
        assert "not to be sent again" in message.events.last().detail
        assert outbox.claim(10) == []

    def test_a_second_doubt_ends_unknown(self):
        message = self.in_doubt(attempt=2)

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.UNKNOWN

    def test_a_carrier_that_never_says_does_not_leave_it_in_doubt_for_ever(self):
        message = self.in_doubt()
        age(message, "expires_at", timedelta(seconds=1))
        assert outbox.give_up() == 0

        age(message, "expires_at", outbox.GIVE_UP_AFTER)

        assert outbox.give_up() == 1
        assert state_of(message) == State.UNKNOWN

    def test_those_whose_carrier_did_not_say_come_after_the_others(self):
        silent, other = self.in_doubt(), self.in_doubt()
        Message.objects.update(submitted_at=Now() - outbox.LATE_BOUND)

        outbox.not_told(silent)

        assert [doubt.pk for doubt in outbox.doubts()] == [other.pk]

    def test_with_no_time_left_it_ends_unknown(self):
        message = self.in_doubt()
        age(message, "expires_at", timedelta(seconds=1))

        self.listed_clean(message)
        self.listed_clean(message)

        assert state_of(message) == State.UNKNOWN


class TestSenders:
    def sender(self, **values) -> Sender:
        Sender.objects.filter(address="+13125550142").update(**values)
        return Sender.objects.get(address="+13125550142")

    def refused(self, code: int) -> Message:
        claimed = claim_one()
        outbox.record([Outcome.refused(claimed, code)])
        return stored(claimed)

    def test_a_sender_is_known_with_the_rate_of_its_kind(self):
        for address, rate in {
            "+13125550142": 1,
            "+18005550142": 3,
            "OliveThyme": 10,
            "12345": 100,
            "MG" + "0" * 32: 100,
        }.items():
            for _ in range(2):
                outbox.accept(PromiseFactory(sender=address, account_sid="AC1"))
            assert Sender.objects.get(address=address).messages_per_second == rate

    def test_a_sender_keeps_to_its_rate_after_a_burst(self):
        MessageFactory.create_batch(30)
        self.sender(messages_per_second=1)

        assert len(outbox.claim(30)) == outbox.BURST.total_seconds()
        assert outbox.claim(30) == []

        self.sender(free_at=Now())
        assert len(outbox.claim(30)) == outbox.BURST.total_seconds()

    def test_a_paused_account_waits_and_others_do_not(self):
        MessageFactory()
        other = MessageFactory(account_sid="AC" + "7" * 32)

        outbox.pause(ACCOUNT_SID, timedelta(seconds=30))

        assert claim_one().pk == other.pk

    def test_a_shorter_pause_does_not_end_a_longer_one(self):
        MessageFactory()
        outbox.pause(ACCOUNT_SID, timedelta(seconds=30))

        outbox.pause(ACCOUNT_SID, timedelta(seconds=-1))

        assert outbox.claim(10) == []

    def test_a_full_account_gets_nothing(self):
        MessageFactory()

        assert outbox.claim(10, full=[ACCOUNT_SID]) == []

    def test_a_refused_credential_holds_the_whole_account(self):
        MessageFactory.create_batch(3)
        MessageFactory(sender="+13125550143")

        outbox.record([Outcome.refused(outbox.claim(1)[0], 20003)])

        assert set(Message.objects.values_list("state", flat=True)) == {"held"}
        assert "Account SID and Auth Token" in Sender.held(ACCOUNT_SID, "+13125550143")
        assert outbox.claim(10) == []

    def test_a_refused_sender_holds_that_sender_only(self):
        first, other = MessageFactory(), MessageFactory(sender="+13125550143")

        outbox.record([Outcome.refused(outbox.claim(1)[0], 30034)])

        assert (state_of(first), state_of(other)) == ("held", "queued")
        assert "registration is missing" in Message.objects.get(pk=first.pk).reason

    def test_a_probe_that_gets_through_releases_what_was_held(self):
        MessageFactory.create_batch(3)
        outbox.record([Outcome.refused(outbox.claim(1)[0], 20003)])
        self.sender(paused_until=Now())

        outbox.probe()
        probe = claim_one()
        assert probe.is_probe
        assert outbox.claim(10) == []
        outbox.record([Outcome.taken(probe, report(State.ACCEPTED))])

        assert len(outbox.claim(10)) == 2
        assert Sender.held(ACCOUNT_SID, "+13125550142") == ""

    def test_a_probe_that_fails_waits_for_the_next_minute(self):
        MessageFactory.create_batch(3)
        outbox.record([Outcome.refused(outbox.claim(1)[0], 20003)])
        self.sender(paused_until=Now())
        outbox.probe()

        outbox.record([Outcome.refused(claim_one(), 20003)])
        outbox.probe()

        assert set(Message.objects.values_list("state", flat=True)) == {"held"}

    def unregistered(self, texts: int) -> Message:
        """The next probe of a sender that receipts have named unregistered, taken by the carrier."""
        MessageFactory.create_batch(texts)
        first = outbox.claim(1)[0]
        outbox.record([Outcome.taken(first, report(State.ACCEPTED))])
        outbox.receipt(stored(first), 1, report(State.UNDELIVERED, code=30034))
        self.sender(paused_until=Now())
        outbox.probe()
        probe = claim_one()
        outbox.record([Outcome.taken(probe, report(State.ACCEPTED, OTHER_SID))])
        return stored(probe)

    def test_that_a_carrier_takes_a_text_proves_nothing_where_receipts_refuse(self):
        probe = self.unregistered(texts=4)
        assert Message.objects.filter(state=State.HELD).count() == 2

        outbox.receipt(probe, 1, report(State.UNDELIVERED, OTHER_SID, code=30034))
        outbox.probe()

        assert Message.objects.filter(state=State.HELD).count() == 2
        assert outbox.claim(10) == []

    @pytest.mark.parametrize("state", [State.SENT, State.DELIVERED])
    def test_but_a_receipt_that_it_was_sent_does(self, state):
        probe = self.unregistered(texts=4)

        outbox.receipt(probe, 1, report(state, OTHER_SID))

        assert Sender.held(ACCOUNT_SID, "+13125550142") == ""
        assert len(outbox.claim(10)) == 2

    def test_a_receipt_of_what_was_sent_before_it_was_held_releases_nothing(self):
        MessageFactory.create_batch(2)
        claimed = outbox.claim(1)[0]
        outbox.record([Outcome.taken(claimed, report(State.ACCEPTED))])
        outbox.hold(ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)

        outbox.receipt(stored(claimed), 1, report(State.DELIVERED))

        assert Sender.held(ACCOUNT_SID, "+13125550142")

    def test_what_was_held_forgets_why_when_it_goes_on(self):
        message = MessageFactory()
        outbox.record([Outcome.refused(claim_one(), 20003)])

        outbox.release(ACCOUNT_SID)

        message.refresh_from_db()
        assert (message.state, message.error_code) == (State.QUEUED, None)

    def test_what_waits_for_a_sender_that_is_not_held_goes_on(self):
        message = MessageFactory(state=State.HELD)

        outbox.probe()

        assert state_of(message) == State.QUEUED

    def test_a_person_releases_an_account(self):
        MessageFactory.create_batch(2)
        outbox.record([Outcome.refused(outbox.claim(1)[0], 20003)])

        outbox.release(ACCOUNT_SID)

        assert len(outbox.claim(10)) == 2

    def test_a_receipt_that_names_a_missing_registration_holds_the_sender(self):
        MessageFactory()
        later = MessageFactory()
        claimed = outbox.claim(1)[0]
        outbox.record([Outcome.taken(claimed, report(State.ACCEPTED))])

        outbox.receipt(stored(claimed), 1, report(State.UNDELIVERED, code=30034))

        assert state_of(later) == State.HELD

    def test_a_recipient_who_opted_out_at_the_carrier_has_opted_out_here(self):
        MessageFactory()

        refused = self.refused(21610)

        assert refused.state == State.BLOCKED
        assert OptOut.objects.get().source == OptOut.Source.CARRIER

    def test_an_unknown_code_fails_its_text_and_nothing_else(self):
        MessageFactory()
        later = MessageFactory()

        outbox.record([Outcome.refused(outbox.claim(1)[0], 99999)])

        assert state_of(later) == State.QUEUED
        assert Message.objects.filter(state=State.FAILED, error_code=99999).exists()


class TestSilence:
    def test_a_carrier_that_says_nothing_is_asked_once_in_a_while(self):
        message = MessageFactory(state=State.SENT, provider_sid=SID)
        assert outbox.silent() == []

        age(message, "updated_at", outbox.SILENT_AFTER)

        assert [found.pk for found in outbox.silent()] == [message.pk]
        assert outbox.silent() == []
        age(message, "asked_at", outbox.ASK_AGAIN_AFTER)
        assert [found.pk for found in outbox.silent()] == [message.pk]

    def test_after_a_day_nobody_asks_any_more(self):
        message = MessageFactory(state=State.SENT, provider_sid=SID)

        age(message, "updated_at", outbox.ASK_NO_MORE_AFTER + timedelta(minutes=1))

        assert outbox.silent() == []


class TestCancel:
    @pytest.mark.parametrize("state", [State.QUEUED, State.HELD])
    def test_what_waits_is_not_sent_and_says_who_decided_that_and_why(self, state):
        message = MessageFactory(state=state)

        assert outbox.cancel([message.pk], "ann", "The restaurant is closed.") == [message.pk]

        message.refresh_from_db()
        assert (message.state, message.reason) == ("canceled", "Canceled by ann: The restaurant is closed.")
        assert message.events.get().detail == message.reason
        outbox.probe()
        assert outbox.claim(10) == []

    @pytest.mark.parametrize(
        "state",
        [
            *(State.SUBMITTING, State.UNCONFIRMED, State.ACCEPTED, State.SENT, State.DELIVERED, State.FAILED),
            *(State.UNKNOWN, State.EXPIRED, State.BLOCKED, State.CANCELED),
        ],
    )
    def test_what_has_left_or_ended_is_not(self, state):
        message = MessageFactory(state=state, attempt=1)

        assert outbox.cancel([message.pk], "ann", "Too late.") == []
        assert state_of(message) == state
        assert not message.events.exists()


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

    def test_who_opts_in_again_may_be_texted(self):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)

        outbox.opt_in(CALLER, "They texted START.")

        assert not OptOut.stands_for(CALLER)
        assert OptOut.objects.get().lifted_because == "They texted START."


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


@pytest.mark.django_db(transaction=True)
def test_a_text_is_canceled_or_claimed_and_never_both():
    texts = [message.pk for message in MessageFactory.create_batch(60)]
    claimed: list = []
    canceled: list = []
    start = threading.Barrier(2)

    def claim() -> None:
        start.wait()
        try:
            for _ in range(20):
                claimed.extend(message.pk for message in outbox.claim(3))
        finally:
            connection.close()

    def cancel() -> None:
        start.wait()
        try:
            canceled.extend(outbox.cancel(texts[::-1], "ann", "All of them."))
        finally:
            connection.close()

    workers = [threading.Thread(target=claim), threading.Thread(target=cancel)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(claimed) + len(canceled) == 60
    assert set(claimed) | set(canceled) == set(texts)
    assert claimed and canceled
