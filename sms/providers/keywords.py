"""What people text back to stop or to start again. Pure.

The English words are Twilio's defaults (https://help.twilio.com/articles/223134027) and the ways in which the
FCC lets people revoke consent (47 CFR 64.1200(a)(10)); the others are what carriers abroad take.
"""

from __future__ import annotations

import re
import unicodedata

from sms.providers.base import Wish

STOP = {
    *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),
    *("stopp", "abmelden", "arret", "arreter", "alto", "parar", "baja", "pare", "basta", "annulla"),
}
START = {"start", "unstop", "yes"}
# Words around a STOP that change nothing of it: "please stop texting me".
AROUND = {
    *("please", "pls", "just", "now", "all", "me", "my", "number", "to", "this", "the", "these"),
    *("text", "texts", "texting", "message", "messages", "messaging", "sending", "sms"),
}


# A text that begins with one of these is meant, whatever follows: "Stop texting me you idiots".
FIRST = {"stop", "stopall", "stopp", "unsubscribe", "optout", "revoke"}
_NO_MORE = re.compile(
    r"\b(do not|dont|never|no more|quit|stop) (ever )?(text|texts|texting|messag\w*|contact\w*|sms)\b"
)
# Cyrillic and Greek capitals that look like Latin ones.
_LOOK_ALIKES = str.maketrans("авекмнорстухαβεικμνορτυχ", "abekmhopctyxabeikmvoptyx")


def wish(body: str) -> Wish:
    """What a text asks for. A text that could be a STOP is one: to text on is worse than to have stopped."""
    words = _words(body)
    if words[:2] == ["opt", "out"]:
        words = ["optout", *words[2:]]
    meant = [word for word in words if word not in AROUND]
    if meant and (meant[0] in FIRST or set(meant) <= STOP):
        return Wish.STOP
    if _NO_MORE.search(" ".join(words)):
        return Wish.STOP
    if len(words) == 1 and words[0] in START:
        return Wish.START
    return Wish.NOTHING


def _words(body: str) -> list[str]:
    """Lower-case words without accents, full-width forms, look-alikes, hidden characters, punctuation."""
    plain = "".join(
        char
        for char in unicodedata.normalize("NFKD", body)
        if unicodedata.category(char) not in ("Cf", "Mn") and char not in "'’"
    )
    return re.findall(r"\w+", plain.casefold().translate(_LOOK_ALIKES))[:50]
