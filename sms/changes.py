"""One value before and after, as people read it: what stays, what goes and what comes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property

# More than these are compared by lines: by words would take long, and read badly. More lines than these are
# shown before and after, and not compared.
MAX_WORDS = 1200
MAX_LINES = 400
# Parts that are alike, of one value: comparing goes through them again and again.
MAX_EFFORT = 200_000
# Of what stays the same in a text, so much around what does not; and so much of what comes or goes.
_AROUND = 120
_MOST_OF_NEW = 2000

Pieces = list[tuple[str, str]]


@dataclass(frozen=True)
class Change:
    """One value, before and after."""

    label: str
    before: str
    after: str

    def pieces(self, most: int = MAX_EFFORT) -> Iterator[tuple[str, str]]:
        """What stays ("="), what goes ("-") and what comes ("+"), in reading order.

        Where comparing takes more than `most` (see effort), all of it goes and all of it comes.
        """
        before, after = self._parts if self.effort <= most else ([self.before], [self.after])
        for kind, start, end, begin, finish in SequenceMatcher(None, before, after, False).get_opcodes():
            if kind == "equal":
                yield "=", "".join(before[start:end])
                continue
            if start < end:
                yield "-", "".join(before[start:end])
            if begin < finish:
                yield "+", "".join(after[begin:finish])

    @cached_property
    def effort(self) -> int:
        """How much comparing takes at most: how many parts are alike, one before and one after."""
        before, after = (Counter(parts) for parts in self._parts)
        return sum(count * after[part] for part, count in before.items())

    @cached_property
    def _parts(self) -> tuple[list[str], list[str]]:
        before, after = _words(self.before), _words(self.after)
        if len(before) + len(after) <= MAX_WORDS:
            return before, after
        before, after = self.before.splitlines(True), self.after.splitlines(True)
        return (before, after) if len(before) + len(after) <= MAX_LINES else ([self.before], [self.after])

    def new(self) -> tuple[str, Pieces, Pieces]:
        """The label, nothing before, and all that comes."""
        return self.label, [], [("=", _shortened(self.after, _MOST_OF_NEW // 2))]


@dataclass(slots=True)
class Comparing:
    """The changes of one page: they are compared for as long as `left` lasts, then shown before and after."""

    left: int = 10 * MAX_EFFORT

    def compared(self, change: Change) -> tuple[str, Pieces, Pieces]:
        """The label, and the pieces before and after."""
        most = min(self.left, MAX_EFFORT)
        self.left -= min(change.effort, most)
        pieces = [
            (sign, _shortened(piece, _AROUND if sign == "=" else _MOST_OF_NEW // 2))
            for sign, piece in change.pieces(most)
        ]
        before = [piece for piece in pieces if piece[0] != "+"] if change.before else []
        after = [piece for piece in pieces if piece[0] != "-"] if change.after else []
        return change.label, before, after


def _words(value: str) -> list[str]:
    # Each with the space before it: spaces by themselves are too much alike to be compared.
    return re.findall(r"\s*(?:\w+|[^\w\s])|\s+", value)


def _shortened(piece: str, around: int) -> str:
    return piece if len(piece) <= 3 * around else f"{piece[:around]} […] {piece[-around:]}"
