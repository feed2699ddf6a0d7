"""The hosts that links may lead to: as people write them, and what in a text leads to one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import hosts, links

ALLOWED = ["example.com", "book.example.org", "xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("example.com", "example.com"),
        (" Example.COM ", "example.com"),
        ("www.example.com", "example.com"),
        ("https://www.example.com/book?x=1#y", "example.com"),
        ("example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        # With a Cyrillic а, which is seen once it is stored.
        ("аpple.com", "xn--pple-43d.com"),
    ],
)
def test_a_host_is_stored_as_machines_read_it(written, host):
    assert hosts.parse(written) == host
    assert hosts.parse(host) == host


@pytest.mark.parametrize(
    ("written", "says"),
    [
        *(("", "written like example.com"), ("localhost", "written like"), ("-a.com", "written like")),
        *(("a b.com", "written like"), ("a_b.com", "written like"), ("example..com", "written like")),
        *(
            ("192.0.2.1", "links to numbers"),
            ("1.example.9", "written like"),
            ("javascript:alert(1)", "port"),
        ),
        *(
            ("*.example.com", "each host out"),
            ("example.com:8080", "port"),
            ("me@example.com", "before an @"),
        ),
        *(
            ("straße.example", "xn--"),
            (f"{'a' * 64}.com", "written like"),
            (f"{'a.' * 130}com", "written like"),
        ),
    ],
)
def test_what_is_no_host_is_refused_with_what_to_write(written, says):
    with pytest.raises(hosts.NotAHost, match=says):
        hosts.parse(written)
    assert hosts.tidied(written) == written.strip()


def beyond(text: str) -> str:
    return links.beyond(text, hosts.pattern(ALLOWED))


@pytest.mark.parametrize(
    "text",
    [
        *("See example.com", "See Example.com.", "https://example.com/x?y=1#z", "http://www.example.com!"),
        *(
            "(example.com/menu.pdf)",
            "“example.com”",
            "example.com, or book.example.org/4-6;",
            "example.com?a=b",
        ),
        *("Mail info@example.com", "Mail first.last+x@example.com now", "example.com\nexample.com/a"),
        *("https://bücher.example/x", "xn--bcher-kva.example", "at example.com: open", "example.com…"),
        *("Nothing here", "3.50", "U.S.A."),
    ],
)
def test_what_leads_to_an_allowed_host_is_allowed(text):
    assert not beyond(text)


@pytest.mark.parametrize(
    "text",
    [
        # Other hosts, and hosts that only begin or end like one.
        *("evil.example", "example.com.evil.example", "notexample.com", "evil-example.com", "a.example.com"),
        *("example.com/ evil.example", "example.com/,evil.example", "example.com.evil.example/x", "bit.ly/x"),
        # Names and ports before and behind it.
        *("https://example.com@evil.example", "https://evil.example@example.com", "https://me@example.com"),
        *("example.com:8080/x", "https://evil.example\\@example.com", "https://example.com\\@evil.example"),
        *("bank.example/x@example.com", "//example.com.", "ftp://example.com", "javascript://example.com"),
        # A link inside another one.
        *(
            "example.com/https://evil.example",
            "example.com?u=https://evil.example",
            "example.com/x://evil.example",
        ),
        # What only looks like it, or is hidden.
        *(
            "exаmple.com",
            "ехаmple.com",
            "ｅｘａｍｐｌｅ．ｃｏｍ",
            "example。com",
            "evil。рф",
            "evil｡ελ/x",
            "exa\u200bmple.com",
        ),
        *(
            "ex\u00adample.com",
            "example.com\u200b.evil.example",
            "example[.]com",
            "evil[.]example",
            "hxxp://x",
        ),
        *("bu\u0308cher.example", "bücher.example\u0308x.evil.example", "example.com\u202e", "eſample.com"),
        # Addresses of numbers.
        *(
            "192.0.2.1",
            "http://3221225985/",
            "http://[2001:db8::1]/",
            "http://0x7f.1",
            "example.com@192.0.2.1",
        ),
        # Split over spaces and lines.
        *("https:// example.com", "http:\n//example.com", "evil [.] example.com"),
    ],
)
def test_what_leads_elsewhere_or_may_be_read_so_is_not(text):
    assert beyond(text)


def test_without_hosts_no_link_is_allowed():
    assert links.beyond("See example.com", None) == "example.com"
    assert links.beyond("See you", None) == ""


@given(st.text(), st.text())
def test_another_link_is_found_whatever_stands_around_it(before, after):
    assert beyond(f"{before} https://evil.example/{after}")


@given(st.text(alphabet="evil.xampcoh/:@#?\\ ()[]\u200b", max_size=40), st.text(max_size=10))
def test_what_is_allowed_is_read_by_a_browser_as_an_allowed_host(first, then):
    from urllib.parse import urlsplit

    word = f"https://{first}{then}"
    if not beyond(word) and len(word.split()) == 1:
        assert urlsplit(word).hostname in {None, "", "example.com", "www.example.com"}


@pytest.mark.parametrize(
    "piece",
    [
        "example.com/",
        "example.com.",
        "a.",
        "(",
        " ",
        "[ ",
        "http:",
        "@",
        "a@",
        "www.",
        "example.com/.,",
        "ex",
        "\u200b.",
    ],
)
def test_no_text_takes_long(piece):
    pattern = hosts.pattern([f"host{number}.example" for number in range(20)] + ALLOWED)
    text = (piece * 1600)[:1600]
    started = time.thread_time()
    for _ in range(10):
        links.beyond(text, pattern)
        links.beyond(text + ":", pattern)

    assert time.thread_time() - started < 0.5
