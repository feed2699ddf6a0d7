"""What was meant as a reference to a template and is none. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from builder import prompt
from builder.lint.facts import Mend
from builder.lint.reading import Reading

# Kinds of reference that mean a template; the usual spellings are references already.
_OWN_KINDS = {"sms", "twilio_sms", "sms_template", "template", "text"}
# Braces as some keyboards (of Chinese and Japanese) write them.
_NARROW = str.maketrans("｛｝", "{}")
_NAME = r"[A-Za-z0-9_-]{1,64}"
_NEARLY = re.compile(
    rf"""\{{\{{ (?P<double>[^{{}}\n]{{0,100}}) \}}\}}
    | \{{\{{ \s{{0,9}} (?:\w{{1,20}}:)? (?P<open>{_NAME}|) (?:\s{{0,9}}\}})?
    | [$]?\{{ \s{{0,9}} (?P<single>{_NAME}) \s{{0,9}} \}}\}}?
    | \[\[ \s{{0,9}} (?P<square>{_NAME}) \s{{0,9}} \]\]
    | <{{1,2}} \s{{0,9}} (?P<angle>{_NAME}) \s{{0,9}} >{{1,2}}
    | ` (?P<quoted>{_NAME}) `
    | (?P<closed>{_NAME}|) \s{{0,9}} \}}\}}
    | (?P<bare>\b(?=\w{{0,63}}_){_NAME}\b)""",
    re.VERBOSE,
)
_IN_DOUBLE_BRACES = ("double", "open", "closed")
_KIND = re.compile(r"\s*(\w{1,20})\s*[:./]\s*(.*)", re.DOTALL)
MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class Near:
    """Something like a reference, and the name in it.

    `kind` is what another builder calls such a reference, where that is nothing of ours. What is quoted or
    bare may well be meant as it stands.
    """

    start: int
    end: int
    name: str
    kind: str = ""
    is_bare: bool = False


def found(reading: Reading) -> Iterator[Near]:
    """All that is nearly a reference in Actions."""
    # What is a reference is none of ours; as many characters stay in its place.
    rest = list(reading.text.actions.translate(_NARROW))
    for reference in reading.references:
        rest[reference.start : reference.end] = "\n" * (reference.end - reference.start)
    for match in _NEARLY.finditer("".join(rest)):
        form, name, kind = str(match.lastgroup), match[str(match.lastgroup)], ""
        if form == "double" and (spelt := _KIND.fullmatch(name)):
            kind, name = spelt.groups()
            kind = "" if kind.lower() in _OWN_KINDS else kind
        if form in _IN_DOUBLE_BRACES or reading.spelt(name):
            yield Near(*match.span(), name, kind, form in ("quoted", "bare"))


def meant(reading: Reading, written: str) -> str:
    """The template whose name is most like what is written; "" if none is like it."""
    name = re.sub(r"\W+", "_", written.strip()[:64]).strip("_")
    exact = reading.spelt(name) or reading.spelt(name.replace("_", "-"))
    if exact or not name:
        return exact
    names = {each.lower(): each for each in list(reading.text.names)[:MAX_LISTED]}
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    return names[close[0]] if close else ""


def mend(reading: Reading, near: Near | prompt.Reference) -> Mend | None:
    """A reference to the template that was meant, if there is one of such a name."""
    written = f"{{{{{meant(reading, near.name)}}}}}"
    return Mend(f"Write {written}", near.start, near.end, written) if written != "{{}}" else None
