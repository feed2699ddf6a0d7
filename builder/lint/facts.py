"""What the linter is told, and what it finds. Pure values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from builder import prompt


class Level(StrEnum):
    """What follows from a finding: an error is not saved, a warning is saved once a person accepts it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Variable:
    """One placeholder of a template. `source` is one of sms.models.Variable.Source."""

    name: str
    source: str = "agent"
    description: str = ""
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """What counts of a template. `obstacle` is why it cannot be sent, "" if it can; `open_to` the only user,
    by their key, in whose campaigns it is sent, None if in all."""

    name: str
    is_active: bool = True
    obstacle: str = ""
    sender: str = ""
    needs_consent: bool = True
    variables: tuple[Variable, ...] = ()
    owner: str = ""
    open_to: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """A campaign that the topic stands in, where its callers are (ISO 3166, "US"), and its owner, by key."""

    campaign: str
    country: str
    owner: int | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A topic's text with all that a rule may look at.

    `templates` holds at least those that Actions refers to, by name, where they exist; `names` are those of
    all templates, for what was misspelt. `refused` says of templates that whoever edits the topic may not put
    to use, by name, why that is.
    """

    actions: str
    content: str = ""
    templates: Mapping[str, Template] = field(default_factory=dict)
    names: Collection[str] = ()
    reaches: Collection[Reach] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mend:
    """What would mend a finding: the range of its field that gives way to `text`, and what to call that."""

    label: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Spot:
    """What a rule has found, and where. `template` is the one to look at, if it is to be mended there."""

    start: int
    end: int
    message: str
    mend: Mend | None = None
    field: str = "actions"
    template: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a topic, in words for whoever wrote it.

    `start` and `end` count characters of `field` ("actions" or "content"), whose lines end with one each.
    `code` never changes; `excerpt` is the text that it is about.
    """

    code: str
    level: Level
    field: str
    start: int
    end: int
    message: str
    excerpt: str
    mend: Mend | None = None
    template: str = ""

    @property
    def is_error(self) -> bool:
        return self.level == Level.ERROR

    @property
    def fingerprint(self) -> str:
        """The same for as long as the finding says the same about the same words, wherever they stand."""
        about = prompt.canonical(self.excerpt)
        said = "\0".join((self.code, self.field, self.message, about))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:FINGERPRINT_CHARACTERS]


FINGERPRINT_CHARACTERS = 16
