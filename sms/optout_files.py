"""Opt-outs as a file: what stands in one, what importing it would do, and how they are written.

A list of another system's must arrive whole: one line that is no number, and nothing of it is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sms import numbers, suppression
from sms.cells import Broken, as_row, moment, read_rows, unguarded
from sms.models import FORGOTTEN, OptOut

MAX_BYTES = 400_000
MAX_ROWS = 10_000
# So many errors are named; nobody mends more at once.
MAX_ERRORS = 100
COLUMNS = (
    "Number", "State", "Since (UTC)", "How", "What they said", "Entered by", "Lifted (UTC)", "Lifted by",
    "Lifted because",
)  # fmt: skip
LIFTED = "lifted"
_NUMBER = {"number", "phone", "phone number", "to", "recipient", "msisdn", "e.164"}
_SAID = {"what they said", "said", "evidence", "reason", "note"}
_STATE = {"state"}
_DELIMITERS = ",;\t"


class Unreadable(ValueError):
    """The file is no list of numbers; the message says why, in plain words."""


@dataclass(slots=True)
class Listed:
    """What a file holds: new numbers (E.164) with what they said, how many are not, and errors by line."""

    new: dict[str, str] = field(default_factory=dict)
    known: int = 0
    repeated: int = 0
    left_out: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    more_errors: int = 0

    def refuse(self, line: int, why: str) -> None:
        """Note what is wrong with a line."""
        if len(self.errors) < MAX_ERRORS:
            self.errors.append((line, why))
        else:
            self.more_errors += 1


def decoded(data: bytes) -> str:
    """The text of a file. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"The file is larger than {MAX_BYTES // 1000} KB: split it.")
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("The file is no text. Save it as CSV.")


def read(text: str, country: str = "") -> Listed:
    """What a list says: a number a line, or a sheet whose first line names the columns. Raises Unreadable.

    `country` (ISO 3166) reads local formats. Nothing is stored.
    """
    if "\0" in text:
        raise Unreadable("The file is no text. Save it as CSV.")
    found = Listed()
    number_at, said_at, state_at = 0, None, None
    for count, (line, row) in enumerate(_rows(text)):
        cells = [unguarded(cell).strip() for cell in row]
        if count == 0 and (head := _head(cells)):
            number_at, said_at, state_at = head
            continue
        if count > MAX_ROWS:
            raise Unreadable(f"There are more than {MAX_ROWS:,} lines: split the file.")
        written = cells[number_at] if number_at < len(cells) else ""
        is_lifted = state_at is not None and state_at < len(cells) and cells[state_at].lower() == LIFTED
        if is_lifted or written == FORGOTTEN:
            # As the export writes them: they may be texted again, or nobody can read who they are.
            found.left_out += 1
            continue
        try:
            number = numbers.parse(written, country or None)
        except numbers.NotANumber as error:
            found.refuse(line, f"“{written[:40]}”: {error}" if written else "There is no number here.")
            continue
        if number in found.new:
            found.repeated += 1
        else:
            said = cells[said_at] if said_at is not None and said_at < len(cells) else ""
            found.new[number] = said[:300]
    if not (found.new or found.errors or found.left_out):
        raise Unreadable("There is no number in it.")
    names = {name: number for number in found.new for name in suppression.known_as(number)}
    standing = OptOut.objects.filter(recipient__in=list(names), lifted_at=None)
    for name in standing.values_list("recipient", flat=True):
        found.known += found.new.pop(names[name], None) is not None
    return found


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, by their numbers."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        for line, row in read_rows(text, delimiter):
            if any(cell.strip() for cell in row):
                yield line, row
    except Broken as error:
        raise Unreadable(f"Line {error.line} cannot be read: {error}.") from error


def _head(cells: list[str]) -> tuple[int, int | None, int | None] | None:
    """Where the number, what was said and the state stand, if this line names the columns."""
    names = [cell.lower() for cell in cells]

    def at(wanted: set[str]) -> int | None:
        return next((place for place, name in enumerate(names) if name in wanted), None)

    number = at(_NUMBER)
    return None if number is None else (number, at(_SAID), at(_STATE))


def write(opt_outs: Iterable[OptOut]) -> Iterator[str]:
    """The lines of a sheet with these opt-outs. Those of forgotten people have no number to be written."""
    yield "\ufeff" + as_row(COLUMNS)
    for each in opt_outs:
        yield as_row(
            (
                str(each),
                LIFTED if each.lifted_at else "opted out",
                moment(each.created_at),
                each.get_source_display(),
                each.evidence,
                _name(each.created_by),
                moment(each.lifted_at),
                _name(each.lifted_by),
                each.lifted_because,
            )
        )


def _name(user: Any) -> str:
    return user.get_username() if user else ""
