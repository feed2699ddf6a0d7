"""The text of an SMS: placeholders, filling, what may be sent, segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import text


def test_placeholders_come_in_the_order_of_their_first_use():
    assert text.placeholders("{{ b }} {{a}} {{ b }} {{c_1}}") == ["b", "a", "c_1"]


@pytest.mark.parametrize("body", ["{{ }}", "{{ a b }}", "{{ 1a }}", "{{ a.b }}", "{{a", "a}}", "{{a|b}}"])
def test_braces_that_are_no_placeholder_are_found(body):
    assert text.malformed_placeholders(body)


@pytest.mark.parametrize("body", ["", "{a}", "{{ a }}", "a } b", "{{ a }}{{ b }}"])
def test_placeholders_and_single_braces_are_fine(body):
    assert not text.malformed_placeholders(body)


def test_values_are_put_in_literally():
    filled = text.fill("Hi {{ a }} {{ b }}", {"a": "{{ b }} <b>O'Brien & Sons</b>", "b": "{0.__class__}"})

    assert filled == "Hi {{ b }} <b>O'Brien & Sons</b> {0.__class__}"


def test_a_variable_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        text.fill("{{ a }}", {})


@given(st.text(), st.text())
def test_whatever_is_filled_in_stands_there_unchanged(before, value):
    body = before.replace("{", "").replace("}", "") + "{{ a }}"

    assert text.fill(body, {"a": value}) == body.removesuffix("{{ a }}") + value


@pytest.mark.parametrize("bad", ["\0", "\ud800", "\x1b[31m", "\u202e", "\u2066", "\x7f"])
def test_characters_that_no_phone_should_get_are_refused(bad):
    with pytest.raises(text.CannotBeSent):
        text.refuse_unsendable(f"a{bad}b")


def test_lines_emoji_and_other_scripts_are_fine():
    text.refuse_unsendable("Zeile\r\nzwei\t— 👩‍👩‍👧 שלום مرحبا")


@pytest.mark.parametrize(
    ("body", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        # € takes two septets.
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("я" * 70, "UCS-2", 1),
        ("я" * 71, "UCS-2", 2),
        ("я" * 134, "UCS-2", 2),
        ("я" * 135, "UCS-2", 3),
        # A curly quote makes the whole text UCS-2; an emoji is two code units.
        ("a" * 70 + "’", "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
    ],
)
def test_segments_are_counted_as_carriers_do(body, encoding, segments):
    size = text.size(body)

    assert (size.encoding, size.segments) == (encoding, segments)
