"""Countries as phone numbers know them: their names, and their codes to call. Pure."""

from __future__ import annotations

import phonenumbers
from phonenumbers.geodata.locale import LOCALE_DATA

# What the names of phonenumbers lack.
_NAMED_HERE = {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}


def _name(region: str) -> str:
    names = LOCALE_DATA.get(region, {})
    found = names.get("en", _NAMED_HERE.get(region, region))
    # “*aa” stands for what it is called in that language.
    return names[found[1:]] if found.startswith("*") else found


# English names by ISO 3166 code, in the order of the names.
NAMES: dict[str, str] = dict(
    sorted(((each, _name(each)) for each in phonenumbers.SUPPORTED_REGIONS), key=lambda pair: pair[1])
)


def named(regions: list[str]) -> str:
    """Countries by their names, as one reads them."""
    return ", ".join(NAMES.get(each, each) for each in regions)


def calling_code(region: str) -> str:
    """What its numbers begin with: "+44"."""
    return f"+{phonenumbers.country_code_for_region(region)}"
