"""The text of an SMS: placeholders, filling, characters that may be sent, segments. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import smsutil
from smsutil import GSM_EXT_CHARSET
from smsutil import GSM_MULTI_PART_BYTES as EACH_PART
from smsutil import GSM_SINGLE_PART_BYTES as ONE_PART
from smsutil.codecs import GSM_CHARSET

# Twilio refuses longer bodies (error 21617).
MAX_BODY_CHARACTERS = 1600
MAX_VALUE_CHARACTERS = 300
# That many are shorter than the longest body, in either encoding.
MAX_SEGMENTS = 10

# The characters of GSM-7, with those of its extension table; the escape itself is none.
GSM = frozenset(GSM_CHARSET) - {"\x1b"}

_ONE_SEPTET_EACH = re.compile(f"[{re.escape(''.join(sorted(GSM - set(GSM_EXT_CHARSET))))}]*")

# A variable's name is a JSON property that a model fills, so it is plain ASCII.
VARIABLE_CHARACTERS = 64
# Scripts of the template's page read it, too.
PLACEHOLDER = r"\{\{\s*([A-Za-z][A-Za-z0-9_]{0,63})\s*\}\}"
_PLACEHOLDER = re.compile(PLACEHOLDER)
_BRACES = re.compile(r"\{\{|\}\}")

# What reads the same in GSM-7.
_PLAIN = {
    **dict.fromkeys("‘’‚‛′‵ʹʻʼˈ`´", "'"),
    **dict.fromkeys("“”„‟″‶«»〝〞", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃", "-"),
    **dict.fromkeys("•‣·●▪◦", "-"),
    **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " "),
    **{chr(point): " " for point in range(0x2000, 0x200B)},
    **dict.fromkeys("\u00ad\u200b\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029", "\n"),
    "⁄": "/",
    "→": "->",
    "←": "<-",
    "×": "x",
    "©": "(c)",
    "®": "(R)",
}
_JOINER = "\u200d"

# What shows nothing, or a blank, though Unicode counts it among letters and signs.
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")

NO_LINK = "I can't put a web address into that text. I'll leave it out."
CANNOT_BE_TEXTED = "There is something in it that can't be texted. I'll write it differently."


class CannotBeSent(ValueError):
    """The text holds something no phone should get; the message says what, in plain words."""


class CannotBeFilled(ValueError):
    """A value does not suit its variable; the message says why and what to write, `say` is for the caller."""

    def __init__(self, problem: str, say: str) -> None:
        super().__init__(problem)
        self.say = say


class HoldsLink(CannotBeFilled):
    """A value carries a link, or what a phone would make one of, and its variable allows none."""


@dataclass(frozen=True, slots=True)
class Size:
    """How carriers count a text. `encoding` is "GSM-7" (160 characters, 153 each when several) or "UCS-2"
    (70 and 67)."""

    characters: int
    encoding: str
    segments: int


@dataclass(frozen=True, slots=True)
class Largest:
    """How large a text can become: `usually`, with plain letters (GSM-7) as values, and `ever`, with the
    widest characters that its values may hold."""

    usually: Size
    ever: Size


@dataclass(frozen=True, slots=True)
class Foreign:
    """What makes a text UCS-2: a character, with the marks that belong to it, and where it stands.

    `plain` may stand there instead; None if nothing does. `reads_same` is False where that changes the
    spelling.
    """

    char: str
    starts: tuple[int, ...]
    plain: str | None
    reads_same: bool


def placeholders(body: str) -> list[str]:
    """The names of the variables in a template's body, in the order of their first use."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(body)))


def malformed_placeholders(body: str) -> bool:
    """Whether double braces stand in the body that are no placeholder: the caller would receive them."""
    return bool(_BRACES.search(_PLACEHOLDER.sub("", body)))


def fill(body: str, values: Mapping[str, str]) -> str:
    """The body with each placeholder replaced by its value, once and literally: nothing in a value is
    interpreted. Raises KeyError for a variable without a value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], body)


def parts(body: str) -> list[str]:
    """The body in pieces: text and the name of a placeholder in turn, with text at both ends."""
    return _PLACEHOLDER.split(body)


def one_line_break(text: str) -> str:
    """The text with line breaks as phones count them: a browser's form sends two characters for each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of the text: spaces, invisible characters, and such as have no look
    that phones agree on (private use)."""
    return all(
        char.isspace() or char in _UNSEEN or unicodedata.category(char) in ("Cf", "Cn", "Co", "Mn", "Me")
        for char in text
    )


def bare(text: str) -> str:
    """The text as its words are compared: without capitals, accents and what nobody sees."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text)
    seen = "".join(
        char for char in plain if char not in _UNSEEN and unicodedata.category(char) not in ("Cf", "Me", "Mn")
    )
    return seen.casefold()


def refuse_unsendable(text: str) -> None:
    """Raise CannotBeSent for characters that no phone should get.

    Lone surrogates and NUL cannot be stored or sent; other control characters and bidirectional overrides
    make a text read otherwise than it is written (Unicode Technical Report 36).
    """
    if text.isprintable():
        return
    for char in text:
        if char in "\n\r\t":
            continue
        category = unicodedata.category(char)
        if category == "Cs":
            raise CannotBeSent("The text holds half a character (a lone surrogate).")
        if category == "Cc":
            raise CannotBeSent("The text holds a control character.")
        if "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069":
            raise CannotBeSent("The text holds a character that changes the direction of reading.")


# Pictures of flags whose letters nobody sees.
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
# Signs of Arabic and its kin that are seen, though Unicode counts them among those that are not.
_SEEN_FORMATS = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f")
_NON_JOINER = "\u200c"
# Letters of scripts that join them, pictures, and the marks of both.
_KEYS = tuple("0123456789#*")
_JOINED = ("Lo", "Lm", "Mc", "Me", "Mn", "Sk", "So")


def hides(text: str) -> bool:
    """Whether characters stand in it that nobody sees, where no script or picture needs them.

    With them words are hidden from filters, and orders from people. Scripts join and part their letters by
    such characters, pictures are made of several, and marks of direction belong into texts with letters that
    run from right to left (Unicode Technical Report 36).
    """
    if text.isascii():
        return False
    bare = _SEEN_FORMATS.sub("", _FLAG.sub("", text))
    return any(_is_hidden(bare, place) for place, char in enumerate(bare) if char > "\u00a0")


def _is_hidden(text: str, place: int) -> bool:
    char, before = text[place], text[place - 1] if place else ""
    if char in _DIRECTION_MARKS:
        return not any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)
    if char in (_JOINER, _NON_JOINER):
        around = (before, text[place + 1 : place + 2])
        return not all(each and unicodedata.category(each) in _JOINED for each in around)
    if "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        # One of the looks that the character before it has.
        kind = unicodedata.category(before) if before else ""
        return not (kind in ("Lo", "Lm") or kind[:1] in ("P", "S") or before in _KEYS)
    return char in _UNSEEN or char in "\u034f\u17b4\u17b5" or unicodedata.category(char) == "Cf"


def outside_gsm(text: str) -> str:
    """The characters, once each, that make the text UCS-2: without them it would hold 160 a segment."""
    return "".join(dict.fromkeys(char for char in text if char not in GSM))


def foreign(text: str) -> list[Foreign]:
    """What makes the text UCS-2, in the order of its first use, and what may stand there instead."""
    starts: dict[str, list[int]] = {}
    for start, char in _foreign_characters(text):
        starts.setdefault(char, []).append(start)
    return [Foreign(char, tuple(found), *_plain(char)) for char, found in starts.items()]


def _foreign_characters(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    while start < len(text):
        end = start + 1
        while end < len(text) and (_belongs_to(text[end]) or text[end - 1] == _JOINER):
            end += 1
        if not GSM.issuperset(text[start:end]):
            yield start, text[start:end]
        start = end


def _belongs_to(char: str) -> bool:
    """Whether it changes the character before it: an accent, a joiner, the colour of a skin."""
    return char > "\u02ff" and (
        char == _JOINER or unicodedata.category(char) in ("Mn", "Me") or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


def _plain(char: str) -> tuple[str | None, bool]:
    """What GSM-7 has in place of a character, or None, and whether it reads the same."""
    composed = "".join(_PLAIN.get(each, each) for each in unicodedata.normalize("NFC", char))
    if not GSM.issuperset(composed):
        folded = unicodedata.normalize("NFKC", char)
        composed = "".join(_PLAIN.get(each, each) for each in folded)
    if GSM.issuperset(composed):
        return composed, True
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", char) if unicodedata.category(each) not in ("Mn", "Me")
    )
    return (bare, False) if bare and GSM.issuperset(bare) else (None, False)


def most_characters(segments: int) -> int:
    """How many characters fit into so many segments, where all of them are in GSM-7."""
    most: int = ONE_PART if segments == 1 else segments * EACH_PART
    return min(most, MAX_BODY_CHARACTERS)


def size(text: str) -> Size:
    """Characters, encoding and segments as carriers count them (3GPP TS 23.038)."""
    if _ONE_SEPTET_EACH.fullmatch(text):
        # Nothing in it can be cut, so it need not be split, which takes twenty times as long.
        segments = 1 if len(text) <= ONE_PART else -(-len(text) // EACH_PART)
        return Size(characters=len(text), encoding="GSM-7", segments=segments)
    split = smsutil.split(text)
    encoding = "GSM-7" if split.encoding == "gsm0338" else "UCS-2"
    return Size(characters=len(text), encoding=encoding, segments=max(1, len(split.parts)))


def largest(body: str, usually: Mapping[str, str], ever: Mapping[str, str]) -> Largest:
    """How large the body can become, given each variable's longest value: in plain letters, and in the widest
    characters that it may hold. No other values of that many characters take more segments."""
    return Largest(size(fill(body, usually)), size(fill(body, ever)))
