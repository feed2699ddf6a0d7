"""Phone numbers."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import numbers


@pytest.mark.parametrize(
    ("written", "region", "e164"),
    [
        ("+14155550123", None, "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("020 7183 8750", "GB", "+442071838750"),
        ("+49 30 901820", "US", "+4930901820"),
        ("\u202a+1 415 555 0123\u202c", None, "+14155550123"),
        ("＋１４１５５５５０１２３", None, "+14155550123"),
    ],
)
def test_numbers_as_people_write_them(written, region, e164):
    assert numbers.parse(written, region) == e164


@pytest.mark.parametrize(
    "written",
    [
        "",
        "12",
        "anonymous",
        "+1415555",
        "+141555501234567",
        "+14155550123 x99",
        "+14155550123;phone-context=evil.example",
        "tel:+14155550123",
        "whatsapp:+14155550123",
        "1-800-FLOWERS",
        "+1 415 555 0123, +1 415 555 0124",
        "4155550123",
        "+",
        "\0",
        "٠١٢",
        "+999123456789",
        "+15550123",
    ],
)
def test_what_is_no_number_is_refused(written):
    with pytest.raises(numbers.NotANumber):
        numbers.parse(written)


@pytest.mark.parametrize(("written", "region"), [("555-0123", "US"), ("2345678", "US")])
def test_a_number_without_its_area_code_is_refused(written, region):
    with pytest.raises(numbers.NotANumber, match="area code"):
        numbers.parse(written, region)


def test_the_country_is_the_region_and_not_the_prefix():
    assert numbers.country("+18765551234") == "JM"
    assert numbers.country("+14155550123") == "US"
    assert numbers.country("") == ""


def test_a_masked_number_shows_its_end_only():
    assert numbers.mask("+14155550123") == "…23"
    assert numbers.spoken("+14155550123") == "the number ending in 2 3"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("+870773111632", "belongs to no country"),
        ("+88213300655", "belongs to no country"),
        ("+881612345678", "belongs to no country"),
        ("+979123456789", "belongs to no country"),
        ("+19002345678", "a premium-rate number"),
        ("+448712345678", "a premium-rate number"),
        ("+491801234567", "a shared-cost number"),
        ("+445512345678", "a company's number for all of its places"),
        ("+447640123456", "a pager"),
        ("+447012345678", "a personal number that is dear to reach"),
        ("+15005550006", "a personal number that is dear to reach"),
        ("+14151550123", "belongs to no country"),
    ],
)
def test_what_is_no_persons_phone_is_refused_in_words(number, words):
    with pytest.raises(numbers.CannotBeTexted, match=words):
        numbers.refuse_untextable(numbers.parse(number))


@pytest.mark.parametrize(
    "number", ["+14155550123", "+13125550123", "+447400123456", "+18005550123", "+4930901820"]
)
def test_a_phone_is_not(number):
    numbers.refuse_untextable(numbers.parse(number))


@given(st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True))
def test_a_plain_north_american_number_is_what_the_parser_makes_of_it(number):
    assert numbers._read(number, None) == numbers._parsed(number, None)


@pytest.mark.parametrize(
    "block", ["+1246521", "+1264235", "+1900555", "+1500555", "+1710222", "+1415555", "+1684622"]
)
@given(last=st.integers(0, 9999))
def test_seven_digits_of_a_north_american_number_tell_its_country_and_kind(block, last):
    number = f"{block}{last:04d}"
    parsed = phonenumbers.parse(number)

    assert numbers.country(number) == numbers._country(parsed)
    assert numbers.untextable(number) == numbers._why_not(parsed)


@pytest.mark.parametrize(
    "written", ["＋１４１５５５５０１２３", "\u202a+14155550123", "+1415555\u200b0123", "+1415555O123"]
)
def test_what_a_machine_writes_is_read_strictly(written):
    with pytest.raises(numbers.NotANumber):
        numbers.dictated(written, "US")


def test_what_a_machine_writes_may_be_local():
    assert numbers.dictated("020 7183 8750", "GB") == "+442071838750"


@pytest.mark.parametrize(("number", "is_there"), [("+14155550123", True), ("+5215512345678", False)])
def test_a_plan_has_a_number_or_not(number, is_there):
    assert numbers.is_in_plan(number) is is_there
    assert numbers.untextable(number) == ""
