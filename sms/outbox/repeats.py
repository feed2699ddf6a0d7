"""Whether a person has a text already, or is about to get it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from sms.models import Message, State
from sms.outbox.states import IN_VAIN

# Of these it is known that nothing arrived, or not known that something did.
NOT_THERE = [*IN_VAIN, State.UNKNOWN]

_NOT_THERE = ", ".join(f"'{state}'" for state in NOT_THERE)
# For a statement that asks and promises at once: takes a promise's values() and `repeat_after`.
NO_REPEAT = f"""NOT EXISTS (
        SELECT 1 FROM sms_message
        WHERE recipient = %(recipient)s AND created_at > statement_timestamp() - %(repeat_after)s::interval
          AND body = %(body)s AND tested_by = '' AND state NOT IN ({_NOT_THERE}))"""


def same_text(recipient: str, body: str, within: timedelta) -> State | None:
    """Where the newest text of a call stands that said the same to the same number, be it there or on its
    way; None if there is none."""
    found = Message.objects.filter(recipient=recipient, body=body, tested_by="")
    found = found.filter(created_at__gt=Now() - within).exclude(state__in=NOT_THERE)
    state = found.order_by("-created_at").values_list("state", flat=True).first()
    return State(state) if state else None
