"""What the agent is told of a text, in words that it can speak: true of where the text stands now."""

from __future__ import annotations

from typing import NamedTuple

from django.utils import timezone

from sms import numbers, outbox, quiet
from sms.models import Message, Pause, State
from sms.providers import codes

SPOKEN = {
    State.QUEUED: "The text is about to be sent.",
    State.HELD: "The text is waiting to be sent.",
    State.SUBMITTING: "The text is being sent right now.",
    State.UNCONFIRMED: "I'm still checking whether the text went out.",
    State.ACCEPTED: "The text has been handed to the phone network.",
    State.SENT: "The text has been sent and should arrive any moment.",
    State.DELIVERED: "The text has arrived.",
    State.UNDELIVERED: "The text could not be delivered.",
    State.FAILED: "The text could not be sent.",
    State.UNKNOWN: "I can't tell whether the text arrived.",
    State.EXPIRED: "The text could not be sent in time, so it was dropped.",
    State.CANCELED: "That text was canceled on our side, so it was not sent.",
    State.BLOCKED: "That number has opted out of our text messages, so nothing was sent.",
}
PAUSED = (
    "Our text messages are paused at the moment, so the text is waiting. If it waits too long, it is dropped."
)
# Nobody has decided on these yet.
ON_ITS_WAY = (State.QUEUED, State.SUBMITTING)
# Out of our hands, and with the carrier or further.
SENT = (State.ACCEPTED, State.SENT, State.DELIVERED)


class Told(NamedTuple):
    """Where a text stands: if in vain, one line to speak, and a code for programs ("" if all is well)."""

    in_vain: bool
    say: str
    code: str


def told(message: Message) -> Told:
    """What is to be said of a text now. The code is `carrier_` and the carrier's own, or else the state."""
    state = State(message.state)
    in_vain = state in outbox.IN_VAIN
    say = (message.error_code and codes.meaning(message.error_code).say) or _spoken(message, state)
    code = f"carrier_{message.error_code}" if message.error_code else str(state)
    return Told(in_vain, say, code if in_vain else "")


def _spoken(message: Message, state: State) -> str:
    if state in outbox.WAITING and Pause.over(message):
        return PAUSED
    if state is State.HELD and (opens := message.quiet_until):
        return f"The text will go out at {quiet.spoken(opens, message.recipient, timezone.now())}."
    return SPOKEN[state]


def told_again(message: Message) -> str:
    """What is to be said of a text that is asked for once more in the same call: it is not sent twice."""
    already = "sent" if message.state in SENT else "asked for"
    return f"I've already {already} that text, so I won't send it twice. {told(message).say}"


def on_its_way(recipient: str) -> str:
    """What is to be said of a text that has just been promised to a number (E.164)."""
    return f"The text is on its way to {numbers.spoken(recipient)}."
