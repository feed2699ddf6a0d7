"""A text as it would be sent, before any rule has looked at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from sms import text
from sms.models import Variable

MAX_CHARACTERS_NAMED = 5


class Caller(NamedTuple):
    """Who is on the phone, by the runtime's envelope: the number in E.164 or "", the name or ""."""

    number: str
    name: str


class Draft(NamedTuple):
    """What the caller would get, and what it was made of.

    `written` is what the agent wrote, by the name of its parameter; `filled` all that fills the placeholders
    of a template's text in `language`. `lacking` are the variables that nothing is known for, and that must
    not be missing: with any, the text is none.
    """

    body: str
    size: text.Size
    written: Mapping[str, str]
    filled: Mapping[str, str]
    language: str
    lacking: tuple[Variable, ...] = ()


class Author(Protocol):
    """Who makes a tool's texts, by their own rules: a template, or the agent."""

    max_segments: int

    def draft(self, values: Mapping[str, str], language: str, caller: Caller) -> Draft:
        """The text that these values make; `values` are the agent's, each of the right shape."""

    def on_link(self, draft: Draft) -> str:
        """What the agent is to say of a link that must not stand there; "" if there is none."""

    def strange_number(self, draft: Draft, region: str, known: Collection[str]) -> str:
        """A phone number that somebody else than ops put there, and that is none of the `known` ones (E.164);
        "" if there is none. Local numbers are those of a region (ISO 3166)."""

    def gives_away(self, draft: Draft) -> bool:
        """Whether somebody else than ops put something there that no text may give away."""

    def how_to_shorten(self, draft: Draft) -> str:
        """What the agent is to say of a text that is too long; "" if it can do nothing about it."""


def shorten(what: str, written: str) -> str:
    """How an agent says what it will shorten, and which characters it will leave out."""
    odd = text.outside_gsm(written)
    without = f" and leave out {' '.join(odd[:MAX_CHARACTERS_NAMED])}" if odd else ""
    return f"That text came out too long, so I haven't sent it yet. I'll {what}{without}."
