"""Hosts that links may lead to: as people write them, and as they stand in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

HOST_CHARACTERS = 253

# They hide where a link leads, and carriers filter what has one (Twilio, error 30007). Allowed where a person
# lists them, who is told so.
SHORTENERS = frozenset(
    (
        *("bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly"),
        *("s.id", "shorturl.at", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd"),
    )
)

# With one of these letters a name leads to one host by older rules and to another by newer ones (UTS 46).
_DEVIATING = frozenset("ßςẞ")
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.(?!\d+\Z){_LABEL}")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


class NotAHost(ValueError):
    """What was written names no host; the message says what to write."""


def parse(written: str) -> str:
    """The host that somebody means, who may have pasted a whole link: without www., in small letters, and in
    ASCII (xn--…) so that nothing in it looks like something else. Raises NotAHost."""
    host = re.split(r"[/?#\\]", _ADDRESS.sub("", written.strip(), count=1), maxsplit=1)[0].lower().rstrip(".")
    if "*" in host:
        raise NotAHost("Write each host out: there is no sign for several.")
    if "@" in host or ":" in host:
        raise NotAHost("Write the host alone, such as example.com, without a port or a name before an @.")
    if not host.isascii():
        host = _in_ascii(host)
    host = host.removeprefix("www.")
    if re.fullmatch(r"[\d.]+", host):
        raise NotAHost("Write a name, such as example.com: links to numbers are never texted.")
    if len(host) > HOST_CHARACTERS or not _HOST.fullmatch(host):
        raise NotAHost("A host is written like example.com: letters, digits and hyphens, with a dot between.")
    return host


def _in_ascii(host: str) -> str:
    if _DEVIATING.isdisjoint(host):
        with suppress(UnicodeError):
            return host.encode("idna").decode("ascii")
    raise NotAHost("Write this host as its registrar has it in ASCII: it starts with xn--.")


def tidied(written: str) -> str:
    """The host as it is stored; what names none stays as it is."""
    try:
        return parse(written)
    except NotAHost:
        return written.strip()


# Only in the open: a space, the start, or an opening mark in front, and nothing but an ending behind. What is
# written otherwise may be read otherwise, so it does not count as a link to the host.
_BEFORE = r"(?:(?<=[\s(\[{<\"'“„‘«])|(?<!.))"
_SCHEME_OR_MAILBOX = r"(?:https?://|[a-z0-9._+-]{1,64}+@)?"
_PATH = r"(?:[/?#][a-z0-9/?#._~!$&*+=%-]*+)?+"
_BEHIND = r"(?=[.,;:!?…)\]}>\"'“”’»]*+(?:\s|\Z))"


def pattern(hosts: Iterable[str]) -> re.Pattern[str]:
    """What finds, in a text, links and mailboxes at these hosts, each as parse() has it; in linear time."""
    spelt = {spelling for host in hosts for spelling in (host, _in_letters(host))}
    known = "|".join(re.escape(each) for each in sorted(spelt, key=len, reverse=True))
    # Small and capital letters of ASCII only: "ſ" is no "s" here.
    link = rf"(?ai:{_SCHEME_OR_MAILBOX}(?:www\.)?(?:{known}){_PATH})"
    return re.compile(rf"{_BEFORE}{link}{_BEHIND}", re.DOTALL)


def _in_letters(host: str) -> str:
    """The host as its readers write it."""
    with suppress(UnicodeError):
        letters = host.encode("ascii").decode("idna")
        if _DEVIATING.isdisjoint(letters) and letters.encode("idna").decode("ascii") == host:
            return letters
    return host
