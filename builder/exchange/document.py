"""What a file says, whatever its format: entries with their values, and the lines that they stand in."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

MAX_BYTES = 2 * 1024 * 1024
# Of each kind.
MAX_ENTRIES = 2000
# Of errors, and of what is not read: whoever has mended so many of one entry sees the rest.
MOST_OF_AN_ENTRY = 20


class Unreadable(ValueError):
    """The file cannot be read at all; the message says why and what to do.

    `line` is where, 0 if nowhere in particular.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Kind(StrEnum):
    """What an entry is. The values are used in sentences."""

    TEMPLATE = "SMS template"
    ACTION = "SMS action"
    TOPIC = "topic"


class Level(StrEnum):
    """What follows from a notice: an error stops the import, a warning must be accepted, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to say about a line; `about` is the entry, such as: topic “Parking”.

    `is_grave` if it is to be read before all others: it loosens what keeps callers safe.
    """

    level: Level
    line: int
    message: str
    about: str = ""
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value begins. `is_verbatim` if each line of it is a line of the file."""

    line: int
    is_verbatim: bool = False

    def line_of(self, text: str, position: int) -> int:
        """The file's line of a position in the value."""
        return self.line + (text.count("\n", 0, position) if self.is_verbatim else 0)


@dataclass(slots=True)
class Entry:
    """One template, action or topic of a file.

    `values` holds what the file says, by the keys of builder.exchange.schema, as that stores and compares
    them; what it leaves out stays as it is. `instead` is for a new one where the file's format has no such
    key: the value, and the warning that goes with it. `unfilled` are placeholders that code filled elsewhere.
    """

    kind: Kind
    line: int
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    instead: dict[str, tuple[Any, str]] = field(default_factory=dict)
    unfilled: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    @property
    def is_broken(self) -> bool:
        return any(each.level == Level.ERROR for each in self.notices)

    def place(self, key: str) -> Place:
        """Where a value stands: where the entry does, if it is not in the file."""
        while key:
            if key in self.places:
                return self.places[key]
            key = key.rpartition(".")[0]
        return Place(self.line)

    def say(
        self, level: Level, message: str, key: str = "", line: int = 0, *, is_grave: bool = False
    ) -> None:
        if level in _AND_MORE:
            said = self.count(level)
            if said > MOST_OF_AN_ENTRY:
                return
            message = _AND_MORE[level] if said == MOST_OF_AN_ENTRY else message
        about = f"{self.kind} “{self.name[:100]}”" if self.name else self.kind.value
        self.notices.append(Notice(level, line or self.place(key).line, message, about, is_grave))

    def count(self, level: Level) -> int:
        return sum(each.level == level for each in self.notices)

    @property
    def is_hopeless(self) -> bool:
        """Whether so much is wrong that reading on would help nobody."""
        return self.count(Level.ERROR) > MOST_OF_AN_ENTRY

    def refuse(self, message: str, key: str = "", line: int = 0) -> None:
        """Note what stops the import."""
        self.say(Level.ERROR, message, key, line)


# What is said of the rest. Warnings are all said: somebody is to accept them.
_AND_MORE = {
    Level.ERROR: "There is more to mend from here on: mend these first, then look again.",
    Level.NOTE: "And more of the kind.",
}


@dataclass(slots=True)
class Document:
    """A file that has been read: its entries in their order, and what is to be said of it as a whole."""

    format: str
    entries: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def decoded(data: bytes) -> str:
    """The text of a file. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable("The file has more than 2 MB, and 2 MB is the most. Split it.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(_NOT_UTF_8)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(_NOT_UTF_8, data.count(b"\n", 0, error.start) + 1) from error
    if "\0" in text:
        raise Unreadable(
            "There is a NUL character, which no text has.", text.count("\n", 0, text.index("\0")) + 1
        )
    if not text.strip():
        raise Unreadable("There is nothing in it.")
    return text


_NOT_UTF_8 = "The text is not UTF-8. Save it as UTF-8; Excel calls that “CSV UTF-8”."


def bounded(count: int) -> None:
    """Raise Unreadable for more entries of a kind than are read at once."""
    if count > MAX_ENTRIES:
        raise Unreadable(f"There are {count:,} entries, and {MAX_ENTRIES:,} is the most. Split the file.")
