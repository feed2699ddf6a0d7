"""Phone numbers in a text, and digits however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import digits, numbers, phones

OWN = "+14155550123"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Call 415-555-0199", "+14155550199"),
        ("Call (415) 555 0199 now", "+14155550199"),
        ("4.1.5.5.5.5.0.1.9.9", "+14155550199"),
        ("415_555_0199", "+14155550199"),
        ("415/555/0199", "+14155550199"),
        ("+44 7400 123456", "+447400123456"),
        ("0044 7400 123456", "+447400123456"),
        ("011 44 7400 123456", "+447400123456"),
        ("447400123456", "+447400123456"),
        ("+1 555 123 4567", "+15551234567"),
        ("٤١٥٥٥٥٠١٩٩", "+14155550199"),
        ("𝟒𝟏𝟓𝟓𝟓𝟓𝟎𝟏𝟗𝟗", "+14155550199"),
        ("four one five, 555 oh one nine nine", "+14155550199"),
        ("cuatro uno cinco cinco cinco cinco cero uno nueve nueve", "+14155550199"),
        ("4I5-555-Ol99", "+14155550199"),
        ("On 2026-11-29 call 4155550199", "+14155550199"),
        ("+1 (415) 555-0123 415 555 0199", "+14155550199"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("Text WIN to 88888", "88888"),
    ],
)
def test_a_strangers_number_is_found(text, number):
    assert phones.strange(text, "US", {OWN}) == number


@pytest.mark.parametrize(
    "text",
    [
        "Your table for 4 is booked for Friday 3 May at 7:30 PM.",
        "On 2026-11-29 18:00, and 11/30/2026 at 18:00 with 12 guests",
        "$1,250.00 for 12 nights, 3 rooms; €90 each",
        "One or two of three rooms, four beds, five chairs",
        "1600 Pennsylvania Ave NW, Washington, DC 20500-0003",
        "Flight LH 1234 on 3.5.2026 10:45, gate B12",
        "37.7749, -122.4194",
        "Confirmation ABC12345678, order 48213",
        "Text STOP to stop, open Mon-Fri 9-17, Sat 10-14",
        "Your number is +1 415-555-0123, at 5 pm",
        "4155550123",
        "(415) 555 0123 5 pm",
    ],
)
def test_what_a_text_may_hold_is_none(text):
    assert phones.strange(text, "US", {OWN}) == ""


def test_a_local_number_is_the_regions():
    assert phones.strange("Ring 030 901820", "DE", ()) == "+4930901820"
    assert phones.strange("Ring 030 901820", "US", ()) == ""


def test_a_known_short_code_is_none():
    assert phones.strange("Text BOOK to 12345", "US", {"12345"}) == ""


@pytest.mark.parametrize(("written", "listed"), [("+1 (312) 555-0100", "+13125550100"), (" 12345 ", "12345")])
def test_a_number_that_is_listed_is_stored_in_one_way(written, listed):
    assert phones.listed(written) == listed


@pytest.mark.parametrize("written", ["312 555 0100", "front desk", "12"])
def test_what_is_no_number_is_not_listed(written):
    with pytest.raises(numbers.NotANumber):
        phones.listed(written)


@given(st.sampled_from([" ", "-", ".", "/", ") ", " - ", "_", "\n", ", "]), st.sets(st.integers(0, 8)))
def test_whatever_separates_its_digits_and_where_a_number_is_found(separator, places):
    written = "".join(
        digit + (separator if place in places else "") for place, digit in enumerate("4155550199")
    )

    assert phones.strange(f"Call {written}!", "US", {OWN}) == "+14155550199"


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text):
    phones.strange(text, "US", {OWN})
    assert digits.folded(digits.folded(text)) is not None


def test_a_text_of_nothing_but_digits_takes_no_time_to_speak_of():
    # Quadratic, it would take minutes.
    assert phones.strange("1 " * 800, "US", {OWN})
    assert phones.strange("a4" * 800, "US", {OWN}) == ""
