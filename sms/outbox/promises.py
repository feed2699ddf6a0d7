"""Accept a text: from then on it is promised."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.db import connection

from sms import numbers, suppression
from sms.models import OnDoubt, State
from sms.models.pauses import template_scope
from sms.outbox.night import because
from sms.quiet import QuietHours


@dataclass(slots=True)
class Promise:
    """A text that is about to be promised: a snapshot, so that later edits change nothing of it.

    `template` and `profile` are ids; the profile is the owner's, with each provider. `country` is ISO
    3166, `recipient` E.164. Worth sending for `send_within` from accept() on. Texts of a call have priority
    0, what nobody listens to a higher number. `tested_by` is who tries a template out; "" in a call. For
    `wait` from accept() on, somebody waits for what becomes of it. With `quiet_hours` it is held wherever
    they are: now, until `not_before`, or from `quiet_at` on. `scopes` are what it can be paused by (see
    sms/models/pauses.py), beside what every text can be.
    """

    tool: str
    template: int | None
    provider: str
    profile: int | None
    account_sid: str
    sender: str
    recipient: str
    country: str
    body: str
    segments: int
    send_within: timedelta
    on_doubt: str = OnDoubt.RESEND
    priority: int = 0
    tested_by: str = ""
    wait: timedelta | None = None
    scopes: Sequence[str] = ()
    quiet_hours: QuietHours | None = None
    not_before: datetime | None = None
    quiet_at: datetime | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)

    def values(self) -> dict[str, Any]:
        """What PROMISE and NOTHING_IN_THE_WAY take."""
        values = dict(zip(_NAMES, _all_of(self), strict=True))
        values["rate"] = numbers.usual_rate(self.sender)
        # A template that is switched off, or paused, may be tried out all the same.
        own = [] if self.template is None or self.tested_by else [template_scope(self.template)]
        values["scopes"] = _array([*self.scopes, *own])
        values["known_as"] = _array(suppression.known_as(self.recipient))
        values["quiet_hours"] = str(self.quiet_hours or "")
        values["state"] = State.HELD.value if self.not_before else State.QUEUED.value
        values["reason"] = because(self.not_before, self.recipient) if self.not_before else ""
        return values


_NAMES = Promise.__slots__
_all_of = attrgetter(*_NAMES)


def _array(words: Iterable[str]) -> str:
    """Words without spaces, commas, quotes and braces, as PostgreSQL reads an array of them; psycopg takes
    ten times as long, as it looks for those."""
    return f"{{{','.join(words)}}}"


# The same in SQL, for a statement that stores a text together with other rows: a common table expression that
# reads `gate`, whose one row lets the text pass, and takes a promise's values(). Its sender must be known.
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
        cursor.execute(_ACCEPT, promise.values())


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
