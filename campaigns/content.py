"""What a text that the agent writes itself may hold: its action's rules.

Compiled once for each revision of the configuration: a caller waits for what is done here at each call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builder.models import SmsAction
from campaigns import safeguards
from campaigns.safeguards import Refused
from campaigns.wording import MAX_CHARACTERS_NAMED
from sms import hosts, links, text, words

# Nobody listens to a longer list.
MOST_SPOKEN = 3


class Content:
    """The rules of one action for what the agent writes."""

    def __init__(self, action: SmsAction) -> None:
        self.max_segments = action.max_segments
        self._hosts = list(action.allowed_hosts)
        self._words = list(action.forbidden_words)
        self._allowed = hosts.pattern(self._hosts) if self._hosts else None
        self._forbidden = words.Forbidden(self._words)

    def written(self, body: str) -> tuple[str, text.Size]:
        """The text as the caller gets it, and its size.

        Raises Refused for a link that is not allowed, a forbidden word, and too many segments.
        """
        if links.beyond(body, self._allowed):
            raise Refused(replace(safeguards.LINK, say=self._instead_of_link))
        if self._forbidden.found(body):
            raise Refused(safeguards.FORBIDDEN_WORD)
        size = text.size(body)
        if size.segments > self.max_segments:
            raise Refused(replace(safeguards.TOO_LONG, say=_how_to_shorten(body)))
        return body, size

    @property
    def _instead_of_link(self) -> str:
        if not 0 < len(self._hosts) <= MOST_SPOKEN:
            return text.NO_LINK
        return f"I can only text links to {_or(self._hosts)}. I'll leave the other one out."

    def schema(self) -> dict[str, Any]:
        """What the model reads of the text that it writes: a property's JSON schema."""
        most = text.most_characters(self.max_segments)
        hints = [
            "The text to send, complete and ready to read.",
            f"At most {most} characters, less than half as many with emoji or letters such as ж.",
        ]
        if self._hosts:
            hints.append(f"Only links to {_or(self._hosts)}; each with a space before and behind it.")
        else:
            hints.append("No web address and no e-mail address, and a space behind each full stop.")
        if self._words:
            hints.append(f"Never use: {', '.join(self._words)}.")
        return {"type": "string", "description": " ".join(hints), "maxLength": most}


def _how_to_shorten(body: str) -> str:
    odd = text.outside_gsm(body)
    without = f" and leave out {' '.join(odd[:MAX_CHARACTERS_NAMED])}" if odd else ""
    return f"That text came out too long, so I haven't sent it yet. I'll make it shorter{without}."


def _or(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
