"""What became of the texts of templates: when the last one left, and how many arrived.

One query for all templates of a page, which looks at the newest texts of each and no further, however many
there are. Tests do not count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.formats import date_format

from sms.models import State

# The newest of a template's texts that are looked at.
LOOKED_AT = 1000
# Of fewer a percentage says nothing.
FEW = 20
SPAN = timedelta(days=30)

NOT_ARRIVED = (State.UNDELIVERED, State.FAILED, State.UNKNOWN, State.EXPIRED)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What became of a template's newest texts that wait no more.

    `last_sent` is when the newest that a carrier took was asked for, of any age; `texts`, `delivered` and
    `ended` are of the last 30 days. What was canceled or blocked was not to arrive, and does not count.
    """

    looked_at: int = 0
    last_sent: datetime | None = None
    texts: int = 0
    delivered: int = 0
    ended: int = 0

    @property
    def are_all(self) -> bool:
        """Whether there are no older texts that were not looked at."""
        return self.looked_at < LOOKED_AT


def of(templates: Iterable[int]) -> dict[int, Arrivals]:
    """What became of the texts of templates, by their ids."""
    values: dict[str, Any] = {
        "templates": list(templates),
        "span": SPAN,
        "limit": LOOKED_AT,
        "delivered": State.DELIVERED.value,
        "ended": [State.DELIVERED.value, *(state.value for state in NOT_ARRIVED)],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OF, values)
        return {template: Arrivals(*counted) for template, *counted in cursor.fetchall()}


def last_sent(found: Arrivals) -> str:
    """When the last text left, in words."""
    if found.last_sent:
        return date_format(found.last_sent, "SHORT_DATETIME_FORMAT")
    return "Never" if found.are_all else f"Not one of the last {LOOKED_AT:,}"


def share(found: Arrivals) -> str:
    """How many of the texts that have ended arrived, in words."""
    if not found.texts:
        return "none sent"
    if not found.ended:
        return "none has ended yet"
    if found.ended < FEW:
        return f"{found.delivered} of {found.ended} delivered"
    last = "" if found.texts < LOOKED_AT else "the last "
    # Rounded down: 100% is all of them.
    return f"{found.delivered * 100 // found.ended}% of {last}{found.ended:,} delivered"


_OF = """
SELECT template.id, counted.*
FROM unnest(%(templates)s::bigint[]) AS template (id)
CROSS JOIN LATERAL (
    SELECT
        count(*),
        max(created_at) FILTER (WHERE provider_sid IS NOT NULL),
        count(*) FILTER (WHERE is_new),
        count(*) FILTER (WHERE is_new AND state = %(delivered)s),
        count(*) FILTER (WHERE is_new AND state = ANY(%(ended)s))
    FROM (
        SELECT template_id, created_at, provider_sid, state,
            created_at > statement_timestamp() - %(span)s AS is_new
        FROM sms_message
        -- From a template on, in the order of the index message_by_template: asked for the newest of one
        -- alone, PostgreSQL goes through the newest of all until it has enough, all if there are none.
        WHERE template_id >= template.id AND tested_by = ''
          AND NOT (state IN ('queued', 'held', 'submitting', 'unconfirmed'))
        ORDER BY template_id, created_at DESC
        LIMIT %(limit)s
    ) newest
    WHERE template_id = template.id
) counted
"""
