"""The linter: what is wrong with a topic's text, as a table of rules. Pure.

It says the same while somebody types, on saving, on import and in `manage.py lint_topics`. A rule is a
function from a text that has been read to the spots that it finds; the table gives it its code, which never
changes, and its level. builder/linting.py fetches from the database what the rules look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from builder.lint import references, sending, wording
from builder.lint.facts import (
    FINGERPRINT_CHARACTERS,
    Finding,
    Level,
    Mend,
    Reach,
    Spot,
    Template,
    Text,
    Variable,
)
from builder.lint.reading import Reading

__all__ = [
    "FINGERPRINT_CHARACTERS",
    "RULES",
    "Finding",
    "Level",
    "Mend",
    "Reach",
    "Rule",
    "Template",
    "Text",
    "Variable",
    "check",
]

# Of one rule: whoever has mended so many sees the rest.
MOST_SPOTS = 20


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    level: Level
    find: Callable[[Reading], Iterator[Spot]]


RULES = (
    # Nothing that could be sent is meant: saving it so would only postpone the surprise to a call.
    Rule("unknown-template", Level.ERROR, references.unknown_template),
    Rule("broken-reference", Level.ERROR, references.broken_reference),
    # Their account would pay for it.
    Rule("not-yours", Level.ERROR, references.refused_template),
    # May be on purpose, or be mended elsewhere.
    Rule("bare-name", Level.WARNING, references.bare_name),
    Rule("foreign-reference", Level.WARNING, references.foreign_reference),
    Rule("inactive-template", Level.WARNING, references.inactive_template),
    Rule("reference-in-content", Level.WARNING, references.reference_in_content),
    Rule("promised-text", Level.WARNING, wording.promised_text),
    Rule("no-consent", Level.WARNING, wording.no_consent),
    Rule("no-when", Level.WARNING, wording.no_when),
    Rule("two-at-once", Level.WARNING, wording.two_at_once),
    Rule("unfilled-variable", Level.WARNING, sending.unfilled_variable),
    Rule("cannot-send", Level.WARNING, sending.cannot_send),
    Rule("not-shared", Level.WARNING, sending.not_shared),
    Rule("wrong-sender", Level.WARNING, sending.wrong_sender),
)


def check(text: Text) -> list[Finding]:
    """All that the rules find in a topic's text: errors first, then by place. No text raises."""
    reading = Reading(text)
    written = {"actions": text.actions, "content": text.content}
    found = [
        Finding(
            rule.code,
            rule.level,
            spot.field,
            spot.start,
            spot.end,
            spot.message,
            written[spot.field][spot.start : spot.end],
            spot.mend,
            spot.template,
        )
        for rule in RULES
        for spot in islice(rule.find(reading), MOST_SPOTS)
    ]
    return sorted(found, key=lambda each: (not each.is_error, each.field, each.start, each.end))
