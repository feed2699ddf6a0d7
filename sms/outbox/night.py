"""Texts that wait until nobody is woken by them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from sms import quiet
from sms.models import Message, MessageEvent, State
from sms.outbox.states import BATCH, KEY
from sms.quiet import QuietHours

OVER = "The quiet hours are over."


def because(opens: datetime, recipient: str) -> str:
    """Why a text is held for quiet hours, and until when, in plain words."""
    return f"Quiet hours where the phone is: it goes out at {quiet.wording(opens, recipient)}."


def keep_quiet() -> int:
    """Hold the texts whose recipients' quiet hours have begun, and queue those whose are over. How many.

    What is held so is worth sending, in the morning, for as long as it still was in the evening.
    """
    with transaction.atomic():
        turned = list(
            Message.objects.annotate(now=Now())
            .filter(
                Q(state=State.QUEUED) | Q(state=State.HELD, next_attempt_at__lte=Now()),
                quiet_at__lte=Now(),
                expires_at__gt=F("quiet_at"),
            )
            .order_by(KEY)
            .select_for_update(skip_locked=True)[:BATCH]
        )
        for message in turned:
            _turn(message, message.now)
    return len(turned)


def _turn(message: Message, now: datetime) -> None:
    hours = QuietHours.parse(message.quiet_hours)
    opens = hours.opens(message.recipient, now)
    assert message.quiet_at is not None
    if opens > now:
        if message.expires_at <= opens:
            message.expires_at = opens + (message.expires_at - message.quiet_at)
        message.state, message.reason = State.HELD, because(opens, message.recipient)
        message.next_attempt_at = opens
    else:
        message.state, message.reason = State.QUEUED, OVER
        message.next_attempt_at, message.quiet_at = now, hours.closes(message.recipient, now)
    message.updated_at = now
    message.save(update_fields=["state", "reason", "expires_at", "next_attempt_at", "quiet_at", "updated_at"])
    MessageEvent.objects.create(
        message=message, at=now, state=message.state, attempt=message.attempt, detail=message.reason
    )
