"""Who may be texted, with what, how often, and with what consent: a table of rules, in the order in which
they are asked, before a message exists.

Whoever adds a rule writes a class in the room that it belongs to, and one line here; the campaign's page, the
documentation and the tests follow from the table.
"""

from __future__ import annotations

from django.db import transaction

from campaigns.safeguards import limits
from campaigns.safeguards.clock import QuietHours
from campaigns.safeguards.configuration import CampaignOff, CannotSend, Paused, SenderHeld
from campaigns.safeguards.consent import NoConsent
from campaigns.safeguards.limits import ALREADY_SENT, ATLAS_USED_UP, LIMITS
from campaigns.safeguards.recipients import (
    NoCallerNumber,
    NotANumber,
    NotConfirmed,
    NotTextable,
    OptedOut,
    OtherCountry,
)
from campaigns.safeguards.rule import PASSES, Outcome, Refused, Request, Rule, Verdict
from campaigns.safeguards.texts import (
    ForbiddenWord,
    GivesAway,
    Hidden,
    Link,
    NoCallerName,
    StrangeNumber,
    TooLong,
)

NO_CALLER_NUMBER = NoCallerNumber()

# Decided by the request and the configuration, as they are known already.
BY_THE_REQUEST: tuple[Rule, ...] = (
    Paused(),
    CampaignOff(),
    CannotSend(),
    NoConsent(),
    NO_CALLER_NUMBER,
    NotANumber(),
    NotTextable(),
    OtherCountry(),
    NotConfirmed(),
    Link(),
    ForbiddenWord(),
    StrangeNumber(),
    GivesAway(),
    Hidden(),
    NoCallerName(),
    TooLong(),
)
# These ask the database. Each stands in the statement that asks and promises at once, too (campaigns.firing),
# or keeps a tool from it.
BY_THE_DATABASE: tuple[Rule, ...] = (
    SenderHeld(),
    OptedOut(),
)
# These count what was promised before. Asked like this they may be late by what is promised in this instant;
# count() is exact.
BY_COUNTING: tuple[Rule, ...] = (ALREADY_SENT, *LIMITS, ATLAS_USED_UP)

# This one holds what all others let pass.
BY_THE_CLOCK = QuietHours()

RULES: tuple[Rule, ...] = (*BY_THE_REQUEST, *BY_THE_DATABASE, *BY_COUNTING, BY_THE_CLOCK)
# What a refusal means.
PLAIN = {rule.code: rule.plain for rule in RULES if rule is not BY_THE_CLOCK}


def permitted(request: Request) -> None:
    """Raise Refused with the first rule that forbids the text, as far as the request and the configuration
    tell. ask_the_database() and count() have the rest."""
    _ask(BY_THE_REQUEST, request)


def ask_the_database(request: Request) -> None:
    """Raise Refused for a text that what happened elsewhere forbids: a sender held, a recipient opted out."""
    _ask(BY_THE_DATABASE, request)


def count(request: Request) -> None:
    """Count the text wherever texts are counted, in the transaction that promises it; raise Refused, with
    nothing counted, where there is no room for it."""
    # What is full stays full while the window runs: most are refused without a lock.
    _ask(BY_COUNTING, request)
    with transaction.atomic():
        limits.take(request)


def held(request: Request) -> str:
    """What the agent is to say of a text that waits for the morning; "" if it goes out at once."""
    verdict = BY_THE_CLOCK.check(request)
    return verdict.say if verdict.outcome is Outcome.HOLDS else ""


def verdicts(request: Request) -> list[tuple[Rule, Verdict]]:
    """What each rule says of a request, in their order, whatever those before it say. Writes nothing."""
    return [(rule, rule.check(request)) for rule in RULES]


def _ask(rules: tuple[Rule, ...], request: Request) -> None:
    for rule in rules:
        verdict = rule.check(request)
        if verdict is not PASSES and verdict.outcome is Outcome.REFUSES:
            raise Refused(rule, verdict.say)


__all__ = [
    "BY_THE_CLOCK",
    "NO_CALLER_NUMBER",
    "PLAIN",
    "RULES",
    "Outcome",
    "Refused",
    "Request",
    "Rule",
    "Verdict",
    "ask_the_database",
    "count",
    "held",
    "permitted",
    "verdicts",
]
