"""What is left of texts when what they said, and to whom, is erased: that they were, when, and what came of
them."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import Q
from django.db.models.functions import Now

from sms.erasing import OPEN, erasing, mention
from sms.models import Message, MessageEvent, State
from sms.outbox.states import move

FORGOTTEN = "The person asked to be forgotten."


class OnTheirWay(Exception):
    """Texts to a number, or others that mention it, are under way: they can be erased once they are not."""


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

    One in doubt is looked up no more: its end stays unknown. Raises OnTheirWay, for the caller to roll back,
    if a worker hands one over, or if one to somebody else is under way that mentions the number.
    """
    texts = Message.objects.filter(recipient=recipient)
    # Waits for a claim that has these rows, which then is one of a worker's.
    while move(
        texts.filter(state__in=[State.QUEUED, State.HELD]), State.CANCELED, FORGOTTEN, skip_locked=False
    ):
        pass
    while move(texts.filter(state=State.UNCONFIRMED), State.UNKNOWN, FORGOTTEN, skip_locked=False):
        pass
    under_way = Message.objects.filter(state__in=OPEN)
    if under_way.filter(Q(recipient=recipient) | Q(body__regex=mention(recipient))).exists():
        raise OnTheirWay
    return erase(list(texts.values_list("pk", flat=True)), FORGOTTEN)
