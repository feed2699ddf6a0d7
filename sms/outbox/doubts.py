"""What time does to texts: too old, their worker dead, in doubt, or not heard of."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, prefetch_related_objects
from django.db.models.functions import Now

from sms.models import Message, OnDoubt, State
from sms.outbox.receipts import receipt
from sms.outbox.states import AWAKE, move
from sms.providers.base import Report

LATE_BOUND = timedelta(seconds=settings.LATE_BOUND_SECONDS)
SILENT_AFTER = timedelta(seconds=settings.SILENT_SECONDS)
ASK_AGAIN_AFTER = SILENT_AFTER * 6
ASK_NO_MORE_AFTER = timedelta(hours=24)
# From when a text was not worth sending any more; until then its carrier may hold it (ValidityPeriod).
GIVE_UP_AFTER = LATE_BOUND * 10
# How often a carrier's list must be read without the text before it surely is not there.
CLEAN_LISTINGS = 2
# Out of doubt a text is handed over once more at most.
MAX_ATTEMPTS_IN_DOUBT = 2


def expire() -> int:
    """Drop the texts that wait and that nobody wants any more. How many. Quiet hours take none of their
    time."""
    waiting = Message.objects.filter(
        AWAKE | Q(expires_at__lte=F("quiet_at")),
        state__in=[State.QUEUED, State.HELD],
        expires_at__lte=Now(),
    )
    return move(waiting, State.EXPIRED, "It could not be sent in the time that it was worth sending.")


def reap() -> int:
    """Put the messages of workers that died in doubt. How many."""
    orphans = Message.objects.filter(state=State.SUBMITTING, lease_until__lte=Now())
    return move(orphans, State.UNCONFIRMED, "The worker ended before the carrier answered.")


def give_up() -> int:
    """Say of texts that are in doubt long after a carrier may have held them that nobody will know. How many.

    A carrier whose list cannot be read must not leave them, and equal texts behind them, waiting for ever.
    """
    hopeless = Message.objects.filter(state=State.UNCONFIRMED, expires_at__lte=Now() - GIVE_UP_AFTER)
    return move(hopeless, State.UNKNOWN, "The carrier could not be asked in time.")


def doubts(limit: int = 100) -> list[Message]:
    """Unconfirmed messages whose carrier's list is to be read now, their profiles loaded."""
    late = Now() - LATE_BOUND
    return list(
        Message.objects.filter(
            Q(asked_at=None) | Q(asked_at__lte=late), state=State.UNCONFIRMED, submitted_at__lte=late
        )
        .select_related("profile")
        .order_by(F("asked_at").asc(nulls_first=True), "submitted_at")[:limit]
    )


def known_sids(message: Message) -> set[str | None]:
    """The SIDs that other texts to the same recipient have, so that none is adopted twice."""
    return set(
        Message.objects.filter(account_sid=message.account_sid, recipient=message.recipient)
        .exclude(provider_sid=None)
        .values_list("provider_sid", flat=True)
    )


def not_told(message: Message) -> None:
    """The carrier did not say whether it has an unconfirmed message: others are asked about first."""
    Message.objects.filter(pk=message.pk, state=State.UNCONFIRMED).update(asked_at=Now())


def listed(message: Message, report: Report) -> bool:
    """The carrier's list holds an unconfirmed message. False if it is in doubt no more, or anew.

    What was read belongs to it only as long as it is in doubt: as soon as it is not, an equal text may be
    handed over, and the list holds that.
    """
    with transaction.atomic():
        in_doubt = (
            Message.objects.select_for_update()
            .filter(pk=message.pk, state=State.UNCONFIRMED, attempt=message.attempt)
            .values_list("pk")
            .first()
        )
        return in_doubt is not None and receipt(message, message.attempt, report)


def not_listed(message: Message) -> None:
    """The carrier's list was read whole and does not hold an unconfirmed message.

    The second time, with LATE_BOUND between, the text was surely not sent: it goes back to the queue once.
    Its end is unknown if it was promised so, or if there is no time or attempt left.
    """
    late = Now() - LATE_BOUND
    counted = (
        Message.objects.filter(pk=message.pk, state=State.UNCONFIRMED, attempt=message.attempt)
        .filter(Q(asked_at=None) | Q(asked_at__lte=late))
        .update(clean_listings=F("clean_listings") + 1, asked_at=Now())
    )
    if not counted:
        return
    clean = Message.objects.filter(pk=message.pk, state=State.UNCONFIRMED, clean_listings__gte=CLEAN_LISTINGS)
    move(
        clean.filter(on_doubt=OnDoubt.UNKNOWN),
        State.UNKNOWN,
        "The carrier does not list it, and it is not to be sent again on that.",
    )
    again = clean.filter(attempt__lt=MAX_ATTEMPTS_IN_DOUBT, expires_at__gt=Now())
    move(again, State.QUEUED, "The carrier surely does not have it: it is sent again.")
    move(clean, State.UNKNOWN, "The carrier does not list it, and there is no time left to try again.")


def silent(limit: int = 100) -> list[Message]:
    """Texts that a carrier has and has said nothing of for long; whoever gets them here asks."""
    with transaction.atomic():
        found = list(
            Message.objects.filter(
                Q(asked_at=None) | Q(asked_at__lte=Now() - ASK_AGAIN_AFTER),
                state__in=[State.ACCEPTED, State.SENT],
                updated_at__range=(Now() - ASK_NO_MORE_AFTER, Now() - SILENT_AFTER),
            )
            .exclude(provider_sid=None)
            .select_for_update(skip_locked=True)
            .order_by("updated_at")[:limit]
        )
        Message.objects.filter(pk__in=[message.pk for message in found]).update(asked_at=Now())
    prefetch_related_objects(found, "profile")
    return found
