"""What a text that the agent writes itself may hold: its action's rules.

Compiled once for each revision of the configuration: a caller waits for what is done here at each call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from builder.models import SmsAction
from campaigns.drafts import Caller, Draft, shorten
from sms import confidential, hosts, links, phones, text, words

# The parameter in which the agent writes it.
BODY = "message"
# Nobody listens to a longer list.
MOST_SPOKEN = 3


class Content:
    """The rules of one action for what the agent writes."""

    def __init__(self, action: SmsAction) -> None:
        self.max_segments = action.max_segments
        self._hosts = list(action.allowed_hosts)
        self._words = list(action.forbidden_words)
        self._numbers = frozenset(action.allowed_numbers)
        self._allowed = hosts.pattern(self._hosts) if self._hosts else None
        self._forbidden = words.Forbidden(self._words)

    def draft(self, values: Mapping[str, str], language: str, caller: Caller) -> Draft:
        """The text as the agent wrote it."""
        body = values[BODY]
        return Draft(body, text.size(body), {BODY: body}, {}, language)

    def on_link(self, draft: Draft) -> str:
        """What the agent is to say of a link to where none may lead; "" if there is none."""
        if not links.beyond(draft.body, self._allowed):
            return ""
        if not 0 < len(self._hosts) <= MOST_SPOKEN:
            return text.NO_LINK
        return f"I can only text links to {_or(self._hosts)}. I'll leave the other one out."

    def is_forbidden(self, draft: Draft) -> bool:
        """Whether one of the action's forbidden words stands in it."""
        return bool(self._forbidden.found(draft.body))

    def strange_number(self, draft: Draft, region: str, known: Collection[str]) -> str:
        """The first phone number in it that is neither known nor allowed by the action; "" if none is."""
        return phones.strange(draft.body, region, self._numbers.union(known))

    def gives_away(self, draft: Draft) -> bool:
        """Whether it holds what no text may give away."""
        return confidential.found(draft.body)

    def how_to_shorten(self, draft: Draft) -> str:
        """What the agent is to say of a text that is too long."""
        return shorten("make it shorter", draft.body)

    def schema(self) -> dict[str, Any]:
        """What the model reads of the text that it writes: a property's JSON schema."""
        most = text.most_characters(self.max_segments)
        hints = [
            "The text to send, complete and ready to read. Nobody reads a reply: ask for none.",
            f"At most {most} characters, less than half as many with emoji or letters such as ж.",
        ]
        if self._hosts:
            hints.append(f"Only links to {_or(self._hosts)}; each with a space before and behind it.")
        else:
            hints.append("No web address and no e-mail address, and a space behind each full stop.")
        if self._numbers:
            hints.append(f"No phone number but {_or(sorted(self._numbers))}, and the recipient's own.")
        else:
            hints.append("No phone number but the recipient's own.")
        if self._words:
            hints.append(f"Never use: {', '.join(self._words)}.")
        return {"type": "string", "description": " ".join(hints), "maxLength": most}


def _or(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
