"""Patterns for what an agent may fill in: the part of regular expressions that is safe to try, and that
every runtime reads alike. Pure."""

from __future__ import annotations

import re
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import smsutil

from sms import text

# A matcher that goes back tries each way at most once, and takes some nanoseconds for each step on it: some
# 20 ms at most.
MAX_WAYS = 250_000
MAX_STEPS = 4_000_000

# One character of each width, from the narrowest: one septet, two septets, a code unit of UCS-2, and two.
WIDTHS = "a€ж😀"


class UnusablePattern(ValueError):
    """The pattern cannot be stored; the message says why, and what to write instead."""


def check(pattern: str, max_characters: int) -> None:
    """Raise UnusablePattern for what is no pattern, what only Python reads, and what could take long.

    How long is known beforehand: the number of ways in which it can be laid over a value is bounded, and so
    are the steps on all of them, so none can be made that goes back forever (CWE-1333).
    """
    tree = _parsed(pattern)
    if tree.getwidth()[0] > max_characters:
        raise UnusablePattern(f"No value of up to {max_characters} characters fits this pattern.")
    ways = _ways(tree, max_characters)
    if ways > MAX_WAYS or ways * (1 + _steps(tree, max_characters)) > MAX_STEPS:
        raise UnusablePattern(
            "This pattern could take too long to check, because parts of it that repeat can be laid over a "
            "value in too many ways. Say how often a part may repeat ({1,3}), repeat single characters "
            "([A-Z0-9]+) rather than groups, or allow fewer characters."
        )


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, for fullmatch(). As in JavaScript, which runtimes use, \\d and \\w are of ASCII."""
    return re.compile(pattern, re.ASCII)


def in_schema(pattern: str) -> str:
    """The pattern as JSON schema has it: there it would match a part of a value, too."""
    return f"^(?:{pattern})$"


def widest(pattern: str) -> str:
    """The one of WIDTHS that takes as much room in a text as the widest character that may match."""
    return WIDTHS[_width(_parsed(pattern))] if pattern else WIDTHS[-1]


def example(pattern: str) -> str:
    """A short value that the whole pattern fits; "" if none is found."""
    found = _short(_parsed(pattern))
    fits = len(found) <= text.MAX_VALUE_CHARACTERS and found.isprintable()
    return found if fits and compiled(pattern).fullmatch(found) else ""


def width_of(char: str) -> int:
    """The place in WIDTHS of the one that takes as much room as the character."""
    if ord(char) > 0xFFFF:
        return 3
    if char not in text.GSM:
        return 2
    return 1 if char in smsutil.GSM_EXT_CHARSET else 0


def _parsed(pattern: str) -> Any:
    try:
        tree = parser.parse(pattern, re.ASCII)
        compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnusablePattern(f"This is not a pattern: {error}.") from error
    if tree.state.groupdict or tree.state.flags != re.ASCII or _UNSEEN.search(pattern):
        raise UnusablePattern(_FOREIGN)
    _refuse_foreign(tree)
    return tree


_FOREIGN = (
    "Only characters, classes ([A-Z0-9]), groups, alternatives (a|b) and repeats ({0,4}) can be used: not "
    "every runtime reads the rest."
)
# What the parser takes and leaves no trace of, though JavaScript reads it otherwise or not at all.
_UNSEEN = re.compile(r"(?<!\\)(?:\\\\)*(?:\\[NUa0]|\{,|\[\^?\]|\(\?#)")
_SIMPLE = {code.LITERAL, code.NOT_LITERAL, code.ANY, code.IN}
_REPEATS = {code.MAX_REPEAT, code.MIN_REPEAT}


def _refuse_foreign(tree: Any) -> None:
    for operation, argument in tree:
        if operation is code.SUBPATTERN and not any(argument[1:3]):
            _refuse_foreign(argument[-1])
        elif operation in _REPEATS:
            _refuse_foreign(argument[2])
        elif operation is code.BRANCH:
            for branch in argument[1]:
                _refuse_foreign(branch)
        elif operation is code.AT and argument in (code.AT_BEGINNING, code.AT_END):
            continue
        elif operation not in _SIMPLE:
            raise UnusablePattern(_FOREIGN)


def _ways(tree: Any, longest: int) -> int:
    """In how many ways the tree can be laid over a value of up to `longest` characters, or more."""
    ways = 1
    for operation, argument in tree:
        ways *= _ways_of(operation, argument, longest)
        if ways > MAX_WAYS:
            break
    return ways


def _ways_of(operation: Any, argument: Any, longest: int) -> int:
    if operation is code.SUBPATTERN:
        return _ways(argument[-1], longest)
    if operation is code.BRANCH:
        return sum(_ways(branch, longest) for branch in argument[1])
    if operation not in _REPEATS:
        return 1
    least, most, repeated = argument
    each, total = _ways(repeated, longest), 0
    if repeated.getwidth()[0] == 0:
        # Nothing, once more, is another way: it can go on in one place for ever.
        each = max(each, 2)
    if least > longest and each > 1:
        return MAX_WAYS + 1
    for times in range(least, min(most, longest) + 1):
        total += min(each, MAX_WAYS + 1) ** times
        if total > MAX_WAYS:
            break
    return max(total, 1)


def _steps(tree: Any, longest: int) -> int:
    """How many steps one way takes at most: two for each group that is entered, four more where it repeats,
    and one for a single character that repeats. Others take next to nothing."""
    return sum(_steps_of(operation, argument, longest) for operation, argument in tree)


def _steps_of(operation: Any, argument: Any, longest: int) -> int:
    if operation is code.SUBPATTERN:
        return 2 + _steps(argument[-1], longest)
    if operation is code.BRANCH:
        return 2 + max(_steps(branch, longest) for branch in argument[1])
    if operation not in _REPEATS:
        return 0
    _, most, repeated = argument
    if len(repeated) == 1 and repeated[0][0] in _SIMPLE:
        return 1
    return min(int(most), longest) * (4 + _steps(repeated, longest))


def _width(tree: Any) -> int:
    return max((_width_of(operation, argument) for operation, argument in tree), default=0)


def _width_of(operation: Any, argument: Any) -> int:
    if operation is code.SUBPATTERN:
        return _width(argument[-1])
    if operation in _REPEATS:
        return _width(argument[2]) if argument[1] else 0
    if operation is code.BRANCH:
        return max(_width(branch) for branch in argument[1])
    if operation is code.LITERAL:
        return width_of(chr(argument))
    if operation is code.IN:
        return max(_width_in_class(*item) for item in argument)
    return 0 if operation is code.AT else len(WIDTHS) - 1


_NARROW = {code.CATEGORY_DIGIT, code.CATEGORY_WORD, code.CATEGORY_SPACE}


def _width_in_class(operation: Any, argument: Any) -> int:
    if operation is code.LITERAL:
        return width_of(chr(argument))
    if operation is code.CATEGORY and argument in _NARROW:
        return 0
    if operation is code.RANGE and argument[1] <= 0xFFFF:
        # All of GSM-7 has fewer characters than that.
        points = range(argument[0], min(argument[1] + 1, argument[0] + 256))
        return max(width_of(chr(point)) for point in points)
    return len(WIDTHS) - 1


# Tried in a class of characters, the plainest first.
_TRIED = "A1a -.,:/+#@_$€"
_NAMING = {code.LITERAL, code.RANGE}


def _short(tree: Any) -> str:
    return "".join(_short_of(operation, argument) for operation, argument in tree)


def _short_of(operation: Any, argument: Any) -> str:
    if operation is code.SUBPATTERN:
        return _short(argument[-1])
    if operation in _REPEATS:
        least, most, repeated = argument
        once, times = _short(repeated), int(max(least, min(most, 1)))
        # What no value has room for is not built, either.
        return once * min(times, text.MAX_VALUE_CHARACTERS // max(len(once), 1) + 1)
    if operation is code.BRANCH:
        return _short(argument[1][0])
    if operation is code.LITERAL:
        return chr(argument)
    if operation is code.AT:
        return ""
    # A class, a character that is excluded, or any.
    items = argument if operation is code.IN else [(operation, argument)]
    named = [chr(value[0] if item is code.RANGE else value) for item, value in items if item in _NAMING]
    return next((char for char in [*_TRIED, *named] if _fits(operation, argument, char)), "A")


_CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d",
    code.CATEGORY_NOT_DIGIT: r"\D",
    code.CATEGORY_WORD: r"\w",
    code.CATEGORY_NOT_WORD: r"\W",
    code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S",
}


def _fits(operation: Any, argument: Any, char: str) -> bool:
    if operation is code.ANY:
        return True
    if operation is code.NOT_LITERAL:
        return bool(ord(char) != argument)
    is_negated = bool(argument[0][0] is code.NEGATE)
    found = any(_is_in(item, value, char) for item, value in argument if item is not code.NEGATE)
    return found != is_negated


def _is_in(item: Any, value: Any, char: str) -> bool:
    if item is code.LITERAL:
        return bool(ord(char) == value)
    if item is code.RANGE:
        return bool(value[0] <= ord(char) <= value[1])
    return compiled(_CATEGORIES[value]).fullmatch(char) is not None
