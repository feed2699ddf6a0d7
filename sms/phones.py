"""Phone numbers in a text: whatever its reader could call or text. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

import phonenumbers

from sms import digits, numbers

# A national number has seven digits at least, and none has more than 15 (E.164).
_LEAST, _MOST = 7, 15
# So many digits in a row, with no word between, say nothing that anybody reads.
_MOST_IN_RUN = 60
# Digits without a plus are read as an international number only from here on.
_LEAST_INTERNATIONAL = 11
# 1-800-FLOWERS, 1 900 HOT TALK.
_LETTERED = re.compile(
    r"(?<!\d)(?:1[-. ]?\(?[2-9]\d\d\)?[-. ]?|\(?(?:8(?:00|33|44|55|66|77|88)|900)\)?[-.])"
    r"(?=[A-Z\d-]*[A-Z])(?:[A-Z\d][- ]?){6,}[A-Z\d](?![a-z])"
)
# Without these there is none of it, and a caller waits.
_HINT = re.compile(r"[0-9]{3}")
_LETTERED_HINT = re.compile(r"[0-9][-. )]*[A-Z]")
# No other character counts as a t or an o.
_TEXT_TO_HINT = "to"
_SHORT = re.compile(r"[0-9]{3,6}")
# Short codes are not told from other numbers but by what one is to do with them.
_TEXT_TO = re.compile(
    r"\b(?:text|txt|sms|send|reply|message)\s+\W?\w+\W?\s+to\s+(?:the\s+)?(?:number\s+)?(\d{3,6})(?!\d)", re.I
)


def listed(written: str) -> str:
    """A number that texts may hold as it is listed: in E.164, or a short code. Raises numbers.NotANumber."""
    return written.strip() if _SHORT.fullmatch(written.strip()) else numbers.parse(written.strip())


def strange(text: str, region: str, known: Collection[str]) -> str:
    """The first phone number in a text that is none of the `known` ones; "" if there is none.

    In E.164, or as it is written where that is no whole number. Local numbers are those of a region (ISO
    3166). Numbers are found whatever separates their digits, in digits of other scripts and in words.
    """
    return next((each for each in _found(text, region, known) if each not in known), "")


def found(text: str, region: str) -> set[str]:
    """All phone numbers in a text."""
    return set(_found(text, region, ()))


def _found(text: str, region: str, known: Collection[str]) -> Iterator[str]:
    plain = digits.folded(text)
    if _HINT.search(plain):
        if _TEXT_TO_HINT in plain.lower():
            yield from (match.group(1) for match in _TEXT_TO.finditer(plain))
        if _LETTERED_HINT.search(plain):
            yield from (match.group() for match in _LETTERED.finditer(plain))
    for groups in digits.runs(plain):
        yield from _in_run(groups, region, known)


def _in_run(groups: list[str], region: str, known: Collection[str]) -> Iterator[str]:
    if sum(map(len, groups)) > _MOST_IN_RUN:
        yield "".join(groups)
        return
    start = 0
    while start < len(groups):
        ways = list(_starting(groups, start, region))
        # What is known goes first: with the digits behind it, it might be somebody else's.
        end, number = next((each for each in ways if each[1] in known), (ways or [(start + 1, "")])[-1])
        if number:
            yield number
        start = end


def _starting(groups: list[str], start: int, region: str) -> Iterator[tuple[int, str]]:
    """The numbers that begin with a group, each with where it ends."""
    joined = ""
    for end in range(start, len(groups)):
        joined += groups[end]
        if len(joined) > _MOST + 3:
            return
        if len(joined) >= _LEAST:
            is_whole = start == 0 and end == len(groups) - 1
            if number := _read(joined, region, is_whole):
                yield end + 1, number


@lru_cache(maxsize=1024)
def _read(written: str, region: str, is_whole: bool) -> str:
    """The number that digits are, in E.164; "" if they are none."""
    ways = [written]
    if written.startswith("00"):
        ways.append("+" + written[2:])
    elif is_whole and not written.startswith("+") and len(written) >= _LEAST_INTERNATIONAL:
        ways.append("+" + written)
    for way in ways:
        try:
            number = phonenumbers.parse(way, region)
        except phonenumbers.NumberParseException:
            continue
        # With a plus somebody means it, whether its country has given it to anybody or not.
        is_one = phonenumbers.is_possible_number if written.startswith("+") else phonenumbers.is_valid_number
        if is_one(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return ""
