"""Patterns: which can be stored, that none can take long, and how wide what they let in may be."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import patterns


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "[A-Z]{2}[0-9]{4}", r"\d{1,2}(:\d{2})? ?(am|pm)", "yes|no", "[A-Za-z' -]+", r"\w+@\w+", "^a$"),
        *("[A-Za-z]+( [A-Za-z]+){0,2}", r"\d+ \w+ \w+"),
        *("(one|two)( (one|two)){0,3}", ".*", "[^<>]+", r"\+?\d[\d ]{5,14}", "é+", "a{3}", r"\[\(\?"),
    ],
)
def test_can_be_stored(pattern):
    patterns.check(pattern, 60)


@pytest.mark.parametrize(
    "pattern", ["(", "[a", "a**", "a{2,1}", "*", "\\", "[z-a]", "a{99999999999}", "(?P<n"]
)
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(patterns.UnusablePattern, match="not a pattern"):
        patterns.check(pattern, 60)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(a+)+",
            "(a|a)*",
            "(a|ab)*c",
            "(a?){50}",
            "((a*)*)*",
            "(.*a){12}",
            ".*.*.*.*.*x",
            r"(\w+\s?)+",
            "(a*)*$",
        ),
        *("(?:x+x+)+y", "(a|b|ab)*?c", "(" * 50 + "a+" + ")+" * 50),
        # Few ways, each through many groups.
        *("(?:a|a){15}(((a){1}){1}){40}c", "(?:a|a){13}((((((a))))){2}){23}c"),
        # More often than a value has characters, of what may be nothing or stands beside what fits.
        *("(a?){61}", "(?:a?){4000000000}", "(?:){1000000}", "(?:(?:(?:){60}){60}){60}", "(a|a){61}|b"),
    ],
)
def test_what_could_go_back_forever_is_refused(pattern):
    with pytest.raises(patterns.UnusablePattern, match="too long to check"):
        patterns.check(pattern, 60)


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(?i)a",
            "(?P<n>a)",
            r"(a)\1",
            "(?=a)a",
            "(?<!a)b",
            "(?i:a)",
            "a++",
            "(?>a)",
            r"\Aa",
            r"a\Z",
            r"\ba",
        ),
        *("[]a]", "[^]a]", "a{,3}", "a(?#b)", r"\N{DIGIT ONE}", r"\U0001F600", r"\a", r"(?x) a b"),
    ],
)
def test_what_not_every_runtime_reads_alike_is_refused(pattern):
    with pytest.raises(patterns.UnusablePattern, match="not every runtime"):
        patterns.check(pattern, 60)


def test_what_no_value_can_fit_is_refused():
    with pytest.raises(patterns.UnusablePattern, match="No value of up to 3"):
        patterns.check("[A-Z]{4}", 3)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@given(
    st.text(alphabet="ab.*+?|()[]{}1,2\\dw^$-", max_size=30),
    st.text(alphabet="ab1-\n", max_size=60),
)
def test_whatever_is_written_is_refused_in_words_or_quick_to_try(pattern, value):
    try:
        patterns.check(pattern, 60)
    except patterns.UnusablePattern as error:
        assert str(error)
        return
    started = time.thread_time()
    patterns.compiled(pattern).fullmatch(value)

    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        # As close to the bound as can be, against the values that make them go back most.
        ("(a|a){0,14}b", "a" * 14),
        (".*.*.*b", "a" * 60),
        (r"(\w\w?){0,14}!", "a" * 32),
        ("(?:a|a){13}(((a){1}){1}){20}c", "a" * 60),
    ],
)
def test_the_slowest_that_can_be_stored_are_quick(pattern, value):
    patterns.check(pattern, 60)
    started = time.thread_time()
    assert not patterns.compiled(pattern).fullmatch(value)

    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize("pattern", ["b{4000000000}|a", "(b{4000000000})?", "((b{300}){300}){300}|a"])
def test_an_example_is_no_longer_than_a_value_may_be(pattern):
    patterns.check(pattern, 60)
    started = time.thread_time()
    assert len(patterns.example(pattern)) <= 300

    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "widest"),
    [
        *((r"\d{4}", "a"), ("[A-Za-zÄÖÜäöüß -]+", "a"), (r"\w+", "a"), ("(yes|no)?", "a")),
        *(("[0-9€]+", "€"), (r"\[x\]", "€"), ("[ -~]+", "ж")),
        *(("[à-ÿ]+", "ж"), ("naïve", "ж"), ("[а-я]+", "ж"), ("[a-\uffff]", "ж")),
        *((".+", "😀"), ("[^,]+", "😀"), (r"\D", "😀"), ("😀", "😀"), ("", "😀"), ("[a-\U0001ffff]", "😀")),
    ],
)
def test_the_widest_character_that_may_match_is_known(pattern, widest):
    assert patterns.widest(pattern) == widest


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        ("[A-Z]{2}[0-9]{4}", "AA1111"),
        (r"\d{1,2}(:\d{2})? ?(am|pm)", "1:11 am"),
        ("yes|no", "yes"),
        ("[^A1a]+", " "),
        ("[ж-я]{3}", "жжж"),
        (r"\+?\d[\d ]{5,14}", "+111111"),
        ("[^<>]+", "A"),
        ("^é+$", "é"),
        ("a*", "a"),
    ],
)
def test_an_example_is_short_and_fits(pattern, example):
    assert patterns.example(pattern) == example


@given(
    st.from_regex(
        r"(\[\^?[a-zA-Z0-9]-?[a-zA-Z0-9]?\]|\\[dDwWsS]|\.|[a-c]|\([ab]\|[cd]+\)){1,5}[*+?]?", fullmatch=True
    )
)
def test_whatever_the_pattern_is_its_example_fits_or_there_is_none(pattern):
    try:
        patterns.check(pattern, 60)
    except patterns.UnusablePattern:
        return
    example = patterns.example(pattern)

    assert not example or patterns.compiled(pattern).fullmatch(example)
