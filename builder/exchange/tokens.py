"""The tokens of PolyAI's texts, and what they are here.

{{vrbl:name}} is a variable of the conversation, {{entity:name}} something that was heard in it,
${name} or ${variant_name} an attribute of the site that was called, and so is {{attr:name}}. Each becomes a
placeholder. {{tn:key}} is a translation, the others refer to what no text can hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sms import text

_TOKEN = re.compile(
    r"\{\{\s{0,9}(?P<kind>\w{1,20})\s{0,9}:\s{0,9}(?P<name>[^{}\n]{0,200}?)\s{0,9}\}\}"
    r"|\$\{\s{0,9}(?:variant_)?(?P<attribute>[^{}\n]{1,200}?)\s{0,9}\}"
)
_PLACEHOLDERS = {"vrbl": "a variable", "entity": "an entity", "attr": "an attribute", "va": "an attribute"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_OTHERS = {
    "tn": "a translation, whose text is not in this file: write the text here",
    "fn": "a function, which no text can call: take it out",
    "ft": "a function, which no text can call: take it out",
    "ho": "a handoff, which no text can make: take it out",
}


@dataclass(slots=True)
class Carried:
    """A text with our placeholders, what of it could not be carried over (with its place), and which of the
    placeholders were filled by code."""

    text: str
    refused: list[tuple[int, str]] = field(default_factory=list)
    placeholders: list[str] = field(default_factory=list)


def carried(foreign: str) -> Carried:
    """A text of PolyAI's as one of ours."""
    found = Carried("")
    first: dict[str, str] = {}

    def ours(match: re.Match[str]) -> str:
        kind, written = match["kind"], match["name"] if match["kind"] else match["attribute"]
        if kind and kind.lower() not in _PLACEHOLDERS:
            why = _OTHERS.get(kind.lower(), "nothing that a text can hold: take it out")
            found.refused.append((match.start(), f"“{match[0]}” is {why}."))
            return match[0]
        name = re.sub(r"[^A-Za-z0-9_]", "_", written)
        if not _NAME.fullmatch(name):
            found.refused.append(
                (
                    match.start(),
                    f"“{match[0]}” can be no placeholder: its name must begin with a letter and have up to "
                    "64 letters, digits and _.",
                )
            )
            return match[0]
        # Two things that are told apart there must not become one here.
        token = f"{'attr' if kind in (None, 'va') else kind.lower()}:{written}"
        if first.setdefault(name, token) != token:
            found.refused.append(
                (match.start(), f"“{match[0]}” would be the same placeholder as “{first[name]}”: rename one.")
            )
            return match[0]
        if name not in found.placeholders:
            found.placeholders.append(name)
        return f"{{{{ {name} }}}}"

    found.text = _TOKEN.sub(ours, foreign)
    return found


def foreign(body: str) -> str:
    """A text of ours as one of PolyAI's: each placeholder is a variable of the conversation."""
    return text.fill(body, {name: f"{{{{vrbl:{name}}}}}" for name in text.placeholders(body)})
