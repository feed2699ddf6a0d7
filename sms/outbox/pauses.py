"""Pauses: what they cover is not claimed from their commit on, waits as held, and goes on when they end.

The claim asks for them by itself (handover.py), so no text is sent within one, whatever state it is in. That
it is moved to HELD says so to people, and keeps the queue short for others.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from sms.models import Message, Pause, Sender, State, SwitchedOff, UserProfile
from sms.models.pauses import ACCOUNT, EVERYTHING, MAX_REASON_CHARACTERS, SENDER
from sms.outbox.states import AWAKE, BATCH, move

GOES_ON = "What it waited for is over."


def suspend(scope: str, about: str, because: str, by: str = "") -> Pause | None:
    """Send nothing of a scope from the commit on; None if it is paused already. `by` is "" for the brake.

    What is queued is held after it, in transactions of its own: there may be a hundred thousand.
    """
    try:
        with transaction.atomic():
            pause = Pause.objects.create(
                scope=scope, about=about, because=because[:MAX_REASON_CHARACTERS], by=by
            )
    except IntegrityError:
        return None
    transaction.on_commit(hold_paused, robust=True)
    return pause


def resume(pause: Pause, by: str, because: str = "") -> bool:
    """End a pause, and queue what waited for it alone. False if somebody was faster."""
    ended = Pause.objects.filter(pk=pause.pk, lifted_at=None).update(
        lifted_at=Now(), lifted_by=by, lifted_because=because[:MAX_REASON_CHARACTERS]
    )
    transaction.on_commit(_let_all_go, robust=True)
    return bool(ended)


def _let_all_go() -> None:
    while let_go() == BATCH:
        pass


def hold_paused() -> None:
    """Move what is queued and covered by a pause, or by something switched off, to HELD with the reason."""
    if not Message.objects.filter(covered(), state=State.QUEUED).exists():
        # There may be many drafts that are switched off.
        return
    stops: list[Pause | SwitchedOff] = [*Pause.standing(), *SwitchedOff.objects.order_by("scope")]
    for stop in stops:
        queued = Message.objects.filter(_covered_by([stop.scope]), state=State.QUEUED)
        while move(queued, State.HELD, stop.words[:300]) == BATCH:
            pass


def let_go() -> int:
    """Queue what is held though nothing holds it any more: no sender, no pause, no deactivated owner. How
    many; at most BATCH.

    Its worker died between the two, or a pause has ended, or its owner is active again.
    """
    holds = Sender.objects.filter(
        account_sid=OuterRef("account_sid"), address=OuterRef("sender"), held_at__isnull=False
    )
    return move(held_for_senders().filter(~Exists(holds)), State.QUEUED, GOES_ON)


def held_for_senders() -> QuerySet[Message]:
    """What is held for its sender's sake, or for nothing any more: not by a pause, a switch, quiet hours, or
    because its owner is deactivated."""
    deactivated = UserProfile.objects.filter(pk=OuterRef("profile_id"), user__is_active=False)
    return Message.objects.filter(AWAKE, ~Exists(deactivated), ~covered(), state=State.HELD)


def covered() -> Q:
    """The texts that a pause covers now, or something switched off."""
    scopes = Pause.objects.filter(lifted_at=None).order_by().values_list("scope")
    return _covered_by([scope for (scope,) in scopes.union(SwitchedOff.objects.values_list("scope"))])


def _covered_by(scopes: list[str]) -> Q:
    if EVERYTHING in scopes:
        return Q(pk__isnull=False)
    found = Q(pk__in=[])
    if scopes:
        found |= Q(scopes__overlap=scopes)
    if accounts := _keys(ACCOUNT, scopes):
        found |= Q(account_sid__in=accounts)
    if senders := _keys(SENDER, scopes):
        found |= Q(
            Exists(
                Sender.objects.filter(
                    pk__in=senders, account_sid=OuterRef("account_sid"), address=OuterRef("sender")
                )
            )
        )
    return found


def _keys(kind: str, scopes: list[str]) -> list[str]:
    return [key for found, _, key in (each.partition(":") for each in scopes) if found == kind]
