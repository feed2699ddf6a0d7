"""What is kept for how long, and the erasing of what is older, in portions that hold nobody up.

Tool calls and calls are walked by their time, each once: how far that went is stored with each portion, so
that a worker that dies loses nothing. What a campaign keeps for longer from now on may be gone already.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

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


def purge(run_seconds: float = RUN_SECONDS) -> int:
    """Erase what is too old, as much as fits into the time. How many rows.

    What cannot be erased now, as somebody holds it locked, keeps nothing else from being erased.
    """
    until = time.monotonic() + run_seconds
    erased = 0
    steps: list[Callable[[], int]] = []
    for campaign in Campaign.objects.order_by("pk"):
        steps += [partial(step, campaign) for step in (_tool_calls, _calls, _consents)]
    steps.append(_tests)
    for step in steps:
        try:
            while time.monotonic() < until and (count := step()):
                erased += count
        except DatabaseError:
            logger.exception("what is too old could not be erased (%s); the next run tries again", step)
    return erased


def _before(days: int) -> datetime | None:
    return timezone.now() - timedelta(days=days) if days else None


@transaction.atomic
def _tool_calls(campaign: Campaign) -> int:
    """A portion of a campaign's tool calls, with their texts; 0 once there are none left that are too old."""
    days = kept_days(campaign)
    before = _before(days)
    if before is None:
        return 0
    rows = ToolCall.objects.filter(call__connection__campaign=campaign, at__lt=before, erased_at=None)
    mark = _mark(campaign, Purged.Kind.TOOL_CALLS)
    found = list(
        rows.filter(at__gte=mark.up_to).order_by("at").values_list("pk", "at", "message", "call")[:PORTION]
    )
    if not found:
        mark.reach(before)
        return 0
    texts = [message for _, _, message, _ in found if message]
    # Not even one of yesterday is open, unless no worker ran for so long: then it waits for the next time.
    is_open = set(Message.objects.filter(pk__in=texts, state__in=outbox.OPEN).values_list("pk", flat=True))
    ready = [row for row in found if row[2] not in is_open]
    outbox.erase([message for _, _, message, _ in ready if message], because(days))
    erase_tool_calls([pk for pk, *_ in ready])
    erase_calls(_quiet(Call.objects.filter(pk__in={call for *_, call in ready}, started_at__lt=before)))
    mark.reach(min([at for _, at, message, _ in found if message in is_open], default=found[-1][1]))
    return len(ready)


@transaction.atomic
def _calls(campaign: Campaign) -> int:
    """A portion of a campaign's calls that no tool call led to."""
    before = _before(kept_days(campaign))
    if before is None:
        return 0
    rows = Call.objects.filter(connection__campaign=campaign, started_at__lt=before, erased_at=None)
    mark = _mark(campaign, Purged.Kind.CALLS)
    found = list(
        rows.filter(started_at__gte=mark.up_to)
        .order_by("started_at")
        .values_list("pk", "started_at")[:PORTION]
    )
    if not found:
        mark.reach(before)
        return 0
    erased = erase_calls(_quiet(Call.objects.filter(pk__in=[pk for pk, _ in found])))
    # Of those that are left a newer tool call is on record: its turn is theirs.
    mark.reach(found[-1][1] if erased else found[-1][1] + timedelta(microseconds=1))
    return len(found)


def _quiet(calls: QuerySet[Call]) -> QuerySet[Call]:
    """Those of which nothing is kept any more. A runtime may have used an id again."""
    return calls.filter(~Exists(ToolCall.objects.filter(call=OuterRef("pk"), erased_at=None)))


@transaction.atomic
def _consents(campaign: Campaign) -> int:
    """A portion of what callers of a campaign agreed to."""
    before = _before(consent_days(campaign))
    if before is None:
        return 0
    rows = Consent.objects.filter(campaign=campaign, given_at__lt=before, erased_at=None)
    mark = _mark(campaign, Purged.Kind.CONSENTS)
    found = list(
        rows.filter(given_at__gte=mark.up_to).order_by("given_at").values_list("pk", "given_at")[:PORTION]
    )
    if not found:
        mark.reach(before)
        return 0
    erase_consents(Consent.objects.filter(pk__in=[pk for pk, _ in found]))
    mark.reach(found[-1][1])
    return len(found)


def _tests() -> int:
    """A portion of the texts that templates were tried out with."""
    days = kept_days(None)
    before = _before(days)
    if before is None:
        return 0
    rows = Message.objects.exclude(tested_by="").filter(created_at__lt=before, erased_at=None)
    return outbox.erase(
        list(rows.exclude(state__in=outbox.OPEN).values_list("pk", flat=True)[:PORTION]), because(days)
    )


def _mark(campaign: Campaign, kind: Purged.Kind) -> Purged:
    """How far it went, which one worker at a time moves on."""
    Purged.objects.get_or_create(campaign=campaign, kind=kind)
    return Purged.objects.select_for_update().get(campaign=campaign, kind=kind)
