"""What no text may give away: numbers of cards and accounts, keys, codes that prove who somebody is. Pure."""

from __future__ import annotations

import re

from sms import digits

# The first digits of each card scheme's numbers, and how many digits they have (ISO/IEC 7812).
_CARD = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|35\d{14}"
    r"|(?:6011|65|64|62|81)\d{12,17}|(?:50|5[6-9]|6\d)\d{10,17}"
)
_LEAST_CARD, _MOST_CARD = 12, 19
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Z0-9])")
# As the United States write a social security number.
_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}|\bmc_[\w-]{20,}|\bgh[pousr]_\w{20,}"
    r"|\bgithub_pat_\w{20,}|\bxox[abposr]-[\w-]{10,}|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"
    r"|\b(?:AC|SK)[0-9a-f]{32}\b|\beyJ[\w-]{8,}\.[\w-]{8,}\.|(?i:\bbearer\s+)[\w.~+/-]{16,}"
    # Nothing but a key or a digest has so many of these, or both letters and digits all along.
    r"|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{32,}\b"
)
# Without these there is none of it, and a caller waits. Those of digits are for texts that are folded().
# So many characters without a space between: the shortest key (xoxb-…).
_LEAST_KEY = 15
_KEY_BEGINS = "-----BEGIN"
_DIGITS_HINT = re.compile(r"[0-9](?:[ -]?[0-9]){2}")
_IBAN_HINT = re.compile(r"[A-Z][A-Z][0-9][0-9]")
_CODE_HINTS = ("code", "password", "token", "otp", "pin", "cvv", "cvc")
# A code that somebody must not pass on. One of a booking, a door or a voucher is none.
_CODE_NAME = (
    r"(?:verification|verify|one[- ]?time|security|login|log[- ]in|sign[- ]in|authentication|auth|2fa|mfa|"
    r"otp|access|pass)[- ]?(?:pass)?(?:code|password|pin|token)|otp|one[- ]?time (?:code|password)|"
    r"cv[vc]2?|pin"
)
_NAMED = re.compile(rf"\b(?:{_CODE_NAME})\b", re.IGNORECASE)
_CODE = re.compile(
    rf"\b(?:{_CODE_NAME})\b[^\w\n]{{0,3}}(?:(?:is|ist|es|for|your|to|the|now)\b[^\w\n]{{1,3}}){{0,3}}"
    r"(?:[A-Z]-)?\d{3,8}\b"
    rf"|\b(?:[A-Z]-)?\d(?:[ -]?\d){{3,7}}\s+is\s+your\s+(?:[\w-]+\s+){{0,3}}(?:{_CODE_NAME})\b",
    re.IGNORECASE,
)


def found(text: str) -> bool:
    """Whether a text gives any of it away, whatever its digits are written with."""
    return holds(text) or tells_code(text)


def holds(text: str) -> bool:
    """Whether a key stands in a text, or the number of a card, of an account or of somebody's social
    security."""
    if (max(map(len, text.split()), default=0) >= _LEAST_KEY or _KEY_BEGINS in text) and _KEY.search(text):
        return True
    plain = digits.folded(text)
    if not _DIGITS_HINT.search(plain):
        return False
    if plain.count("-") >= 2 and _SOCIAL.search(plain):
        return True
    if any(map(_holds_card, digits.runs(plain))):
        return True
    return bool(_IBAN_HINT.search(plain)) and any(_is_iban(match.group()) for match in _IBAN.finditer(plain))


def tells_code(text: str) -> bool:
    """Whether a text says a code with which somebody proves who they are."""
    plain = digits.folded(text)
    return bool(_DIGITS_HINT.search(plain) and names_code(plain) and _CODE.search(plain))


def names_code(text: str) -> bool:
    """Whether such a code is spoken of."""
    # IGNORECASE takes ı and ſ for i and s, too, and lower() does not.
    is_hinted = not text.isascii() or any(map(text.lower().__contains__, _CODE_HINTS))
    return is_hinted and bool(_NAMED.search(text))


def _holds_card(groups: list[str]) -> bool:
    for start in range(len(groups)):
        joined = ""
        for group in groups[start:]:
            joined += group.lstrip("+")
            if len(joined) > _MOST_CARD:
                break
            if len(joined) >= _LEAST_CARD and _CARD.fullmatch(joined) and _luhn(joined):
                return True
    return False


def _luhn(number: str) -> bool:
    """Whether the last digit is the one that the others ask for (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _is_iban(written: str) -> bool:
    """Whether it leaves 1 when divided by 97 (ISO 13616)."""
    number = re.sub(r"[ -]", "", written)
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1
