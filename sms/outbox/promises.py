"""Accept a text: from then on it is promised."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from sms import numbers, suppression
from sms.models import State
from sms.models.pauses import template_scope
from sms.outbox.night import because
from sms.quiet import QuietHours
from sms.terms import Terms


@dataclass(slots=True)
class Promise:
    """A text that is about to be promised.

    `country` is ISO 3166, `recipient` E.164. For `wait` from accept() on, somebody waits for what becomes of
    it. With `quiet_hours` it is held wherever they are: now, until `not_before`, or from `quiet_at` on.
    """

    terms: Terms
    recipient: str
    country: str
    body: str
    segments: int
    wait: timedelta | None = None
    quiet_hours: QuietHours | None = None
    not_before: datetime | None = None
    quiet_at: datetime | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    def values(self) -> dict[str, Any]:
        """What PROMISE and NOTHING_IN_THE_WAY take beside values_of() its terms."""
        return {
            "id": self.id,
            "recipient": self.recipient,
            "known_as": _array(suppression.known_as(self.recipient)),
            "country": self.country,
            "body": self.body,
            "segments": self.segments,
            "wait": self.wait,
            "quiet_hours": str(self.quiet_hours or ""),
            "not_before": self.not_before,
            "quiet_at": self.quiet_at,
            "state": _HELD if self.not_before else _QUEUED,
            "reason": because(self.not_before, self.recipient) if self.not_before else "",
        }


_HELD, _QUEUED = State.HELD.value, State.QUEUED.value


def values_of(terms: Terms) -> dict[str, Any]:
    """What PROMISE and NOTHING_IN_THE_WAY take of a text's terms."""
    # A template that is switched off, or paused, may be tried out all the same.
    own = [] if terms.template is None or terms.tested_by else [template_scope(terms.template)]
    return {
        **vars(terms),
        "rate": numbers.usual_rate(terms.sender),
        "scopes": _array([*terms.scopes, *own]),
    }


def _array(words: Iterable[str]) -> str:
    """Words without spaces, commas, quotes and braces, as PostgreSQL reads an array of them; psycopg takes
    ten times as long, as it looks for those."""
    return f"{{{','.join(words)}}}"


# The same in SQL, for a statement that stores a text together with other rows: a common table expression that
# reads `gate`, whose one row lets the text pass, and takes a promise's values() and values_of() its terms.
# Its sender must be known.
PROMISE = """message AS (
    INSERT INTO sms_message (
        id, state, tool, template_id, provider, profile_id, account_sid, sender, recipient, country, body,
        segments, tested_by, priority, on_doubt, attempt, refusals, clean_listings, reason,
        duplicate_detected, created_at, updated_at, next_attempt_at, expires_at, awaited_until, quiet_hours,
        quiet_at, scopes)
    SELECT
        %(id)s::uuid, %(state)s, %(tool)s, %(template)s::bigint, %(provider)s, %(profile)s::bigint,
        %(account_sid)s, %(sender)s, %(recipient)s, %(country)s, %(body)s, %(segments)s, %(tested_by)s,
        %(priority)s, %(on_doubt)s, 0, 0, 0, %(reason)s, false,
        statement_timestamp(), statement_timestamp(),
        COALESCE(%(not_before)s::timestamptz, statement_timestamp()),
        COALESCE(%(not_before)s::timestamptz, statement_timestamp()) + %(send_within)s,
        statement_timestamp() + %(wait)s::interval, %(quiet_hours)s,
        CASE WHEN %(not_before)s::timestamptz IS NULL THEN %(quiet_at)s::timestamptz
            ELSE statement_timestamp() END,
        %(scopes)s::text[]
    FROM {gate}
)"""
NOTHING_IN_THE_WAY = """NOT EXISTS (
        SELECT 1 FROM sms_optout WHERE recipient = ANY(%(known_as)s::text[]) AND lifted_at IS NULL)
    AND EXISTS (
        SELECT 1 FROM sms_sender
        WHERE account_sid = %(account_sid)s AND address = %(sender)s
          AND (held_at IS NULL OR paused_until <= statement_timestamp()))"""


def accept(promise: Promise) -> None:
    """Store a promised text. From the commit on, it will be sent or honestly reported as not.

    Its times are the database's, as hosts may disagree.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ACCEPT, {**values_of(promise.terms), **promise.values()})


_ACCEPT = f"""
WITH gate AS (SELECT 1), {PROMISE.format(gate="gate")}, known_sender AS (
    INSERT INTO sms_sender
        (account_sid, address, messages_per_second, free_at, paused_until, held_because, held_with_account)
    SELECT %(account_sid)s, %(sender)s, %(rate)s, statement_timestamp(), statement_timestamp(), '', false
    WHERE NOT EXISTS (
        SELECT 1 FROM sms_sender WHERE account_sid = %(account_sid)s AND address = %(sender)s)
    ON CONFLICT DO NOTHING
)
SELECT 1
"""
