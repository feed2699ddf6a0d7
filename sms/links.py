"""Links in what an agent fills in, or that come about beside it: whatever a phone, or its owner, would take
for one. Pure."""

from __future__ import annotations

import re
import unicodedata

# What is read as a slash or a colon, and is neither after NFKC.
_LOOK_ALIKES = str.maketrans({"⁄": "/", "∕": "/", "╱": "/", "⧸": "/", "꞉": ":", "∶": ":"})
# Browsers take it for a dot; where no letter follows it of a script that has another full stop, it ends a
# sentence.
_FULL_STOP = re.compile("。(?=[a-z\u00c0-\u10ff\u1200-\u1fff])", re.IGNORECASE)
# Dots that are hidden from filters and put back by whoever reads them: example[.]com, example(dot)com.
_HIDDEN_DOT = re.compile(r"(?:(?<!\s)\s++)?+[\[({]\s*+(?:\.|dot)\s*+[\])}]\s*+")
_BRACKETED = re.compile(r"[\[({]\s*+(?:\.|dot)")
# Without one of these no part of a text in ASCII is a link. Most have none, and a caller waits.
_HINT = re.compile(r"\.(?:\w|\s*+[\])}])|:\s*+//|ps?\s*+:|dot", re.IGNORECASE)
_LINK = re.compile(
    # https://, and hxxp:// as it is written to pass filters.
    r"\bh[tx*]{2}ps?\s*:|:\s*//"
    # www.example, example.com, пример.рф, i❤.ws: letters behind a dot with no space between.
    r"|\bwww\d?\.\w|(?:[^\W_]|[^\s\u0000-\u007f])\.(?:xn--|[^\W\d_]{2})"
    # 192.0.2.1, with or without a path.
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
)


def found(text: str) -> str:
    """The first thing in the text that is a link or would be taken for one, as it reads; "" if there is none.

    It is looked for in what a person sees: compatible characters folded (NFKC), invisible ones left out. A
    missing space behind a full stop ("tonight.Bring") counts, too, since phones make a link of it.
    """
    if text.isascii():
        if not _HINT.search(text):
            return ""
        seen = text
    else:
        seen = _as_seen(text)
    seen = _with_dots(seen.casefold())
    match = _LINK.search(seen)
    if match is None:
        return ""
    before = seen[: match.start()].split()
    starts_in_word = before and not seen[match.start() - 1].isspace()
    return (before[-1] if starts_in_word else "") + seen[match.start() :].split()[0]


def beyond(text: str, allowed: re.Pattern[str] | None) -> str:
    """The first link in the text besides the allowed ones (see hosts.pattern), as it reads; "" if none.

    None allows no link.
    """
    link = found(text)
    # A word stays in its place, for what may be read together with it: “evil [.] example.com”.
    return found(allowed.sub("link", text)) if link and allowed else link


def added(text: str, plain: str) -> str:
    """The first word of the text with a link that leads where none in `plain` does; "" if there is none.

    `plain` is the text with spaces in place of what somebody else wrote. Where a link leads is what stands
    before the slash: what stands behind it is for that host to read.
    """
    known = set(plain.split())
    new = {word: _hosts(word) for word in text.split() if word not in known}
    if not any(new.values()):
        return ""
    own = {host for word in known for host in _hosts(word)}
    return next((word for word, hosts in new.items() if not hosts <= own), "")


# None of the slashes behind a scheme, however many there are: browsers do not count them.
_BEHIND_HOST = re.compile(r"(?<=[^:/])/|[?#]")
_AROUND = re.compile(r"[,;!()<>\[\]{}\"'|“”„«»‘’–—]+")


def _hosts(word: str) -> set[str]:
    """Where the links in a word lead, each with its scheme and all else before the slash."""
    if word.isascii() and not _HINT.search(word):
        return set()
    found: set[str] = set()
    for piece in _BEHIND_HOST.split(_with_dots(_as_seen(word).casefold())):
        parts = _AROUND.split(piece)
        found |= {part.strip(".:-_") for part in parts if _LINK.search(part)}
        if _LINK.search(parts[-1]):
            # The rest is behind its slash.
            break
    return found


def _with_dots(seen: str) -> str:
    return _HIDDEN_DOT.sub(".", seen) if _BRACKETED.search(seen) else seen


def _as_seen(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
    visible = "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Cc", "Mn"))
    return _FULL_STOP.sub(".", visible)
