"""Digits in a text as a reader takes them, whatever they are written with. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# What stands for a digit among digits.
_LETTERS = str.maketrans("oOlI|", "00111")
# Of ASCII, like _HINT: [0-9] is found many times as fast as \d, and a digit sooner than one of these letters.
_MIXED_HINT = re.compile(r"[0-9](?:(?=[oOlI|])|(?<=[oOlI|][0-9]))")
_MIXED = re.compile(r"(?<![^\W_])(?=[oOlI|]*\d)[\doOlI|]{3,}(?![^\W_])")
_WORDS = {
    **{"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6"},
    **{"seven": "7", "eight": "8", "nine": "9"},
    **{"cero": "0", "uno": "1", "dos": "2", "tres": "3", "cuatro": "4", "cinco": "5", "seis": "6"},
    **{"siete": "7", "ocho": "8", "nueve": "9"},
}
_SPOKEN = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_DIGIT = re.compile("[0-9]")
# So many words for digits stand in no sentence that means something else.
_LEAST_SPOKEN = 3
# When something is, and what it costs.
_NO_NUMBER = re.compile(
    r"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d)(?:[ T,]{1,2}[0-2]?\d:[0-5]\d)?"
    r"|(?<![\d-])(?<!\d[ ./_])[0-3]?\d([/.])[0-3]?\d\1(?:19|20)?\d\d(?![-./_]?\d)"
    r"|(?<![\d:])[0-2]?\d:[0-5]\d(?!:?\d)"
    r"|[$€£]\s?\d{1,3}(?:,\d{3})*(?:\.\d\d)?(?![-.,]?\d)"
)
# Whatever stands between two digits of one number is no letter, and short.
_RUN = re.compile(r"\+?\d(?:[^0-9A-Za-z]{0,3}\d){6,}")
_HINT = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,3}[0-9oOlI|]){6}")


def may_stand_in(text: str) -> bool:
    """Whether anything in a text could be read as a digit; most texts are rid of with this."""
    return not text.isascii() or bool(_DIGIT.search(text) or _SPOKEN.search(text))


@lru_cache(maxsize=8)
def folded(text: str) -> str:
    """The text with the digits of all scripts, and what is taken for digits or says one, as 0 to 9."""
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKC", text)))
    if _says_digits(text):
        text = _SPOKEN.sub(lambda match: _WORDS[match.group().lower()], text)
    if not _MIXED_HINT.search(text):
        return text
    return _MIXED.sub(lambda match: match.group().translate(_LETTERS), text)


def _says_digits(text: str) -> bool:
    # Counting is many times as fast as the expression, and a caller waits.
    lowered = text.lower()
    if sum(map(lowered.count, _WORDS)) < _LEAST_SPOKEN:
        return False
    return len(_SPOKEN.findall(text)) >= _LEAST_SPOKEN


def _plain(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return "" if unicodedata.category(char) in ("Cf", "Mn", "Me") else char


def runs(text: str) -> list[list[str]]:
    """The groups of digits that may be one number, seven digits or more, of a text as folded() has it; a plus
    stands before the first of them, or none does. When something is and what it costs is no number."""
    if not _HINT.search(text):
        return []
    return [
        re.findall(r"\+?\d+", _RUN_MARKS.sub(" ", match.group()))
        for match in _RUN.finditer(_NO_NUMBER.sub("x", text))
    ]


# A plus within a run belongs to nothing.
_RUN_MARKS = re.compile(r"(?<=.)\+", re.DOTALL)
