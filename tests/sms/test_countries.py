"""Countries by their names."""

from __future__ import annotations

import subprocess
import sys

import phonenumbers

from sms import countries


def test_each_country_with_numbers_has_a_name():
    assert countries.NAMES.keys() == phonenumbers.SUPPORTED_REGIONS
    assert all(name[0].isupper() and len(name) > 2 for name in countries.NAMES.values())
    assert countries.named(["US", "JM", "XK"]) == "United States, Jamaica, Kosovo"
    assert list(countries.NAMES.values()) == sorted(countries.NAMES.values())


def test_a_country_has_a_code_to_call():
    assert (countries.calling_code("GB"), countries.calling_code("JM")) == ("+44", "+1")


def test_the_names_of_all_area_codes_are_not_loaded_with_them():
    script = "import sys, sms.countries; sys.exit('phonenumbers.geodata' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
