"""Whether a prompt makes the agent ask before it texts, as far as English words tell. Pure.

Someone who agrees to a time has not agreed to a text, so it counts what is agreed to; and "without asking"
takes back what "ask" says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from builder.lint.reading import Sentence


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


# A text as a thing, or as what is done to somebody: not "text them", which is an order.
_A_TEXT = (
    r"(?:\b(?:sms|texts? messages?|messages?|texted|receive|receiving|to send)\b"
    r"|\b(?:be|it|them|this|that) sent\b|\bsent (?:to|by|over)\b|\b(?:by|via|as|in|of) (?:a )?text\b"
    r"|\b(?:a|an|any|the|this|that|another|our|your|more|such|for|get|want) texts?\b"
    r"|\b(?:to|may|can|could|should|might|you|we|i) text\b)"
)
_NEARBY = r"[^,.;:!?\n{]{0,90}"
_SOMEBODY = r"(?:they|he|she|somebody|someone|the \w+)"

_AGREES = _words(
    r"\b(?:agree[sd]?|accept(?:s|ed)?|approve[sd]?|consent(?:s|ed)|opt(?:s|ed)? in|goes ahead)\b",
    r"\bsa(?:y|ys|id) (?:yes|ok|okay|so)\b",
)
# "Once a time is agreed", "the agreed time", "does not agree".
_NOT_SOMEBODY = _words(
    r"\b(?:is|are|was|were|be|been|being|gets?|not|never|an?|the|as) \Z",
    r"n't \Z",
)
_NOTHING_MORE = _words(
    r"\s*(?:\Z|[,.;:!?)\n“”\"{–—-])",
    r"\s+(?:and|or|then|but|first|before|verbally|explicitly|call|send|use)\b",
)
_TO_THE_TEXT = _words(
    r"\s+(?:to |on |with |that |for )?(?:it|this|that|so|(?:the|your|our) offer)\b(?! (?:is|was|time|day))",
    r"\s+(?:to |on |with |that |for )?" + _NEARBY + _A_TEXT,
)
_ENOUGH = _words(
    r"\b(?:consent|permission|opt-in|go-ahead)\b",
    # Somebody wants a text, asks for one, or is asked whether they want it.
    r"\b(?:want(?:s|ed)?|wish(?:es)?|would like|interested in|request(?:s|ed)?|prefers?|chooses?"
    r"|confirm(?:s|ed)?|ask(?:s|ed)? (?:for|to|you|us|whether|if|that|them|the)|happy (?:to|with)|fine with"
    r"|ok(?:ay)? with|yes to|(?<=[yue])'d like)\b" + _NEARBY + _A_TEXT,
    r"\b(?:(?:may|can|shall|should|could) (?:i|we)|would you like|(?:do|did) you want)\b"
    r"[^.!?\n]{0,80}\b(?:text|texted|send|sent|sms|message|receive)\b",
    r"\bask(?:s|ed|ing)?(?: \w{1,20}){0,3} (?:first|beforehand|before (?:you )?(?:text|send|call))",
    r"\b(?:if|when|once|after|on|upon|with|gets?|wait for) (?:(?:an?|the|their|clear|explicit|verbal) ){0,3}"
    r"(?:yes|agreement|acceptance|approval)\b",
    r"\b(?:callers?|customer|guest)'s (?:yes|ok|okay|agreement|approval|acceptance)\b",
    rf"\b(?:if|when) {_SOMEBODY} (?:declines?|refuses?|says? no)\b",
)
_UNASKED = _words(
    r"(?:\b(?:not|never|without|instead of|no need (?:to|for)|needn't|no)\b|n't\b)(?: \w{1,20}){0,2} "
    r"(?:ask(?:s|ed|ing)?|offer(?:s|ed|ing)?|wait(?:s|ed|ing)?|consent|permission|approval|opt-in)\b"
)
# "Never text without asking": two that cancel out.
_NEVER_UNASKED = _words(
    r"(?:\b(?:not|never)\b|n't\b)[^.!?\n]{0,80}\b(?:without|before|until|unless)\b[^.!?\n]{0,60}"
    r"\b(?:ask(?:s|ed|ing)?|agree[sd]?|accept(?:s|ed)?|consent(?:s|ed)?|permission|approv(?:al|e[sd]?)|yes|ok|okay"
    r"|confirm(?:s|ed)?)\b"
)
_OFFERS = _words(
    r"\b(?:offer(?:s|ed|ing)?|propos(?:es?|ing)|suggest(?:s|ing)?)\b",
    r"\bask (?:the|them|him|her|if|whether|callers)\b",
)
_TAKEN_UP = _words(
    r"\b(?:if|when|once) (?:so|interested|confirmed)\b",
    rf"\b(?:if|when|once|as soon as|after|should) {_SOMEBODY} (?:\w{{1,20}} )?"
    r"(?:do|does|did|would|wants?|wish(?:es)?|like|confirm(?:s|ed)?|needs?|take)\b",
    r"\b(?:after|on|upon|with) (?:\w{1,20} ){0,2}confirmation\b",
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What sentences say of asking: whether they have the agent wait for a yes, whether they have it offer a
    text, and whether they go on only if that is taken up."""

    is_waited_for: bool = False
    is_offered: bool = False
    is_taken_up: bool = False

    def __or__(self, other: Consent) -> Consent:
        return Consent(
            self.is_waited_for or other.is_waited_for,
            self.is_offered or other.is_offered,
            self.is_taken_up or other.is_taken_up,
        )

    def __bool__(self) -> bool:
        return self.is_waited_for or (self.is_offered and self.is_taken_up)


def asked_for(sentences: Iterable[Sentence]) -> Consent:
    """What the sentences say of asking, taken together; true if the agent needs a yes before it sends."""
    found = Consent()
    for sentence in sentences:
        found |= _in(sentence.words)
    return found


def _in(words: str) -> Consent:
    if _NEVER_UNASKED.search(words):
        return Consent(is_waited_for=True)
    if _UNASKED.search(words):
        return Consent()
    return Consent(
        is_waited_for=bool(_ENOUGH.search(words)) or _agrees(words),
        is_offered=bool(_OFFERS.search(words)),
        is_taken_up=bool(_TAKEN_UP.search(words)),
    )


def _agrees(words: str) -> bool:
    return any(
        not _NOT_SOMEBODY.search(words, max(0, found.start() - 8), found.start())
        and (_NOTHING_MORE.match(words, found.end()) or _TO_THE_TEXT.match(words, found.end()))
        for found in _AGREES.finditer(words)
    )
