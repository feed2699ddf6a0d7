"""What an SMS action's description leaves open for the agent that reads it: hints, which stop nobody. Pure.

They read English; what seems to be in another language is left alone, but for what its fields say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from builder.lint.reading import is_english, lines
from builder.lint.wording import says_when
from sms import hosts


@dataclass(frozen=True, slots=True)
class Facts:
    """What is looked at: the description, and what the action may do."""

    description: str
    texts_anyone: bool = False
    agent_writes: bool = True
    allowed_hosts: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Hint:
    """What is left open, and a sentence that may be added, if one helps. `code` never changes."""

    code: str
    message: str
    addition: str = ""


# Whom it is sent to: “text the caller”, “to the number that they give”.
_TO_WHOM = re.compile(
    r"\b(?:to|texts?|messages?)\s+(?:it\s+to\s+)?(?:(?:only|the|their|an?|any|another|whichever|whatever)\s+){0,2}"
    r"(?:callers?|customers?|guests?|clients?|patients?|visitors?|persons?|people|friends?|colleagues?"
    r"|recipients?|them|him|her|someone|somebody|anyone|anybody|whoever)\b"
    r"|\bnumbers?\b(?! of\b)|\bphones?\b|\brecipients?\b|\bcustomerPhoneNumber\b",
    re.IGNORECASE,
)
_SOMEBODY_ELSE = re.compile(
    r"\b(?:another|different|other|second|any)\s+(?:phone\s+)?(?:number|phone|person)\b"
    r"|\bsome(?:one|body) else\b"
    r"|\b(?:number|phone) (?:that )?(?:they|the caller|he|she) (?:gives?|names?|asks? for|dictates?)\b"
    r"|\bto (?:their|a|the caller's) (?:friend|colleague|partner|assistant|manager)\b",
    re.IGNORECASE,
)
_SENDS = re.compile(
    r"\b(?:send|text|share|give|write|put|include|confirm|offer|ask|want|need)(?:s|ing)?\b((?:\s+[\w'-]+){1,6})",
    re.IGNORECASE,
)
_WITH = re.compile(
    r"\b(?:with|about|containing|including|holding|such as|keep it to|only what)\s+\w"
    r"|\b(?:contains|holds|includes|says)\b",
    re.IGNORECASE,
)
# What these name is no content.
_NO_CONTENT = re.compile(
    r"an?|the|them?|they|it|this|that|to|an?other|one|texts?|sms|messages?|callers?|customers?|guests?|clients?"
    r"|patients?|him|her|their|your?|number|phone|only|anything|something|in|writing|for|and|or|so|always|by",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\s(?:when|whenever|if|once|after|before|as soon as|unless|who|whoever|on)\b", re.IGNORECASE
)
_LINKS = re.compile(r"\b(?:links?|urls?|web ?(?:site|page|address(?:es)?)s?|https?)\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:no|nobody|never|not|cannot|can't|without|don't)\b[^.]{0,40}\Z", re.IGNORECASE)


# An answer by text: “reply YES to confirm”, “text us back”. What callers reply aloud is none.
_REPLY = re.compile(
    r"\b(?:text|write|message|answer) (?:us|me) back\b"
    r"|\breply (?:with|by (?:text|sms)|to (?:it|(?:the|this|that) (?:text|message|sms)))\b"
    r"|\breply [\"“'‘]?(?!STOP)[A-Z]{2,}"
    r"|\b(?:their|an?|the) (?:text|texted|written|sms) (?:reply|answer)\b"
)


def _no_when(facts: Facts) -> Iterator[Hint]:
    if _is_read(facts) and not any(says_when(each) for each in _sentences(facts.description)):
        yield Hint(
            "no-when",
            "It does not say when to send the text. Say what happens in the call before: “Use this after the "
            "caller has agreed to a time.”",
        )


def _no_whom(facts: Facts) -> Iterator[Hint]:
    if facts.texts_anyone and _is_read(facts) and not _TO_WHOM.search(facts.description):
        yield Hint(
            "no-whom",
            "It does not say whom to text, and this action may text anyone. If it is always to text the "
            "caller, choose that below, or say so here.",
            "Text the caller, unless they ask for another number; then read that number back first.",
        )


def _somebody_else(facts: Facts) -> Iterator[Hint]:
    found = _SOMEBODY_ELSE.search(facts.description)
    if found and not facts.texts_anyone:
        yield Hint(
            "somebody-else",
            f"It speaks of “{found.group()}”, and this action texts nobody but the caller. Leave that out, "
            "or choose “Anyone” below.",
        )


def _no_what(facts: Facts) -> Iterator[Hint]:
    if facts.agent_writes and _is_read(facts) and not _names_content(facts.description):
        yield Hint(
            "no-what",
            "It does not say what stands in the text, which the agent writes. Name it: “the address and the "
            "opening hours”.",
            "Write only what was said in the call, in one or two sentences.",
        )


def _one_way(facts: Facts) -> Iterator[Hint]:
    found = _REPLY.search(facts.description)
    if found and not _NEGATED.search(facts.description[: found.start()]):
        yield Hint(
            "one-way",
            f"It speaks of “{found.group()}”, and nobody reads what is texted back. Have the agent ask in "
            "the call.",
        )


def _no_host(facts: Facts) -> Iterator[Hint]:
    if not facts.agent_writes or facts.allowed_hosts:
        return
    found = _LINKS.search(facts.description)
    if found and not _NEGATED.search(facts.description[: found.start()]):
        yield Hint(
            "no-host",
            f"It speaks of “{found.group()}”, and the agent may text no link. List the web site under "
            "Allowed links.",
        )


def _shortener(facts: Facts) -> Iterator[Hint]:
    found = [each for each in facts.allowed_hosts if each in hosts.SHORTENERS]
    if found and facts.agent_writes:
        yield Hint(
            "shortener",
            f"{' and '.join(found)}: nobody sees where a shortened link leads, and carriers filter texts "
            "with one. Allow the web site itself.",
        )


_RULES: tuple[Callable[[Facts], Iterator[Hint]], ...] = (
    _no_when,
    _no_whom,
    _somebody_else,
    _no_what,
    _one_way,
    _no_host,
    _shortener,
)


def hints(facts: Facts) -> list[Hint]:
    """What the rules find, the most important first. No text raises."""
    return [hint for rule in _RULES for hint in rule(facts)]


def _is_read(facts: Facts) -> bool:
    return bool(facts.description.strip()) and is_english(facts.description)


def _sentences(description: str) -> Iterator[str]:
    return (sentence.words for line in lines(description, []) for sentence in line.sentences)


def _names_content(description: str) -> bool:
    if _WITH.search(description):
        return True
    return any(
        not _NO_CONTENT.fullmatch(word)
        for found in _SENDS.finditer(description)
        for word in _ENDS.split(found.group(1), maxsplit=1)[0].split()
    )
