"""What is taken for a link in what an agent writes, and what is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import links


@pytest.mark.parametrize(
    "value",
    [
        *("http://example.com", "HTTPS://EXAMPLE.COM/x", "https ://example", "ftp://example", "myapp://pay"),
        *("example.com", "example.com/x", "go to example.co.uk now", "www.example", "bit.ly", "x.y.zone"),
        *("hxxp://example", "hxxps[:]//example[.]com", "h**p://example", "example[.]com", "example(dot)com"),
        *(
            "ｅｘａｍｐｌｅ．ｃｏｍ",
            "ｈｔｔｐ：／／example",
            "example。com",
            "example․com",
            "exa\u200bmple.\u2060com",
        ),
        *(
            "пример.рф",
            "аpple.com",
            "xn--e1afmkfd.xn--p1ai",
            "例え.jp",
            "ex\u00adample.com",
            "e\u0301xample.com",
        ),
        *("i❤.ws", "💩.la", "☁️.to/x", "exam°.com"),
        *("192.0.2.1", "192.0.2.1/pay", "someone@example.com", "tonight.Bring a friend"),
    ],
)
def test_is_a_link_or_would_be_taken_for_one(value):
    assert links.found(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "7 p.m.", "Mr. Smith", "3.50", "U.S.A.", "24.12.2026", "1.000.000", "No. 5", "No.5", "10:30"),
        *(
            "O'Brien & Sons",
            "a/c",
            "and/or",
            "e.g. this",
            "Wait... what",
            "4–6",
            "24/7",
            "今日。明日",
            "http",
        ),
        *("+1 (415) 555-0123", "1.2.3", "v1.2.3.4.5", "Ms. O. K.", "C. & A.", "“Fri.”"),
    ],
)
def test_is_none(value):
    assert not links.found(value)


def test_the_link_is_named_with_the_word_that_it_stands_in():
    assert links.found("See Pay.Example.com/x?y=1 for more") == "pay.example.com/x?y=1"


@pytest.mark.parametrize(
    ("written", "plain", "added"),
    [
        ("See pay.example.com/x", "See  .example.com/x", "pay.example.com/x"),
        ("See our.shop/x now", "See our.shop/  now", ""),
        ("See our.shop/x", "See our.shop", ""),
        ("See and/evil.example", "See and/ .example", "and/evil.example"),
        ("Nothing here.", "Nothing  .", ""),
    ],
)
def test_a_link_is_added_if_it_leads_where_none_did(written, plain, added):
    assert links.added(written, plain) == added


@given(st.text(), st.text())
def test_a_web_address_is_found_whatever_stands_around_it(before, after):
    assert links.found(f"{before} https://example.com/{after}")


@given(st.text(alphabet="a.:/[]()-_ 1\u200bdot", max_size=300))
def test_no_value_takes_long(value):
    started = time.thread_time()
    links.found(value)

    assert time.thread_time() - started < 0.1
