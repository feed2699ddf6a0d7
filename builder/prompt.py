"""The Actions field as text: which templates it refers to, and what the agent reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

# {{name}}, or with the kind that other builders write in front: {{sms:name}}, {{twilio_sms:name}}.
_REFERENCE = re.compile(r"\{\{\s*(?:(?:twilio_)?sms:)?([A-Za-z0-9_-]{1,64})\s*\}\}")


def references(actions: str) -> list[str]:
    """The names of the templates referred to, in the order of their first mention."""
    return list(dict.fromkeys(_REFERENCE.findall(actions)))


def resolve(actions: str, spell: Callable[[str], str]) -> str:
    """The Actions field with each reference replaced by what `spell` makes of its name."""
    return _REFERENCE.sub(lambda match: spell(match.group(1)), actions)
