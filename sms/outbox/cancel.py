"""What a person takes back before it is sent."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sms.models import Message, State
from sms.outbox.states import WAITING, move


def cancel(messages: Collection[uuid.UUID], who: str, because: str) -> list[uuid.UUID]:
    """Have messages that wait not be sent, with who decided that and why. The ids of those that were waiting.

    What a worker has claimed is not waiting any more, and takes its way.
    """
    canceled = []
    for pk in messages:
        waiting = Message.objects.filter(pk=pk, state__in=WAITING)
        # Waits for a claim that has the row, and then finds it gone.
        if move(waiting, State.CANCELED, f"Canceled by {who}: {because}"[:300], skip_locked=False):
            canceled.append(pk)
    return canceled
