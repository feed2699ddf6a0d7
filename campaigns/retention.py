"""What is kept for how long, and the erasing of what is older, in portions that hold nobody up.

Tool calls, calls and consents are walked by their ids, each once: how far that went is stored with each
portion, so that a worker that dies loses nothing. What a campaign keeps for longer from now on may be gone
already.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from campaigns.erasing import erase_calls, erase_consents, erase_tool_calls
from campaigns.models import Call, Campaign, Consent, Purged, ToolCall
from sms import outbox
from sms.models import Message

logger = logging.getLogger(__name__)

PORTION = 500
# A worker's slot is held for no longer at a time; the next beat goes on.
RUN_SECONDS = 20.0


def kept_days(campaign: Campaign | None) -> int:
    """For how many days a campaign keeps what it texted; 0 for ever. Without one, tests of templates."""
    return (campaign and campaign.keep_days) or settings.RETENTION_DAYS


def consent_days(campaign: Campaign | None) -> int:
    """For how many days a campaign keeps what callers agreed to; 0 for ever. Never shorter than the texts."""
    days = settings.CONSENT_RETENTION_DAYS
    return max(days, kept_days(campaign)) if days and kept_days(campaign) else 0


def because(days: int) -> str:
    """Why something was erased after so many days, as pages say it."""
    return f"Kept for {days} day{'' if days == 1 else 's'}."


class Portion(NamedTuple):
    """How many rows were erased, and whether there may be more."""

    erased: int
    goes_on: bool


def purge(run_seconds: float = RUN_SECONDS) -> int:
    """Erase what is too old, as much as fits into the time. How many rows.

    What cannot be erased now, as somebody holds it locked, keeps nothing else from being erased.
    """
    until = time.monotonic() + run_seconds
    erased = 0
    steps: list[Callable[[], Portion]] = []
    for campaign in Campaign.objects.order_by("pk"):
        steps += [partial(_walk, walk, campaign) for walk in WALKS]
    steps.append(_tests)
    for step in steps:
        try:
            goes_on = True
            while goes_on and time.monotonic() < until:
                count, goes_on = step()
                erased += count
        except DatabaseError:
            logger.exception("what is too old could not be erased (%s); the next run tries again", step)
    return erased


def _before(days: int) -> datetime | None:
    return timezone.now() - timedelta(days=days) if days else None


class _Walk(NamedTuple):
    """One kind of rows: when each was written, whose it is, for how many days it is kept, and what erases
    those of the ids, all older than a moment, for a reason: the ids of those that stay for now."""

    kind: Purged.Kind
    model: type[ToolCall | Call | Consent]
    moment: str
    campaign: str
    days: Callable[[Campaign], int]
    erase: Callable[[list[int], datetime, str], list[int]]


@transaction.atomic
def _walk(walk: _Walk, campaign: Campaign) -> Portion:
    """Erase what is too old of a campaign among the next rows of all campaigns."""
    days = walk.days(campaign)
    before = _before(days)
    if before is None:
        return Portion(0, goes_on=False)
    mark = _mark(campaign, walk.kind)
    rows = walk.model._default_manager
    seen = rows.filter(pk__gt=mark.up_to_id).order_by("pk").values_list("pk", walk.moment)[:PORTION]
    # In the order of their ids, rows are in that of their moments, but for what is written in one instant.
    old = [pk for pk, _ in takewhile(lambda row: row[1] < before, seen)]
    if not old:
        return Portion(0, goes_on=False)
    own = rows.filter(pk__in=old, erased_at=None, **{walk.campaign: campaign})
    found = list(own.order_by("pk").values_list("pk", flat=True))
    stay = walk.erase(found, before, because(days))
    moved = mark.reach(min(stay, default=old[-1] + 1) - 1)
    return Portion(len(found) - len(stay), goes_on=moved and len(old) == PORTION)


def _erase_tool_calls(found: list[int], before: datetime, why: str) -> list[int]:
    """Tool calls with their texts, and calls of which nothing is left."""
    rows = list(ToolCall.objects.filter(pk__in=found).values_list("pk", "message", "call"))
    texts = [message for _, message, _ in rows if message]
    # Not even one of yesterday is open, unless no worker ran for so long: then it waits for the next time.
    is_open = set(Message.objects.filter(pk__in=texts, state__in=outbox.OPEN).values_list("pk", flat=True))
    ready = [row for row in rows if row[1] not in is_open]
    outbox.erase([message for _, message, _ in ready if message], why)
    erase_tool_calls([pk for pk, *_ in ready])
    erase_calls(_quiet(Call.objects.filter(pk__in={call for *_, call in ready}, started_at__lt=before)))
    return [pk for pk, message, _ in rows if message in is_open]


def _erase_calls(found: list[int], before: datetime, why: str) -> list[int]:
    """Calls that no tool call led to. Of those that are left a newer one is on record: its turn is theirs."""
    erase_calls(_quiet(Call.objects.filter(pk__in=found)))
    return []


def _erase_consents(found: list[int], before: datetime, why: str) -> list[int]:
    erase_consents(Consent.objects.filter(pk__in=found))
    return []


def _quiet(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Those of which nothing is kept any more. A runtime may have used an id again."""
    return calls.filter(~Exists(ToolCall.objects.filter(call=OuterRef("pk"), erased_at=None)))


WALKS = (
    _Walk(Purged.Kind.TOOL_CALLS, ToolCall, "at", "call__connection__campaign", kept_days, _erase_tool_calls),
    _Walk(Purged.Kind.CALLS, Call, "started_at", "connection__campaign", kept_days, _erase_calls),
    _Walk(Purged.Kind.CONSENTS, Consent, "given_at", "campaign", consent_days, _erase_consents),
)


def _tests() -> Portion:
    """A portion of the texts that templates were tried out with."""
    days = kept_days(None)
    before = _before(days)
    if before is None:
        return Portion(0, goes_on=False)
    rows = Message.objects.exclude(tested_by="").filter(created_at__lt=before, erased_at=None)
    found = list(rows.exclude(state__in=outbox.OPEN).values_list("pk", flat=True)[:PORTION])
    erased = outbox.erase(found, because(days))
    return Portion(erased, goes_on=erased == PORTION)


def _mark(campaign: Campaign, kind: Purged.Kind) -> Purged:
    """How far it went, which one worker at a time moves on."""
    Purged.objects.get_or_create(campaign=campaign, kind=kind)
    return Purged.objects.select_for_update().get(campaign=campaign, kind=kind)
