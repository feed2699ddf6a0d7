"""Senders and recipients that must wait: pauses, holds and their probes, opt-outs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from sms import suppression
from sms.models import Claimed, Message, OptOut, Sender, State
from sms.outbox.pauses import held_for_senders, let_go
from sms.outbox.states import BATCH, move
from sms.providers import codes
from sms.providers.codes import Consequence

# One text a minute tries whether a held sender can send again.
PROBE_EVERY = timedelta(seconds=60)
AGAIN = "The sender can send again."
OPTED_OUT = "The recipient opted out before it was sent."


def pause(account_sid: str, delay: timedelta) -> None:
    """Send nothing of an account before `delay` is over, as its carrier asks."""
    until = Now() + delay
    with _locked(Sender.objects.filter(account_sid=account_sid)) as senders:
        senders.filter(paused_until__lt=until).update(paused_until=until)


def hold(account_sid: str, address: str | None, reason: str, code: int | None = None) -> None:
    """Hold a sender, or with None all senders of an account, and what is queued for them.

    A probe a minute finds out when it works again; a person may release() it sooner.
    """
    found = Sender.objects.filter(account_sid=account_sid)
    queued = Message.objects.filter(account_sid=account_sid, state=State.QUEUED)
    if address is not None:
        found, queued = found.filter(address=address), queued.filter(sender=address)
    with _locked(found) as senders:
        senders.update(
            held_at=Coalesce("held_at", Now()),
            held_code=code,
            held_because=reason[:300],
            held_with_account=address is None,
            paused_until=Now() + PROBE_EVERY,
        )
        while move(queued, State.HELD, reason) == BATCH:
            pass


def release(account_sid: str, address: str | None = None) -> None:
    """Let a sender send again, and all that were held for their account's sake; with None all of the account.

    What was held for them is queued.
    """
    found = Sender.objects.filter(account_sid=account_sid, held_at__isnull=False)
    if address is not None:
        found = found.filter(Q(address=address) | Q(held_with_account=True))
    with _locked(found) as senders:
        addresses = list(senders.values_list("address", flat=True))
        senders.update(
            held_at=None,
            held_code=None,
            held_because="",
            held_with_account=False,
            paused_until=Now(),
            told_at=None,
        )
        held = held_for_senders().filter(account_sid=account_sid, sender__in=addresses)
        while move(held, State.QUEUED, AGAIN) == BATCH:
            pass


def got_through(message: Message | Claimed, arrived: bool) -> None:
    """A text that was handed over while its sender was held got through: release the sender, if that proves
    that it can send again.

    For what only receipts refuse, the carrier takes texts all the same: there, it must have `arrived` in the
    network, or each probe would let go of what then fails, too.
    """
    submitted_at = Message.objects.filter(pk=message.pk).values("submitted_at")
    held = Sender.objects.filter(
        account_sid=message.account_sid, address=message.sender, held_at__lt=Subquery(submitted_at)
    )
    if not arrived:
        held = held.filter(Q(held_code=None) | Q(held_code__lt=codes.FIRST_BY_RECEIPT))
    if held.exists():
        release(message.account_sid, message.sender)


@contextmanager
def _locked(senders: QuerySet[Sender]) -> Iterator[QuerySet[Sender]]:
    """A transaction that has locked senders in the order in which a claim does, so that none waits for the
    other in a circle."""
    with transaction.atomic():
        pks = list(senders.order_by("pk").select_for_update().values_list("pk", flat=True))
        yield Sender.objects.filter(pk__in=pks)


def untold() -> list[Sender]:
    """Held senders whose owners have not been told yet; whoever gets them here tells."""
    held = Sender.objects.filter(held_at__isnull=False, told_at=None)
    return [
        sender
        for sender in held
        if Sender.objects.filter(pk=sender.pk, told_at=None, held_at__isnull=False).update(told_at=Now())
    ]


def probe() -> None:
    """For each held sender whose next probe is due, queue the oldest text that waits for it; and what waits
    for nothing any more."""
    let_go()
    held = held_for_senders()
    for sender in Sender.objects.filter(held_at__isnull=False, paused_until__lte=Now()):
        oldest = (
            held.filter(account_sid=sender.account_sid, sender=sender.address, expires_at__gt=Now())
            .order_by("created_at")
            .values("pk")[:1]
        )
        move(
            Message.objects.filter(pk__in=oldest, state=State.HELD),
            State.QUEUED,
            "It tries whether the sender can send again.",
        )


def opt_out(recipient: str, source: str, evidence: str = "", user: Any = None) -> None:
    """Record that a number (E.164) wants no more texts, and block what waits to be sent to it.

    One that had opted out and was forgotten is not written down again.
    """
    with transaction.atomic():
        if not OptOut.stands_for(recipient):
            OptOut.objects.bulk_create(
                [OptOut(recipient=recipient, source=source, evidence=evidence[:300], created_by=user)],
                ignore_conflicts=True,
            )
        # Waits for a claim that has these rows: after our commit none of them is submitted.
        waiting = Message.objects.filter(recipient=recipient, state__in=[State.QUEUED, State.HELD])
        move(waiting, State.BLOCKED, OPTED_OUT, skip_locked=False)


def opt_out_all(said: Mapping[str, str], source: str, user: Any = None) -> int:
    """As opt_out(), of many numbers with what each said, all or none. How many had not opted out before."""
    with transaction.atomic():
        names = {name: number for number in said for name in suppression.known_as(number)}
        standing = OptOut.objects.filter(recipient__in=list(names), lifted_at=None)
        known = {names[name] for name in standing.values_list("recipient", flat=True)}
        new = [number for number in said if number not in known]
        OptOut.objects.bulk_create(
            (
                OptOut(recipient=number, source=source, evidence=said[number][:300], created_by=user)
                for number in new
            ),
            batch_size=BATCH,
            ignore_conflicts=True,
        )
        waiting = Message.objects.filter(recipient__in=new, state__in=[State.QUEUED, State.HELD])
        while move(waiting, State.BLOCKED, OPTED_OUT, skip_locked=False) == BATCH:
            pass
    return len(new)


def opt_in(recipient: str, reason: str, user: Any = None) -> None:
    """Lift a number's opt-out, with who or what allowed that."""
    OptOut.objects.filter(recipient__in=suppression.known_as(recipient), lifted_at=None).update(
        lifted_at=Now(), lifted_because=reason[:300], lifted_by=user
    )


def follow(message: Message | Claimed, code: int) -> None:
    """Do what follows from an error code for other texts than this one."""
    meaning = codes.meaning(code)
    if meaning.consequence is Consequence.HOLD_ACCOUNT:
        hold(message.account_sid, None, meaning.plain, code)
    elif meaning.consequence is Consequence.HOLD_SENDER:
        hold(message.account_sid, message.sender, meaning.plain, code)
    elif meaning.consequence is Consequence.OPT_OUT and message.recipient:
        opt_out(message.recipient, OptOut.Source.CARRIER, f"Error {code}: {meaning.plain}")
