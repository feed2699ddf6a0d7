"""Countries as phone numbers know them: their names, and their codes to call. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import phonenumbers

# What the names of phonenumbers lack.
_NAMED_HERE = {"AC": "Ascension Island", "TA": "Tristan da Cunha", "XK": "Kosovo"}


def _names() -> dict[str, dict[str, str]]:
    """The names in all languages, by region. The package that they stand in loads, as a whole, what all area
    codes are called, which takes seconds and a hundred megabytes: here, their own file alone is read."""
    package: Any = find_spec("phonenumbers.geodata")
    file = Path(package.submodule_search_locations[0], "locale.py")
    spec: Any = spec_from_file_location("phonenumbers.geodata.locale", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, dict[str, str]] = module.LOCALE_DATA
    return found


def _in_english(region: str, names: dict[str, str]) -> str:
    found = names.get("en", _NAMED_HERE.get(region, region))
    # “*aa” stands for what it is called in that language.
    return names[found[1:]] if found.startswith("*") else found


def _listed() -> dict[str, str]:
    names = _names()
    found = ((each, _in_english(each, names.get(each, {}))) for each in phonenumbers.SUPPORTED_REGIONS)
    return dict(sorted(found, key=lambda pair: pair[1]))


# English names by ISO 3166 code, in the order of the names.
NAMES = _listed()


def named(regions: Iterable[str]) -> str:
    """Countries by their names, as one reads them."""
    return ", ".join(NAMES.get(each, each) for each in regions)


def calling_code(region: str) -> str:
    """What its numbers begin with: "+44"."""
    return f"+{phonenumbers.country_code_for_region(region)}"
