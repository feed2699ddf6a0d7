"""What carriers report of a text."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from sms.models import Message, MessageEvent, State
from sms.outbox.senders import follow, got_through
from sms.outbox.states import RANK, plain
from sms.providers.base import Report

# In a network, and perhaps on a phone: the carrier has let it out.
ARRIVED = (State.SENT, State.DELIVERED)
# Ends that we set: a carrier that had the text all the same knows better.
GIVEN_UP = (State.BLOCKED, State.CANCELED, State.FAILED)


def receipt(message: Message, attempt: int, report: Report) -> bool:
    """Note what a carrier reports of a message, move it on if that is news, and do what follows from an
    error code. True if it moved.

    Reports may come in any order, repeatedly, and before the carrier's own answer.
    """
    try:
        # In one transaction: a crash between them would lose an opt-out.
        with transaction.atomic():
            moved = _receipt(message, attempt, report)
            if moved and report.error_code:
                follow(message, report.error_code)
            elif moved and report.state in ARRIVED:
                got_through(message, arrived=True)
    except IntegrityError:
        # The SID is another message's: it says nothing of this one.
        return False
    return moved


def _receipt(message: Message, attempt: int, report: Report) -> bool:
    lower = [state for state, rank in RANK.items() if rank < RANK[report.state]]
    reason = plain(report.error_code)
    MessageEvent.objects.bulk_create(
        [
            MessageEvent(
                message=message,
                at=Now(),
                state=report.state,
                attempt=attempt,
                provider_status=report.status,
                provider_sid=report.sid,
                error_code=report.error_code,
                detail=reason,
            )
        ],
        ignore_conflicts=True,
    )
    rows = Message.objects.filter(pk=message.pk)
    # Two SIDs for one message are two texts on somebody's phone: to be seen, not hidden.
    rows.exclude(provider_sid=None).exclude(provider_sid=report.sid).filter(duplicate_detected=False).update(
        duplicate_detected=True, updated_at=Now()
    )
    if rows.filter(provider_sid=None).update(provider_sid=report.sid):
        lower += GIVEN_UP
    # A queued message that was handed over once: what is reported is that attempt, and it arrived.
    return bool(
        rows.filter(state__in=lower, provider_sid=report.sid, attempt__gt=0).update(
            state=report.state,
            error_code=report.error_code,
            reason=reason,
            claim_token=None,
            lease_until=None,
            updated_at=Now(),
        )
    )
