"""Words that a text must not hold, however they are written. Pure.

Found whatever their capitals and accents, with letters that only look like theirs, with invisible characters
in between, and taken apart letter by letter. Only whole words: “class” holds no “ass”.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_lowercase

from sms import text

WORD_CHARACTERS = 60

# Letters of other alphabets that are taken for Latin ones (from Unicode Technical Standard 39). Words of
# those alphabets are found all the same: both sides are read so. Then letters in circles, in squares and of
# flags.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁԍһӏвкмнтгьαβεικνορτυχηωıøłđɑɡɪɩƅօոսհᴀʙᴄᴅᴇɢʜᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢꜰ",
    "aeopcyxijsdghlbkmhtrbabeikvoptuxnwioldagiibonuhabcdeghjklmnoprstuvwyzf",
) | {first + at: letter for first in (0x1F150, 0x1F170, 0x1F1E6) for at, letter in enumerate(ascii_lowercase)}
# What stands for a letter among letters.
_STANDS_FOR = {
    "a": "a4@",
    "b": "b8",
    "e": "e3",
    "g": "g9",
    "i": "i1l!|",
    "l": "l1i|",
    "o": "o0",
    "s": "s5$",
    "t": "t7+",
    "z": "z2",
}
# Between the letters of one word, and between letters that are set apart; none of them stands for a letter.
_IN_WORD = r"[-._*'’·]{0,2}"
_APART = r"(?:_|[^\w!|@$+]){1,3}"
# Scripts that put no space between words.
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# Fewer letters, set apart, stand in too many texts: “a b”.
_LEAST_APART = 3


class NotAWord(ValueError):
    """Nothing in it could be looked for; the message says what to write."""


def check(written: str) -> None:
    """Raise NotAWord for what has no letters or digits, or other signs than stand in words."""
    if not re.fullmatch(r"[\w\s'’.-]+", _folded(written)) or not re.search(r"[^\W_]", written):
        raise NotAWord("Write a word, or a few: letters and digits, with hyphens and apostrophes if need be.")


class Forbidden:
    """Some words, compiled: looking for all of them takes time linear in the text's length."""

    def __init__(self, words: Sequence[str]) -> None:
        self._each = [(word, re.compile(_any([word]))) for word in words]
        # One for all of them: most texts hold none, and a caller waits.
        self._any = re.compile(_any(words)) if words else None

    def found(self, written: str) -> str:
        """The first of the list that stands in a text, as the list has it; "" if none does."""
        if self._any is None:
            return ""
        folded = _folded(written)
        if not self._any.search(folded):
            return ""
        return next((word for word, pattern in self._each if _stands(word, pattern, folded)), "")


def _stands(word: str, pattern: re.Pattern[str], folded: str) -> bool:
    # “50” is no “so”.
    is_number = text.bare(word).isdecimal()
    found = (match.group() for match in pattern.finditer(folded))
    return any(is_number or any(map(str.isalpha, each)) for each in found)


def _folded(written: str) -> str:
    return text.bare(written).translate(_LOOK_ALIKES)


def _any(words: Sequence[str]) -> str:
    """The expression for whichever of some words, in all ways in which they may be written."""
    spaced = [way for word in words if not _NO_SPACES.search(word) for way in _ways(word)]
    others = [way for word in words if _NO_SPACES.search(word) for way in _ways(word)]
    # What they begin with is looked at first where no groups stand in between.
    parts = [rf"(?<![^\W_])(?:{'|'.join(spaced)})(?![^\W_])"] if spaced else []
    return "|".join(parts + others)


def _ways(word: str) -> Iterator[str]:
    parts = [re.sub(r"[\W_]+", "", part) for part in _folded(word).split()]
    letters = "".join(parts)
    yield _APART.join(_IN_WORD.join(map(_either, part)) for part in parts if part)
    if len(letters) >= _LEAST_APART:
        yield _APART.join(map(_either, letters))


def _either(letter: str) -> str:
    return f"[{re.escape(_STANDS_FOR[letter])}]" if letter in _STANDS_FOR else re.escape(letter)
