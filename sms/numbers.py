"""Phone numbers: parse, country, mask. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

# What a person writes as a number: digits, one leading plus, and the usual separators. phonenumbers itself
# reads letters, extensions and RFC 3966 parameters, and would drop an extension in silence.
_WRITTEN = re.compile(r"\+?[0-9 ().\-/]{5,25}")


# A number of the North American plan as runtimes send it. There is nothing to be read out of it, and the
# parser takes more time than all the rest that is done with a number.
_PLAIN_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")

# The first seven digits of a North American number tell its country and its kind.
_BLOCK_CHARACTERS = len("+14155550")

# The longest number as it is written in a text: 15 digits, a plus, and the spaces and dashes between.
WRITTEN_CHARACTERS = 24


class NotANumber(ValueError):
    """The text is not a phone number that could be texted; the message says why, in plain words."""


class CannotBeTexted(ValueError):
    """No text goes to numbers of this kind; the message says why, in plain words."""


# Whoever texts them pays more than for a text, or texts a machine.
_NO_PHONES = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    phonenumbers.PhoneNumberType.SHARED_COST: "a shared-cost number",
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: "a personal number that is dear to reach",
    phonenumbers.PhoneNumberType.PAGER: "a pager",
    phonenumbers.PhoneNumberType.UAN: "a company's number for all of its places",
    phonenumbers.PhoneNumberType.VOICEMAIL: "a voicemail box",
}


def parse(text: str, region: str | None = None) -> str:
    """The number in E.164, such as "+14155550123".

    `region` (ISO 3166, "US") reads local formats; without it the text must be international.
    Raises NotANumber.
    """
    return _read(text, None if text.startswith("+") else region)[0]


def dictated(text: str, region: str) -> str:
    """As parse(), for what a machine wrote down: it has no reason to use other digits than those of ASCII,
    nor characters that nobody sees. Raises NotANumber."""
    if not text.isascii():
        raise NotANumber("That is not a phone number: use the digits 0 to 9, with + and the country code.")
    return parse(text, region)


def country(e164: str) -> str:
    """The region that a number belongs to, as ISO 3166 ("JM" for +1 876), or "" if there is none."""
    try:
        return _read(e164, None)[1]
    except NotANumber:
        return ""


def refuse_untextable(e164: str) -> None:
    """Raise CannotBeTexted for a number that is surely no person's phone: it may be dear to text, and a text
    to it helps nobody."""
    if why := untextable(e164):
        raise CannotBeTexted(why)


def untextable(e164: str) -> str:
    """Why no text goes to a number, in plain words; "" if one may.

    By the numbering plans that phonenumbers knows. Landlines are not among them: some get texts, and which
    numbers have moved to a mobile phone no plan tells.
    """
    if _PLAIN_NORTH_AMERICAN.fullmatch(e164):
        return _block(e164[:_BLOCK_CHARACTERS])[1]
    return _judged(e164)


@lru_cache(maxsize=4096)
def _read(text: str, region: str | None) -> tuple[str, str]:
    """The number in E.164, and its country. Both at once: reading a number is what takes time."""
    if _PLAIN_NORTH_AMERICAN.fullmatch(text):
        return text, _block(text[:_BLOCK_CHARACTERS])[0]
    return _parsed(text, region)


def _parsed(text: str, region: str | None) -> tuple[str, str]:
    cleaned = "".join(
        char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf"
    ).strip()
    if not _WRITTEN.fullmatch(cleaned):
        raise NotANumber("That is not a phone number: use digits, with + and the country code in front.")
    try:
        number = phonenumbers.parse(cleaned, region)
    except phonenumbers.NumberParseException:
        raise NotANumber(
            "The country is missing: write the number with + and the country code in front."
        ) from None
    # Not is_possible_number(): it lets local numbers pass, whose area code is missing.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise NotANumber(
            "That number has too many or too few digits for its country (or lacks its area code)."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), _country(number)


def _country(number: phonenumbers.PhoneNumber) -> str:
    found = phonenumbers.region_code_for_number(number) or ""
    # "001" stands for what belongs to no country, such as satellite numbers.
    return found if found.isalpha() else ""


@lru_cache(maxsize=4096)
def is_in_plan(e164: str) -> bool:
    """Whether the numbering plan of its country has such a number. Plans change faster than what is known of
    them: of a number that somebody dictates one may ask it, and not of one that a network shows."""
    return phonenumbers.is_valid_number(phonenumbers.parse(e164))


@lru_cache(maxsize=16_384)
def _block(prefix: str) -> tuple[str, str]:
    """The country of all numbers of one block of a thousand ("+14155550"), and why none of them is texted."""
    any_of_them = phonenumbers.PhoneNumber(country_code=1, national_number=int(f"{prefix[2:]}000"))
    return _country(any_of_them), _why_not(any_of_them)


@lru_cache(maxsize=4096)
def _judged(e164: str) -> str:
    return _why_not(phonenumbers.parse(e164))


def _why_not(number: phonenumbers.PhoneNumber) -> str:
    if not _country(number):
        return (
            "That number belongs to no country: it is a satellite phone's or a service's, or not given to "
            "anybody. Use the number of a mobile phone."
        )
    what = _NO_PHONES.get(phonenumbers.number_type(number))
    return f"That is {what}, and no text goes there. Use the number of a mobile phone." if what else ""


def mask(e164: str) -> str:
    """The number as logs and answers may carry it: its last two digits."""
    return f"…{e164[-2:]}" if e164 else ""


@lru_cache(maxsize=4096)
def written(e164: str) -> str:
    """The number as it stands in a text, such as "+1 415-555-0123"."""
    return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def spoken(e164: str) -> str:
    """How an agent may say which number is meant, without giving it away: "the number ending in 4 2"."""
    return "the number ending in " + " ".join(e164[-2:])


@lru_cache(maxsize=1000)
def usual_rate(sender: str) -> int:
    """How many texts a second carriers take from a sender of this kind.

    Twilio's own limits where no other was agreed: long code 1, toll-free 3, alphanumeric 10, short code 100
    (https://help.twilio.com/articles/115002943027); a Messaging Service spreads over its numbers.
    """
    if sender.startswith("MG") or (sender.isdigit() and len(sender) < 9):
        return 100
    if not sender.startswith("+"):
        return 10
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(sender))
    except phonenumbers.NumberParseException:
        return 1
    return 3 if kind == phonenumbers.PhoneNumberType.TOLL_FREE else 1
