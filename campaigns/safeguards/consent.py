"""Whether the caller has agreed."""

from __future__ import annotations

import re

from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked
from sms import text

# Words of a no, of doubt, and of models that were told to write something: any of them, and the agent asks
# again. To ask once too often is a question more; to text without a yes is the harm.
_NO = {
    *(
        "no",
        "nope",
        "nah",
        "not",
        "never",
        "none",
        "null",
        "nil",
        "na",
        "false",
        "undefined",
        "unknown",
        "tbd",
    ),
    *("dont", "didnt", "doesnt", "wont", "cant", "isnt", "wasnt", "cannot", "without"),
    *("unsure", "unclear"),
    *("declined", "declines", "decline", "refused", "refuses", "refuse", "rather", "later", "maybe", "stop"),
    *("nein", "nicht", "kein", "non", "pas", "nee", "nej", "nao", "ni", "nie", "нет", "не", "лучше"),
}
_IDIOMS = re.compile(r"\b(no (problem|worries|doubt)|why not|not a problem|don't see why not)\b")


def agrees(words: str) -> bool:
    """Whether a caller's words can be taken for a yes. The agent heard them; this finds what is none."""
    plain = _IDIOMS.sub("fine", text.bare(words).replace("’", "'"))
    found = re.findall(r"[^\W_]+", plain.replace("'", "").replace("n/a", "na").replace("n / a", "na"))
    return any(len(word) > 1 for word in found) and not _NO & set(found)


class NoConsent(Rule):
    code = "consent_required"
    title = "Consent"
    plain = "The agent did not say what the caller answered when asked."
    say = "I haven't sent anything yet. Is it all right if I send you a text message?"

    def check(self, request: Request) -> Verdict:
        if not request.tool.needs_consent:
            return not_asked("This tool sends without asking: it is marked as needing no consent.")
        return PASSES if agrees(request.consent) else self.refuses()
