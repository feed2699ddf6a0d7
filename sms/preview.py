"""What callers will receive of a template while somebody writes it, and what it costs.

Nothing here is stored, and whatever stands in the template, however unfinished, gets an answer.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from sms import languages, patterns, text
from sms.models import SmsTemplate, Variable
from sms.validators import validate_body

MAX_CHARACTERS_LISTED = 8
# So many without a like in GSM-7 are pointed at one by one.
MAX_LASTING_LISTED = 3

# What stands in a preview for what the call would say.
_FROM_THE_CALL = {
    Variable.Source.CALLER_NUMBER: "+1 415-555-0123",
    Variable.Source.CALLER_NAME: "Sam Rivera",
    Variable.Source.CAMPAIGN: "Your campaign",
}
# The example that a description gives: “The day of the booking, such as Friday 3 May”.
_GIVEN = re.compile(r"\b(?:such as|for example|e\.g\.|like)[,:]?\s+[“\"']?([^“”\"';()]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """One text of a template: what it says, in which language, and in which input of the form it stands."""

    body: str
    language: str
    field: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A variable as a preview has it: its value, and the input that a person wrote it in, if one did."""

    variable: Variable
    value: str
    field: str = ""


def example(variable: Variable, tries_pattern: bool = True) -> str:
    """What might stand there, where nobody wrote an example.

    It suits the variable's pattern if that is tried, which may take some 20 ms, and if one is found.
    """
    if variable.is_fixed:
        return variable.fixed_text
    if variable.source in _FROM_THE_CALL:
        return _FROM_THE_CALL[Variable.Source(variable.source)]
    given = _GIVEN.search(variable.description)
    found = variable.default or (given.group(1).strip().rstrip(".,") if given else "") or variable.words
    found = found[: variable.max_characters]
    if tries_pattern and variable.pattern and not patterns.compiled(variable.pattern).fullmatch(found):
        return patterns.example(variable.pattern) or found
    return found


def shown(template: SmsTemplate, written: Written, filled: Mapping[str, Filled]) -> SafeString:
    """One text as the template's page shows it. `filled` has all variables that stand in it."""
    body = written.body
    if len(body) > text.MAX_BODY_CHARACTERS:
        # Counting takes time, and this is never sent.
        return render_to_string("sms/preview.html", {"problems": _problems(body)})
    here = {name: filled[name] for name in text.placeholders(body)}
    values = {name: each.value for name, each in here.items()}
    size = text.size(text.fill(body, values))
    level, reach = _reach(template, body, [each.variable for each in here.values()])
    odd = _odd(written, here)
    lasting = [each for each in odd if not each["label"]]
    if len(lasting) > MAX_LASTING_LISTED:
        # A text in another script: one knows that.
        odd = [each for each in odd if each["label"]]
    else:
        lasting = []
    context = {
        "problems": _problems(body),
        "language": written.language,
        "pieces": list(_pieces(body, values, with_lasting=not lasting)),
        "count": f"{_characters(size.characters)} · {_segments(size.segments)} ({size.encoding})"
        + (" · with the values shown" if here else ""),
        "level": level,
        "reach": reach,
        "is_odd": size.encoding == "UCS-2",
        "odd": odd[:MAX_CHARACTERS_LISTED],
        "more": len(odd) - MAX_CHARACTERS_LISTED,
        "lasting": [each["char"] for each in lasting if each["char"]][:MAX_CHARACTERS_LISTED],
        "mend": _all_at_once(odd, size, written, here),
    }
    return render_to_string("sms/preview.html", context)


def said(template: SmsTemplate, written: Written, filled: Mapping[str, Filled]) -> str:
    """What somebody who does not see the page is told of a text when it changes."""
    if len(written.body) > text.MAX_BODY_CHARACTERS:
        return " ".join(_problems(written.body))
    here = [filled[name] for name in text.placeholders(written.body)]
    size = text.size(text.fill(written.body, {each.variable.name: each.value for each in here}))
    _, reach = _reach(template, written.body, [each.variable for each in here])
    return f"{_segments(size.segments)} ({size.encoding}). {reach}" if written.body else ""


def _problems(body: str) -> list[str]:
    try:
        validate_body(body)
    except ValidationError as error:
        return error.messages
    return []


# --- How much it takes --------------------------------------------------------------------------------------


def _reach(template: SmsTemplate, body: str, variables: Sequence[Variable]) -> tuple[str, str]:
    """How many segments it can take, against how many it may, as a tone and in words."""
    cap = template.max_segments
    usually = {each.name: each.longest("a") for each in variables}
    ever = {each.name: each.longest() for each in variables}
    largest = text.largest(body, usually, ever)
    least, most = largest.usually.segments, largest.ever.segments
    allowed = f"the most is {cap}."
    if all(each.is_fixed for each in variables):
        if most > cap:
            return "bad", f"{_segments(most)}, and {allowed} Make it shorter, or allow more."
        return "plain", f"Always {_segments(most)}; {allowed}"
    if least > cap:
        return "bad", (
            f"Up to {_segments(least)} with values as long as they may be, and {allowed} A text "
            "that takes more is not sent: the agent is told to write shorter."
        )
    usual = f"Usually {_segments(least)}" if least == 1 else f"Usually {_segments(least)} at most"
    if most == least:
        return "plain", f"{usual}, whatever is filled in; {allowed}"
    reach = f"{usual}; up to {most} if {_cause(variables)}"
    if most > cap:
        return (
            "plain",
            f"{reach}. What takes more than {cap} is not sent: the agent is told to write shorter.",
        )
    return "plain", f"{reach}; {allowed}"


def _cause(variables: Sequence[Variable]) -> str:
    """What makes a text larger than usual."""
    widths = {
        is_asked_for: max(
            (_widest(each) for each in variables if each.is_asked_for == is_asked_for), default=0
        )
        for is_asked_for in (True, False)
    }
    if width := widths[True]:
        return "the agent writes " + ("signs that count twice", "letters such as ж", "emoji")[width - 1]
    return "a name has letters such as ж"


def _widest(variable: Variable) -> int:
    return max((patterns.width_of(char) for char in set(variable.longest())), default=0)


def _segments(count: int) -> str:
    return f"{count} segment" if count == 1 else f"{count} segments"


def _characters(count: int) -> str:
    return f"{count} character" if count == 1 else f"{count} characters"


# --- The bubble ---------------------------------------------------------------------------------------------


def _pieces(body: str, values: Mapping[str, str], with_lasting: bool) -> Iterator[dict[str, Any]]:
    """The text in runs that look alike: what is filled in, and what makes it UCS-2, stand out.

    Of the latter, what nothing can replace does so `with_lasting` only.
    """
    for place, part in enumerate(text.parts(body)):
        is_value = place % 2 == 1
        for run, is_odd in _runs(values[part] if is_value else part, with_lasting):
            yield {"text": run, "is_value": is_value, "is_odd": is_odd}


def _runs(piece: str, with_lasting: bool) -> Iterator[tuple[str, bool]]:
    pointed_at = [each for each in text.foreign(piece) if with_lasting or each.plain is not None]
    odd = {place for each in pointed_at for start in each.starts for place in _range(start, each.char)}
    for is_odd, run in groupby(enumerate(piece), key=lambda item: item[0] in odd):
        yield "".join(char for _, char in run), is_odd


def _range(start: int, char: str) -> range:
    return range(start, start + len(char))


# --- What makes it UCS-2 ------------------------------------------------------------------------------------


def _odd(written: Written, filled: Mapping[str, Filled]) -> list[dict[str, Any]]:
    """The characters that make it UCS-2, each with where it stands and what may stand there."""
    places = [(written.field, written.body, "")]
    places += [(each.field, each.value, name) for name, each in filled.items() if each.field]
    return [
        _pointed_at(each, units, field, name)
        for field, value, name in places
        for units in [_units(value)]
        for each in text.foreign(value)
    ]


def _pointed_at(each: text.Foreign, units: Sequence[int], field: str, variable: str) -> dict[str, Any]:
    starts = [units[start] for start in each.starts]
    length = _units(each.char)[-1]
    changes = [[start, start + length, each.plain] for start in starts]
    return {
        "char": _visible(each.char),
        "name": _name(each.char),
        "times": len(starts),
        "where": f"in the fixed text of {variable}" if variable else "",
        "label": _label(each),
        "reads_same": each.reads_same,
        "field": field,
        "starts": starts,
        "length": length,
        "changes": changes,
        "edits": json.dumps({field: changes}),
    }


def _units(value: str) -> list[int]:
    """Where each character starts, and the text ends, as JavaScript counts: in UTF-16 code units."""
    return list(accumulate((2 if char > "\uffff" else 1 for char in value), initial=0))


def _all_at_once(
    odd: Sequence[dict[str, Any]], size: text.Size, written: Written, filled: Mapping[str, Filled]
) -> dict[str, Any] | None:
    """One button for all that reads the same in GSM-7, and what is won by it."""
    alike = [each for each in odd if each["reads_same"]]
    if not alike:
        return None
    edits: dict[str, list[list[Any]]] = {}
    for each in alike:
        edits.setdefault(each["field"], []).extend(each["changes"])
    values = {name: _plain(each.value) if each.field else each.value for name, each in filled.items()}
    after = text.size(text.fill(_plain(written.body), values))
    count = sum(each["times"] for each in alike)
    won = after.segments < size.segments
    return {
        "label": f"Replace all {count}" if count > 1 else "",
        "edits": json.dumps(edits),
        "won": f"That makes {_segments(after.segments)} of {size.segments}." if won else "",
    }


def _plain(value: str) -> str:
    for each in text.foreign(value):
        if each.reads_same and each.plain is not None:
            value = value.replace(each.char, each.plain)
    return value


# What people call what word processors put in; Unicode has longer names.
_NAMES = {
    "‘": "curly apostrophe",
    "’": "curly apostrophe",
    "“": "curly quote",
    "”": "curly quote",
    "`": "backtick",
    "´": "acute accent",
    "–": "short dash",
    "—": "long dash",
    "…": "ellipsis",
    "•": "bullet",
    "\t": "tab",
    "\u00a0": "hard space",
    "\u202f": "narrow hard space",
    "\u00ad": "soft hyphen",
    "\u200b": "space of no width",
}
_IN_WORDS = {" ": "a space", "\n": "a line break"}


def _label(each: text.Foreign) -> str:
    if each.plain is None:
        return ""
    if not each.plain:
        return "Leave it out"
    return f"Replace with {_IN_WORDS.get(each.plain, each.plain)}"


def _visible(char: str) -> str:
    return char if char[0].isprintable() and not char[0].isspace() else ""


def _name(char: str) -> str:
    name = _NAMES.get(char) or unicodedata.name(char[0], f"character U+{ord(char[0]):04X}").lower()
    return f"{name} with a mark apart from it" if char[0] in text.GSM else name


# --- Which text is sent in which call -----------------------------------------------------------------------


def languages_of(template: SmsTemplate) -> SafeString:
    """Which text is sent in which call, in words."""
    own, *written = template.bodies()
    others = [tag for tag in written if _is_tag(tag)]
    rules = [
        {
            "language": _called(tag),
            "text": languages.name(tag),
            "of": ""
            if "-" in tag
            else "any other"
            if any(each.startswith(f"{tag}-") for each in others)
            else "any",
        }
        for tag in sorted(others, key=len, reverse=True)
    ]
    context = {"own": languages.name(own), "rules": rules}
    return render_to_string("sms/languages.html", context)


def _is_tag(written: str) -> bool:
    try:
        return languages.parse(written) == written
    except languages.NotALanguage:
        return False


def _called(tag: str) -> str:
    name = languages.name(tag)
    return name if name == tag else f"{name} ({tag})"
