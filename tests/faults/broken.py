"""Deliberate defects, by name, each of which the checker must catch. Also shortens three time-outs.

Loaded as a Django application into each process of a run, which otherwise runs the product's own commands.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.apps import AppConfig


class Broken(AppConfig):
    name = "tests.faults"
    label = "faults"

    def ready(self) -> None:
        from sms.providers import base, twilio

        for name in ("REACH_SECONDS", "CONNECT_SECONDS"):
            _replace(twilio, name, float(os.environ["FAULTS_CONNECT_SECONDS"]))
        _replace(base, "ANSWER_SECONDS", float(os.environ["FAULTS_ANSWER_SECONDS"]))
        for name in os.environ["FAULTS_DEFECT"].split():
            if name not in OUTSIDE:
                DEFECTS[name]()


def _replace(owner: Any, name: str, value: Any) -> Any:
    """Put `value` in the place of what the product has there, which is returned; fails if it has nothing."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    return before


def doubt_is_retried() -> None:
    """An answer that was lost counts as a refusal: the text is handed over again."""
    from sms.providers.base import NotAccepted, Unconfirmed
    from sms.providers.twilio import Twilio

    send = Twilio.send

    async def guess(self: Twilio, *args: Any) -> Any:
        try:
            return await send(self, *args)
        except Unconfirmed as doubt:
            raise NotAccepted(doubt.reason) from doubt

    Twilio.send = guess  # type: ignore[method-assign]


def reaper_requeues() -> None:
    """A text whose worker died is handed over again, as a broker's redelivery would."""
    from django.db.models.functions import Now

    from sms import outbox
    from sms.models import Message, State
    from sms.outbox.states import move

    def reap() -> int:
        late = Message.objects.filter(state=State.SUBMITTING, lease_until__lte=Now())
        return move(late, State.QUEUED, "Once more, then.")

    _replace(outbox, "reap", reap)


def nobody_reaps() -> None:
    """A text whose worker died stays with it."""
    from sms import outbox

    _replace(outbox, "reap", lambda: 0)


def no_poller() -> None:
    """Texts are handed over when a doorbell rings, and else not. The run leaves out the beat."""
    from sms import dispatch

    for name in ("poll_for_ever", "reconcile_for_ever"):
        _replace(dispatch, name, lambda: None)


def nobody_lists() -> None:
    """A doubt waits for a receipt, and for nothing else."""
    from sms import outbox

    _replace(outbox, "doubts", lambda *args: [])


def one_listing() -> None:
    """A carrier's list is believed the first time."""
    # Imported by name: the package has a function of the module's name.
    _replace(import_module("sms.outbox.doubts"), "CLEAN_LISTINGS", 1)


def answers_forgotten() -> None:
    """A request that comes again is a new one."""
    from campaigns import firing

    _replace(firing.Firing, "key", lambda firing: str(uuid.uuid4()))
    _replace(firing, "_first", lambda *args: None)


def last_receipt_wins() -> None:
    """A receipt is believed whatever is known already."""
    from sms import outbox
    from sms.models import Message

    receipt = outbox.receipt

    def believe(message: Message, attempt: int, report: Any) -> bool:
        receipt(message, attempt, report)
        return bool(Message.objects.filter(pk=message.pk).update(state=report.state))

    _replace(outbox, "receipt", believe)


def deadline_ignored() -> None:
    """A worker that slept past its lease writes to the carrier none the less."""
    from sms import dispatch
    from sms.providers import base, twilio

    _replace(dispatch, "HAND_OVER_WITHIN_SECONDS", timedelta(days=1).total_seconds())
    _replace(base, "ANSWER_SECONDS", 600)
    for name in ("REACH_SECONDS", "CONNECT_SECONDS"):
        _replace(twilio, name, 600)
    reaper_requeues()


def doorbell_in_request() -> None:
    """The broker is talked to while the caller waits."""
    from sms import doorbell
    from sms.tasks import drain

    _replace(doorbell, "ring", lambda: drain.delay())


def no_shares() -> None:
    """An account may have all that a process hands over at once."""
    from sms import dispatch, outbox

    claim = outbox.claim
    _replace(dispatch, "MAX_IN_FLIGHT", 200)
    _replace(dispatch, "_full", lambda in_flight: [])
    _replace(outbox, "claim", lambda limit, *shares: claim(limit))


def no_claim() -> None:
    """Whoever finds a text hands it over, as a task that is delivered twice would."""
    from sms import outbox
    from sms.models import Claimed, Message, State

    claim = outbox.claim

    def look(*args: Any) -> list[Claimed]:
        found = claim(*args)
        Message.objects.filter(pk__in=[message.pk for message in found]).update(state=State.QUEUED)
        return found

    _replace(outbox, "claim", look)


def stop_checked_at_accept_only() -> None:
    """What is queued when a person writes STOP is sent none the less."""
    from sms.outbox import handover, senders

    claim = handover._CLAIM.replace("o.lifted_at IS NULL", "false")
    assert claim != handover._CLAIM
    _replace(handover, "_CLAIM", claim)
    move = senders.move

    def spare(rows: Any, state: Any, reason: str, **named: Any) -> int:
        return 0 if reason == senders.OPTED_OUT else move(rows, state, reason, **named)

    _replace(senders, "move", spare)


DEFECTS: dict[str, Callable[[], None]] = {
    defect.__name__: defect
    for defect in (
        doubt_is_retried,
        reaper_requeues,
        nobody_reaps,
        no_poller,
        nobody_lists,
        one_listing,
        answers_forgotten,
        last_receipt_wins,
        deadline_ignored,
        doorbell_in_request,
        no_shares,
        no_claim,
        stop_checked_at_accept_only,
    )
}
# A defect of the installation rather than of the code: run.py makes it.
OUTSIDE = {"commits_not_flushed"}
