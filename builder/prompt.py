"""The Actions field as text: which templates it refers to, and what the agent reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# {{name}}, or with the kind that other builders write in front: {{sms:name}}, {{twilio_sms:name}}. The editor
# in the browser reads by it, too: it is one expression in Python's language and JavaScript's.
REFERENCE = r"\{\{\s*(?:(?:twilio_)?sms:)?([A-Za-z0-9_-]{1,64})\s*\}\}"
_REFERENCE = re.compile(REFERENCE)
# So many characters before and after a mention are enough to know what it is about.
AROUND = 50


@dataclass(frozen=True, slots=True)
class Reference:
    """A template referred to by its name, and the place of that in the text."""

    name: str
    start: int
    end: int


def located(text: str) -> Iterator[Reference]:
    """All references in a text, in their order."""
    return (Reference(match.group(1), *match.span()) for match in _REFERENCE.finditer(text))


def references(actions: str) -> list[str]:
    """The names of the templates referred to, in the order of their first mention."""
    return list(dict.fromkeys(_REFERENCE.findall(actions)))


def canonical(actions: str) -> str:
    """The Actions field with each reference in the spelling that is stored: {{name}}."""
    return resolve(actions, lambda name: f"{{{{{name}}}}}")


def resolve(actions: str, spell: Callable[[str], str]) -> str:
    """The Actions field with each reference replaced by what `spell` makes of its name."""
    return _REFERENCE.sub(lambda match: spell(match.group(1)), actions)


def mention(text: str, name: str) -> str:
    """The first place where a text speaks of a tool by its name, in braces or bare, in capitals or not, with
    some words around it; "" if it nowhere does."""
    word = re.compile(rf"(?<![A-Za-z0-9_-]){re.escape(name)}(?![A-Za-z0-9_-])", re.IGNORECASE)
    for line in map(str.strip, text.splitlines()):
        if found := word.search(line):
            start, end = max(found.start() - AROUND, 0), found.end() + AROUND
            return ("…" if start else "") + line[start:end].strip() + ("…" if end < len(line) else "")
    return ""


def insert(actions: str, name: str, at: int | None = None) -> tuple[str, int]:
    """The Actions field with a reference to a template put in, and the place behind it.

    Where no place is known it goes to the end, apart from what stands there.
    """
    if at is None or not 0 <= at <= len(actions):
        if actions and not actions[-1].isspace():
            actions += " "
        at = len(actions)
    written = f"{{{{{name}}}}}"
    return actions[:at] + written + actions[at:], at + len(written)
