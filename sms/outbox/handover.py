"""Claim what is due, and record what came of it."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, connection, transaction

from sms import suppression
from sms.models import Claimed, OptOut, State, UserProfile
from sms.outbox.senders import OPTED_OUT, PROBE_EVERY, follow, got_through, hold, pause
from sms.outbox.states import plain
from sms.providers import codes
from sms.providers.base import Report
from sms.providers.codes import Consequence

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
# A text that was surely not taken is tried again after these; then it has failed.
RETRY_DELAYS = [timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 16)]
# A sender that was idle may send as many at once as its rate allows in this time.
BURST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of handing a claimed message over.

    `delay` is for texts that go back to the queue; `counts` says whether that was one of their tries.
    `is_alone` says of one that is held that its account can send, so that no other waits with it.
    """

    message: Claimed
    state: State
    report: Report | None = None
    error_code: int | None = None
    reason: str = ""
    delay: timedelta = timedelta(0)
    counts: bool = True
    is_alone: bool = False

    @classmethod
    def taken(cls, message: Claimed, report: Report) -> Outcome:
        """The carrier has it."""
        return cls(message, report.state, report, report.error_code, plain(report.error_code))

    @classmethod
    def not_taken(cls, message: Claimed, reason: str) -> Outcome:
        """The carrier surely does not have it: the next try, or the end of its tries."""
        if message.refusals >= len(RETRY_DELAYS):
            return cls(message, State.FAILED, reason=reason)
        return cls(message, State.QUEUED, reason=reason, delay=RETRY_DELAYS[message.refusals])

    @classmethod
    def throttled(cls, message: Claimed, reason: str, delay: timedelta) -> Outcome:
        """The carrier takes nothing of the account before `delay` is over; that is no try of this text's."""
        return cls(message, State.QUEUED, reason=reason, delay=delay, counts=False)

    @classmethod
    def refused(cls, message: Claimed, code: int | None, reason: str = "") -> Outcome:
        """The carrier refuses it; the code says what follows."""
        consequence = codes.meaning(code).consequence
        if consequence is Consequence.RETRY:
            return cls.not_taken(message, plain(code))
        state = {
            Consequence.HOLD_ACCOUNT: State.HELD,
            Consequence.HOLD_SENDER: State.HELD,
            Consequence.OPT_OUT: State.BLOCKED,
            Consequence.DOUBT: State.UNCONFIRMED,
        }.get(consequence, State.FAILED)
        return cls(message, state, error_code=code, reason=reason or plain(code))

    @classmethod
    def unusable(cls, message: Claimed, reason: str) -> Outcome:
        """The account cannot be used at all: it was not sent, and waits for a person to mend that."""
        return cls(message, State.HELD, reason=reason)

    @classmethod
    def withheld(cls, message: Claimed, reason: str) -> Outcome:
        """Its owner sends nothing now: it was not sent, and waits for them. Others go on with the account."""
        return cls(message, State.HELD, reason=reason, is_alone=True)

    @classmethod
    def in_doubt(cls, message: Claimed, reason: str) -> Outcome:
        """The carrier may or may not have it."""
        return cls(message, State.UNCONFIRMED, reason=reason)


def claim(limit: int, full: Sequence[str] = ()) -> list[Claimed]:
    """Up to `limit` queued messages that are due, now SUBMITTING with a lease.

    In-call texts come first. Senders keep to their rates; paused ones and the accounts in `full` get nothing.
    What a pause covers, or something switched off, stays queued. A held sender gets one, as a probe.
    Recipients who opted out since are BLOCKED instead. Of texts equal in account, recipient and body only one
    is in doubt at a time; the others stay queued.
    """
    values: dict[str, Any] = {
        "limit": limit,
        "full": list(full),
        "burst": BURST,
        "token": uuid.uuid4(),
        "lease": LEASE,
        "probe": PROBE_EVERY,
        "opted_out": OPTED_OUT,
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, values)
            rows = cursor.fetchall()
    except IntegrityError:
        # Another worker claimed the equal text in this instant; it is found in doubt next time.
        return []
    owners = {owner for _, owner, *_ in rows if owner}
    profiles = UserProfile.objects.select_related("user").in_bulk(owners)
    claimed = [Claimed(profiles.get(owner), *text) for _, owner, *text in rows]
    anybody_forgotten = rows and rows[0][0]
    return _without_forgotten(claimed) if anybody_forgotten else claimed


def _without_forgotten(claimed: list[Claimed]) -> list[Claimed]:
    """Those whose recipients did not opt out before they were forgotten; the others are blocked.

    The claim cannot ask that by itself: the keys of the digests are not for the database. A number's texts
    are canceled as it is forgotten, so these were promised in that instant.
    """
    names = {message.pk: suppression.known_as(message.recipient)[1:] for message in claimed}
    asked = [name for each in names.values() for name in each]
    stands = set(
        OptOut.objects.filter(recipient__in=asked, lifted_at=None).values_list("recipient", flat=True)
    )
    if not stands:
        return claimed
    refused = [message for message in claimed if stands.intersection(names[message.pk])]
    record([Outcome(message, State.BLOCKED, reason=OPTED_OUT) for message in refused])
    return [message for message in claimed if message not in refused]


_CLAIM = """
WITH stopped AS MATERIALIZED (
    SELECT COALESCE(array_agg(scope::text), '{}') AS scopes
    FROM (
        SELECT scope FROM sms_pause WHERE lifted_at IS NULL UNION ALL SELECT scope FROM sms_switchedoff
    ) each
), lane AS (
    SELECT s.id, s.account_sid, s.address, s.held_at IS NOT NULL AS held,
        CASE WHEN s.held_at IS NOT NULL THEN 1 ELSE GREATEST(0, floor(
            s.messages_per_second * EXTRACT(EPOCH FROM
                statement_timestamp() + %(burst)s - GREATEST(s.free_at, statement_timestamp()))
        ))::int END AS room
    FROM sms_sender s
    WHERE s.paused_until <= statement_timestamp() AND s.account_sid <> ALL(%(full)s::text[])
      AND NOT ARRAY['everything', 'account:' || s.account_sid, 'sender:' || s.id]
        && (SELECT scopes FROM stopped)
      AND EXISTS (
        SELECT 1 FROM sms_message m
        WHERE m.state = 'queued' AND m.account_sid = s.account_sid AND m.sender = s.address
          AND m.next_attempt_at <= statement_timestamp()
          AND (m.quiet_at IS NULL OR m.quiet_at > statement_timestamp()))
    -- Always in this order, and waiting: two workers neither deadlock nor find nothing to do.
    ORDER BY s.id
    FOR UPDATE OF s
), due AS (
    SELECT found.*, lane.id AS lane_id, lane.held
    FROM lane CROSS JOIN LATERAL (
        SELECT m.id, m.account_sid, m.recipient, m.body, m.priority, m.next_attempt_at
        FROM sms_message m
        WHERE m.state = 'queued' AND m.account_sid = lane.account_sid AND m.sender = lane.address
          AND m.next_attempt_at <= statement_timestamp() AND m.expires_at > statement_timestamp()
          AND NOT m.scopes && (SELECT scopes FROM stopped)
          AND (m.quiet_at IS NULL OR m.quiet_at > statement_timestamp())
          AND NOT EXISTS (
            SELECT 1 FROM sms_message twin
            WHERE twin.state IN ('submitting', 'unconfirmed') AND twin.account_sid = m.account_sid
              AND twin.recipient = m.recipient AND md5(twin.body) = md5(m.body)
            -- Looked up for each by its index: how many are in doubt is not in the statistics, and as a join
            -- each would be compared with each.
            OFFSET 0)
        ORDER BY m.priority, m.next_attempt_at
        LIMIT LEAST(lane.room, %(limit)s)
        FOR UPDATE SKIP LOCKED
    ) found
    ORDER BY found.priority, found.next_attempt_at
    LIMIT %(limit)s
), ranked AS (
    SELECT due.id, due.lane_id, due.held,
        row_number() OVER (
            PARTITION BY account_sid, recipient, md5(body) ORDER BY priority, next_attempt_at
        ) AS twin,
        EXISTS (
            SELECT 1 FROM sms_optout o WHERE o.recipient = due.recipient AND o.lifted_at IS NULL
        ) AS opted_out
    FROM due
), blocked AS (
    UPDATE sms_message m SET state = 'blocked', updated_at = statement_timestamp(), reason = %(opted_out)s
    FROM ranked WHERE ranked.id = m.id AND ranked.opted_out
    RETURNING m.id
), moved AS (
    UPDATE sms_message m SET
        state = 'submitting', attempt = m.attempt + 1, claim_token = %(token)s,
        lease_until = statement_timestamp() + %(lease)s,
        submitted_at = statement_timestamp(), updated_at = statement_timestamp(),
        clean_listings = 0, asked_at = NULL, reason = ''
    FROM ranked
    WHERE ranked.id = m.id AND NOT ranked.opted_out AND ranked.twin = 1
    RETURNING m.id, m.provider, m.profile_id, m.account_sid, m.sender, m.recipient, m.body, m.attempt,
        m.refusals, m.claim_token, m.priority, m.next_attempt_at, ranked.lane_id, ranked.held AS is_probe,
        EXTRACT(EPOCH FROM m.expires_at - statement_timestamp())::int AS seconds_left
), paced AS (
    UPDATE sms_sender s SET
        free_at = GREATEST(s.free_at, statement_timestamp())
            + taken.texts * interval '1 second' / s.messages_per_second,
        paused_until = CASE WHEN taken.probe THEN statement_timestamp() + %(probe)s ELSE s.paused_until END
    FROM (SELECT lane_id, bool_or(is_probe) AS probe, count(*) AS texts FROM moved GROUP BY lane_id) taken
    WHERE s.id = taken.lane_id
), noted AS (
    INSERT INTO sms_messageevent
        (message_id, at, state, attempt, provider_status, provider_sid, detail)
    SELECT id, statement_timestamp(), 'submitting', attempt, '', '', '' FROM moved
    UNION ALL
    SELECT id, statement_timestamp(), 'blocked', 0, '', '', %(opted_out)s FROM blocked
)
SELECT EXISTS (SELECT FROM sms_forgotten), profile_id,
    -- As the fields of Claimed.
    id, provider, account_sid, sender, recipient, body, attempt, refusals, claim_token, is_probe, seconds_left
FROM moved ORDER BY priority, next_attempt_at
"""


def record(outcomes: Sequence[Outcome]) -> None:
    """Store what came of claimed messages, all at once, and what follows from it for others.

    A message that a receipt has moved on meanwhile keeps what the receipt said. An answer that comes after
    the lease ran out still resolves the doubt, unless the text has been claimed anew.
    """
    if not outcomes:
        return
    try:
        _record(outcomes)
    except (IntegrityError, DataError):
        # One of them cannot be stored as it is, such as with a SID that another message has: a carrier's
        # mistake must not hold up the rest.
        for outcome in outcomes:
            try:
                _record([outcome])
            except (IntegrityError, DataError):
                logger.exception("message %s: the carrier's answer cannot be stored", outcome.message.pk)
                _record([Outcome.in_doubt(outcome.message, "The carrier's answer cannot be stored.")])


@transaction.atomic
def _record(outcomes: Sequence[Outcome]) -> None:
    rows = [
        {
            "id": outcome.message.pk.hex,
            "token": outcome.message.claim_token.hex,
            "state": outcome.state,
            "sid": outcome.report.sid if outcome.report else None,
            "status": outcome.report.status[:20] if outcome.report else "",
            "error_code": outcome.error_code,
            "reason": outcome.reason[:300],
            "seconds": outcome.delay.total_seconds(),
            "counts": outcome.state is State.QUEUED and outcome.counts,
        }
        for outcome in outcomes
    ]
    with connection.cursor() as cursor:
        # As JSON: psycopg writes the elements of arrays one by one in Python.
        cursor.execute(_RECORD, [json.dumps(rows)])
    for outcome in outcomes:
        message = outcome.message
        if not outcome.counts:
            pause(message.account_sid, outcome.delay)
        elif outcome.error_code:
            follow(message, outcome.error_code)
        elif outcome.state is State.HELD and not outcome.is_alone:
            hold(message.account_sid, None, outcome.reason)
        elif outcome.report and message.is_probe:
            got_through(message, arrived=False)


_RECORD = """
WITH outcome AS (
    SELECT * FROM json_to_recordset(%s) AS o (
        id uuid, token uuid, state text, sid text, status text, error_code int, reason text, seconds float,
        counts bool
    )
), moved AS (
    UPDATE sms_message m SET
        state = outcome.state,
        provider_sid = COALESCE(outcome.sid, m.provider_sid),
        error_code = outcome.error_code,
        reason = outcome.reason,
        refusals = m.refusals + outcome.counts::int,
        next_attempt_at = statement_timestamp() + outcome.seconds * interval '1 second',
        claim_token = NULL, lease_until = NULL, updated_at = statement_timestamp()
    FROM outcome
    WHERE m.id = outcome.id AND m.claim_token = outcome.token
      AND m.state IN ('submitting', 'unconfirmed')
    RETURNING m.attempt, outcome.*
), doubled AS (
    -- A receipt named another SID meanwhile: there are two texts on somebody's phone.
    UPDATE sms_message m SET duplicate_detected = true, updated_at = statement_timestamp()
    FROM outcome
    WHERE m.id = outcome.id AND m.state NOT IN ('submitting', 'unconfirmed')
      -- So written, it is not looked for in the index of all SIDs.
      AND COALESCE(m.provider_sid, outcome.sid) <> outcome.sid
    RETURNING m.attempt, outcome.*
)
INSERT INTO sms_messageevent
    (message_id, at, state, attempt, provider_status, provider_sid, error_code, detail)
SELECT id, statement_timestamp(), state, attempt, status, COALESCE(sid, ''), error_code, reason
FROM (TABLE moved UNION ALL TABLE doubled) noted
ON CONFLICT DO NOTHING
"""
