"""What is left of texts when what they said, and to whom, is erased: that they were, when, and what came of
them."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models.functions import Now

from sms.erasing import erasing
from sms.models import Message, MessageEvent, State
from sms.outbox.states import move

# A worker needs what they say: they are sent, or looked up at the carrier.
OPEN = (State.QUEUED, State.HELD, State.SUBMITTING, State.UNCONFIRMED)
FORGOTTEN = "The person asked to be forgotten."


class OnTheirWay(Exception):
    """A worker hands texts over in this instant; they can be erased as soon as it has."""


def erase(messages: Collection[uuid.UUID], because: str) -> int:
    """Erase the bodies and numbers of texts, and what was said of their steps, with why. How many.

    States, codes, times, sizes and countries stay, and the carrier's id, by which a late receipt still finds
    its text. What is OPEN stays whole.
    """
    if not messages:
        return 0
    rows = Message.objects.filter(pk__in=messages, erased_at=None).exclude(state__in=OPEN)
    with erasing():
        found = list(rows.order_by("pk").select_for_update().values_list("pk", flat=True))
        MessageEvent.objects.filter(message__in=found).exclude(detail="").update(detail="")
        return Message.objects.filter(pk__in=found).update(
            recipient="", body="", reason="", erased_at=Now(), erased_because=because
        )


def forget(recipient: str) -> int:
    """Erase all texts to a number (E.164); those that wait are canceled first. How many.

    One in doubt is looked up no more: its end stays unknown. Raises OnTheirWay, with nothing changed in the
    caller's transaction, if a worker hands one over.
    """
    texts = Message.objects.filter(recipient=recipient)
    # Waits for a claim that has these rows, which then is one of a worker's.
    while move(
        texts.filter(state__in=[State.QUEUED, State.HELD]), State.CANCELED, FORGOTTEN, skip_locked=False
    ):
        pass
    while move(texts.filter(state=State.UNCONFIRMED), State.UNKNOWN, FORGOTTEN, skip_locked=False):
        pass
    if texts.filter(state=State.SUBMITTING).exists():
        raise OnTheirWay
    return erase(list(texts.values_list("pk", flat=True)), FORGOTTEN)
