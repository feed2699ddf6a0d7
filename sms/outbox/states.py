"""What is said of several states at once, ranks, and the one way in which a state changes by itself."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast, Now

from sms.models import Message, MessageEvent, State
from sms.providers import codes

BATCH = 1000
# In the order of their keys, in which all lock them; but by an expression, which no index has. By the key
# itself, PostgreSQL walks through all messages there are whenever it expects to find enough on the way.
KEY = Cast("pk", TextField())
# It is not quiet where the text goes.
AWAKE = Q(quiet_at=None) | Q(quiet_at__gt=Now())

# It waits for its turn, or for whatever holds it back.
WAITING = (State.QUEUED, State.HELD)
# It did not arrive, and will not.
IN_VAIN = (State.FAILED, State.UNDELIVERED, State.EXPIRED, State.CANCELED, State.BLOCKED)
# It has arrived, or it will not.
DECIDED = (State.DELIVERED, *IN_VAIN)
# How far along a state is. A receipt moves a message only to a higher rank.
RANK = {
    State.QUEUED: 0,
    State.HELD: 0,
    State.SUBMITTING: 1,
    State.UNCONFIRMED: 2,
    State.UNKNOWN: 2,
    State.EXPIRED: 2,
    State.ACCEPTED: 3,
    State.SENT: 4,
    State.DELIVERED: 5,
    State.UNDELIVERED: 5,
    State.FAILED: 5,
    State.CANCELED: 5,
    State.BLOCKED: 5,
}


def move(rows: QuerySet[Message], state: State, reason: str, skip_locked: bool = True) -> int:
    """Move up to BATCH rows of a queryset to a state, with an event each, in one transaction. How many."""
    with transaction.atomic():
        found = list(
            rows.order_by(KEY).select_for_update(skip_locked=skip_locked).values_list("pk", "attempt")[:BATCH]
        )
        if not found:
            return 0
        changes: dict[str, Any] = {"state": state, "reason": reason}
        if state is State.QUEUED:
            # What it was held for is over.
            changes["error_code"] = None
        moved = rows.filter(pk__in=[pk for pk, _ in found]).update(
            **changes, lease_until=None, next_attempt_at=Now(), updated_at=Now()
        )
        MessageEvent.objects.bulk_create(
            MessageEvent(message_id=pk, at=Now(), state=state, attempt=attempt, detail=reason)
            for pk, attempt in found
        )
    return moved


def plain(code: int | None) -> str:
    """An error code in plain words; "" where there is none."""
    return codes.meaning(code).plain if code else ""
