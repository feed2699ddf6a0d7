"""The life of a message: all SQL that changes one stands here. The database is the queue.

                 accept()                                      opted out meanwhile: BLOCKED
    a tool call ----------> QUEUED <------ surely not taken      too old: EXPIRED
                              |      \\     (after a delay)
                      claim() | committed before a socket is written
                              v
                         SUBMITTING ---- refused for good ------------------> FAILED
                          |      |
         the carrier's    |      | lease ran out, or the answer was lost
         answer           |      v
                          |  UNCONFIRMED --- two clean listings, late -----> QUEUED, once more
                          v      |                                           or UNKNOWN
                       ACCEPTED <+-- a receipt, or the carrier's list, names it
                          |
                receipt() v
                        SENT --> DELIVERED | UNDELIVERED | FAILED | CANCELED

A state changes by one conditional UPDATE whose row count decides who won. Times are the database's, so that
hosts may disagree about theirs. No function here talks to a network, and each is one short transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, prefetch_related_objects
from django.db.models.functions import Now

from sms.models import Message, MessageEvent, OptOut, State
from sms.providers.base import Report

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
LATE_BOUND = timedelta(seconds=settings.LATE_BOUND_SECONDS)
# A text that was surely not taken is tried again after these; then it has failed.
RETRY_DELAYS = [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16)]
# How often a carrier's list must be read without the text before it surely is not there.
CLEAN_LISTINGS = 2
# Out of doubt a text is handed over once more at most.
MAX_ATTEMPTS_IN_DOUBT = 2

# How far along a state is. A receipt moves a message only to a higher rank.
RANK = {
    State.QUEUED: 0,
    State.HELD: 0,
    State.SUBMITTING: 1,
    State.UNCONFIRMED: 2,
    State.UNKNOWN: 2,
    State.EXPIRED: 2,
    State.ACCEPTED: 3,
    State.SENT: 4,
    State.DELIVERED: 5,
    State.UNDELIVERED: 5,
    State.FAILED: 5,
    State.CANCELED: 5,
    State.BLOCKED: 5,
}
OPTED_OUT = "The recipient opted out before it was sent."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of handing a claimed message over. `delay` is for texts that go back to the queue."""

    message: Message
    state: State
    report: Report | None = None
    error_code: int | None = None
    reason: str = ""
    delay: timedelta = timedelta(0)


def accept(message: Message) -> None:
    """Store a promised text. From the commit on, it will be sent or honestly reported as not."""
    message.save(force_insert=True)


def claim(limit: int) -> list[Message]:
    """Up to `limit` queued messages that are due, now SUBMITTING with a lease, their profiles loaded.

    In-call texts come first. Recipients who opted out since are BLOCKED instead. Of texts equal in account,
    recipient and body only one is in doubt at a time; the others stay queued.
    """
    token = uuid.uuid4()
    try:
        claimed = list(
            Message.objects.raw(
                _CLAIM, {"limit": limit, "token": token, "lease": LEASE, "opted_out": OPTED_OUT}
            )
        )
    except IntegrityError:
        # Another worker claimed the equal text in this instant; it is found in doubt next time.
        return []
    prefetch_related_objects(claimed, "profile")
    return claimed


_CLAIM = """
WITH due AS (
    SELECT m.id, m.account_sid, m.recipient, m.body, m.priority, m.next_attempt_at
    FROM sms_message m
    WHERE m.state = 'queued'
      AND m.next_attempt_at <= statement_timestamp() AND m.expires_at > statement_timestamp()
      AND NOT EXISTS (
        SELECT 1 FROM sms_message twin
        WHERE twin.state IN ('submitting', 'unconfirmed') AND twin.account_sid = m.account_sid
          AND twin.recipient = m.recipient AND md5(twin.body) = md5(m.body))
    ORDER BY m.priority, m.next_attempt_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT due.id,
        row_number() OVER (
            PARTITION BY account_sid, recipient, md5(body) ORDER BY priority, next_attempt_at
        ) AS twin,
        EXISTS (
            SELECT 1 FROM sms_optout o WHERE o.recipient = due.recipient AND o.lifted_at IS NULL
        ) AS opted_out
    FROM due
), blocked AS (
    UPDATE sms_message m SET state = 'blocked', updated_at = statement_timestamp(),
        reason = %(opted_out)s
    FROM ranked WHERE ranked.id = m.id AND ranked.opted_out
    RETURNING m.id
), moved AS (
    UPDATE sms_message m SET
        state = 'submitting', attempt = m.attempt + 1, claim_token = %(token)s,
        lease_until = statement_timestamp() + %(lease)s,
        submitted_at = statement_timestamp(), updated_at = statement_timestamp(),
        clean_listings = 0, listed_at = NULL, reason = ''
    FROM ranked WHERE ranked.id = m.id AND NOT ranked.opted_out AND ranked.twin = 1
    RETURNING m.*
), noted AS (
    INSERT INTO sms_messageevent
        (message_id, at, state, attempt, provider_status, provider_sid, detail)
    SELECT id, statement_timestamp(), 'submitting', attempt, '', '', '' FROM moved
    UNION ALL
    SELECT id, statement_timestamp(), 'blocked', 0, '', '', %(opted_out)s FROM blocked
)
SELECT * FROM moved ORDER BY priority, next_attempt_at
"""


def record(outcomes: Sequence[Outcome]) -> None:
    """Store what came of claimed messages, all at once.

    A message that a receipt has moved on meanwhile keeps what the receipt said. An answer that comes after
    the lease ran out still resolves the doubt, unless the text has been claimed anew.
    """
    if not outcomes:
        return
    try:
        _record(outcomes)
    except IntegrityError:
        # One of them names a SID that another message has: a carrier's mistake must not hold up the rest.
        for outcome in outcomes:
            try:
                _record([outcome])
            except IntegrityError:
                lost = "The carrier's answer names a message that is another one's."
                _record([Outcome(outcome.message, State.UNCONFIRMED, reason=lost)])


@transaction.atomic
def _record(outcomes: Sequence[Outcome]) -> None:
    columns = zip(
        *(
            (
                outcome.message.pk,
                outcome.message.claim_token,
                str(outcome.state),
                outcome.report.sid if outcome.report else None,
                outcome.report.status if outcome.report else "",
                outcome.report.error_code if outcome.report else outcome.error_code,
                (outcome.report.reason if outcome.report else outcome.reason)[:300],
                outcome.delay,
            )
            for outcome in outcomes
        ),
        strict=True,
    )
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [list(column) for column in columns])


_RECORD = """
WITH outcome AS (
    SELECT * FROM unnest(
        %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::int[], %s::text[], %s::interval[]
    ) AS o (id, token, state, sid, status, error_code, reason, delay)
), moved AS (
    UPDATE sms_message m SET
        state = outcome.state,
        provider_sid = COALESCE(outcome.sid, m.provider_sid),
        error_code = outcome.error_code,
        reason = outcome.reason,
        refusals = m.refusals + (outcome.state = 'queued')::int,
        next_attempt_at = statement_timestamp() + outcome.delay,
        claim_token = NULL, lease_until = NULL, updated_at = statement_timestamp()
    FROM outcome
    WHERE m.id = outcome.id AND m.claim_token = outcome.token
      AND m.state IN ('submitting', 'unconfirmed')
    RETURNING m.id, m.attempt
)
INSERT INTO sms_messageevent
    (message_id, at, state, attempt, provider_status, provider_sid, error_code, detail)
SELECT moved.id, statement_timestamp(), outcome.state, moved.attempt, outcome.status,
       COALESCE(outcome.sid, ''), outcome.error_code, outcome.reason
FROM moved JOIN outcome USING (id)
ON CONFLICT DO NOTHING
"""


def receipt(message: Message, attempt: int, report: Report) -> bool:
    """Note what a carrier reports of a message, and move it on if that is news. True if it moved.

    Reports may come in any order, repeatedly, and before the carrier's own answer.
    """
    try:
        return _receipt(message, attempt, report)
    except IntegrityError:
        # The SID is another message's: it says nothing of this one.
        return False


@transaction.atomic
def _receipt(message: Message, attempt: int, report: Report) -> bool:
    lower = [state for state, rank in RANK.items() if rank < RANK[report.state]]
    MessageEvent.objects.bulk_create(
        [
            MessageEvent(
                message=message,
                at=Now(),
                state=report.state,
                attempt=attempt,
                provider_status=report.status,
                provider_sid=report.sid,
                error_code=report.error_code,
                detail=report.reason[:300],
            )
        ],
        ignore_conflicts=True,
    )
    rows = Message.objects.filter(pk=message.pk)
    # Two SIDs for one message are two texts on somebody's phone: to be seen, not hidden.
    rows.exclude(provider_sid=None).exclude(provider_sid=report.sid).filter(duplicate_detected=False).update(
        duplicate_detected=True, updated_at=Now()
    )
    rows.filter(provider_sid=None).update(provider_sid=report.sid)
    # A queued message that was handed over once: what is reported is that attempt, and it arrived.
    return bool(
        rows.filter(state__in=lower, provider_sid=report.sid, attempt__gt=0).update(
            state=report.state,
            error_code=report.error_code,
            reason=report.reason[:300],
            claim_token=None,
            lease_until=None,
            updated_at=Now(),
        )
    )


def expire() -> int:
    """Drop the queued texts that nobody wants any more. How many."""
    reason = "It could not be sent in the time that it was worth sending."
    return _move(
        Message.objects.filter(state__in=[State.QUEUED, State.HELD], expires_at__lte=Now()),
        State.EXPIRED,
        reason,
    )


def reap() -> int:
    """Put the messages of workers that died in doubt. How many."""
    reason = "The worker ended before the carrier answered."
    return _move(
        Message.objects.filter(state=State.SUBMITTING, lease_until__lte=Now()),
        State.UNCONFIRMED,
        reason,
    )


def doubts(limit: int = 100) -> list[Message]:
    """Unconfirmed messages whose carrier is to be asked now, their profiles loaded."""
    late = Now() - LATE_BOUND
    return list(
        Message.objects.filter(
            Q(listed_at=None) | Q(listed_at__lte=late),
            state=State.UNCONFIRMED,
            submitted_at__lte=late,
        )
        .select_related("profile")
        .order_by("submitted_at")[:limit]
    )


def known_sids(message: Message) -> set[str | None]:
    """The SIDs that other texts to the same recipient have, so that none is adopted twice."""
    return set(
        Message.objects.filter(account_sid=message.account_sid, recipient=message.recipient)
        .exclude(provider_sid=None)
        .values_list("provider_sid", flat=True)
    )


def not_listed(message: Message) -> None:
    """The carrier's list was read whole and does not hold an unconfirmed message.

    The second time, with LATE_BOUND between, the text was surely not sent: it goes back to the queue once,
    or its end is unknown if there is no time or attempt left.
    """
    late = Now() - LATE_BOUND
    counted = (
        Message.objects.filter(pk=message.pk, state=State.UNCONFIRMED, attempt=message.attempt)
        .filter(Q(listed_at=None) | Q(listed_at__lte=late))
        .update(clean_listings=F("clean_listings") + 1, listed_at=Now())
    )
    if not counted:
        return
    clean = Message.objects.filter(pk=message.pk, state=State.UNCONFIRMED, clean_listings__gte=CLEAN_LISTINGS)
    again = clean.filter(attempt__lt=MAX_ATTEMPTS_IN_DOUBT, expires_at__gt=Now())
    if not _move(again, State.QUEUED, "The carrier surely does not have it: it is sent again."):
        _move(
            clean,
            State.UNKNOWN,
            "The carrier does not list it, and there is no time left to try again.",
        )


def next_delay(message: Message) -> timedelta | None:
    """How long a text that was surely not taken waits for its next try; None if it has failed."""
    return RETRY_DELAYS[message.refusals] if message.refusals < len(RETRY_DELAYS) else None


def opt_out(recipient: str, source: str, evidence: str = "", user: Any = None) -> None:
    """Record that a number (E.164) wants no more texts, and block what is queued for it."""
    with transaction.atomic():
        OptOut.objects.bulk_create(
            [OptOut(recipient=recipient, source=source, evidence=evidence[:300], created_by=user)],
            ignore_conflicts=True,
        )
        _move(
            Message.objects.filter(recipient=recipient, state__in=[State.QUEUED, State.HELD]),
            State.BLOCKED,
            OPTED_OUT,
        )


def _move(rows: Any, state: State, reason: str) -> int:
    """Move the rows of a queryset to a state, with an event each, in one transaction. How many."""
    with transaction.atomic():
        found = list(rows.select_for_update(skip_locked=True).values_list("pk", "attempt")[:1000])
        if not found:
            return 0
        moved: int = rows.filter(pk__in=[pk for pk, _ in found]).update(
            state=state,
            reason=reason,
            lease_until=None,
            next_attempt_at=Now(),
            updated_at=Now(),
        )
        MessageEvent.objects.bulk_create(
            MessageEvent(message_id=pk, at=Now(), state=state, attempt=attempt, detail=reason)
            for pk, attempt in found
        )
    return moved
