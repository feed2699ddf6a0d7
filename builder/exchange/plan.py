"""What an import comes to: step by step what is new and what differs, and what is to be said of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from builder.exchange.document import Kind, Level, Notice
from builder.exchange.schema import KEYS, Shape, parts, said_by_both
from builder.models import SmsAction
from sms import text
from sms.changes import Change

ANYONE = SmsAction.Recipient.ANYONE


class Status(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one entry. `pk` is that of the stored row, if there is one."""

    kind: Kind
    name: str
    line: int
    status: Status
    changes: tuple[Change, ...] = ()
    pk: int | None = None


@dataclass
class Plan:
    """All steps of an import and what is to be said of them. `is_applied` once it is carried out."""

    format: str
    steps: list[Step] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    is_applied: bool = False

    def _of(self, level: Level) -> list[Notice]:
        found = (each for each in self.notices if each.level == level)
        return sorted(found, key=lambda each: (not each.is_grave, each.line))

    @cached_property
    def errors(self) -> list[Notice]:
        return self._of(Level.ERROR)

    @cached_property
    def warnings(self) -> list[Notice]:
        return self._of(Level.WARNING)

    @cached_property
    def notes(self) -> list[Notice]:
        return self._of(Level.NOTE)

    def counted(self, status: Status) -> int:
        return sum(step.status is status for step in self.steps)

    @property
    def new(self) -> int:
        return self.counted(Status.NEW)

    @property
    def changed(self) -> int:
        return self.counted(Status.CHANGED)

    @property
    def unchanged(self) -> int:
        return self.counted(Status.UNCHANGED)

    @property
    def changes_something(self) -> bool:
        return bool(self.new or self.changed)

    @property
    def digest(self) -> str:
        """The same for as long as the import would do the same and would be told the same."""
        said = repr((self.steps, sorted(self.notices, key=repr)))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def differing(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The keys of what a file says that differ from what is stored."""
    return [
        key.name
        for key in KEYS[kind]
        if key.shape is not Shape.OWNER
        and key.name in after
        and not _same(key.name, before.get(key.name), after[key.name])
    ]


def _same(key: str, before: Any, after: Any) -> bool:
    if before == after:
        return True
    # Other builders spell placeholders without spaces, or with: that is no difference.
    return key == "body" and before is not None and _spelt(before) == _spelt(after)


def _spelt(body: str) -> str:
    return text.fill(body, {name: f"{{{{ {name} }}}}" for name in text.placeholders(body)})


def loosened(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a file allows that was not allowed before: the key, and what follows from it."""
    if after.get("transactional") and not before.get("transactional"):
        yield "transactional", "No consent needed: the agent will text callers without asking them first."
    if after.get("recipient") == ANYONE and before.get("recipient") != ANYONE:
        yield "recipient", "Anyone: the agent will text whatever number it is told, not only the caller's."
    for host in after.get("allowed_hosts") or ():
        if host not in (before.get("allowed_hosts") or ()):
            yield "allowed_hosts", f"{host}: the agent will be able to text links to it, to any page there."
    for number in after.get("allowed_numbers") or ():
        if number not in (before.get("allowed_numbers") or ()):
            yield (
                "allowed_numbers",
                f"{number}: the agent will be able to write this phone number into texts.",
            )
    for word in before.get("forbidden_words") or ():
        if word not in after.get("forbidden_words", before["forbidden_words"]):
            yield "forbidden_words", f"“{word}” is forbidden no more: the agent will be able to text it."
    earlier = before.get("variables") or {}
    for name, said in (after.get("variables") or {}).items():
        if said.get("allows_links") and not earlier.get(name, {}).get("allows_links"):
            yield (
                f"variables.{name}.allows_links",
                f"{{{{ {name} }}}} may hold a link: the agent will be able to text a web address of its own.",
            )


def changes(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """What differs, piece by piece. A new thing differs in all that is said of it."""
    found: list[Change] = []
    for key in KEYS[kind]:
        if key.name not in after:
            continue
        earlier, later = before.get(key.name), after[key.name]
        if key.shape is Shape.VARIABLES:
            earlier, later = said_by_both(earlier or {}, later)
        old = {} if earlier is None else dict(parts(kind, key, earlier))
        new = dict(parts(kind, key, later))
        found += [
            Change(label, old.get(label, ""), new.get(label, ""))
            for label in dict.fromkeys((*old, *new))
            if old.get(label, "") != new.get(label, "")
        ]
    return tuple(found)
