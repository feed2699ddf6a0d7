"""Sheets that people open in a spreadsheet, which must not take a cell for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)

PORTION = 500

# What a spreadsheet would take for a formula (CWE-1236). An apostrophe goes in front and comes off again; so
# that it comes off where it went on only, those that begin so with apostrophes of their own get one, too.
_RUNS = "=+\\-@\t\r\n＝＋－＠"
_TO_GUARD = re.compile(f"'*[{_RUNS}]")
_GUARDED = re.compile(f"'+[{_RUNS}]")
# Where the list separator is a semicolon or a tab, a spreadsheet cuts cells there, quotes or not, and at line
# breaks. A run of what may stand between, and what comes behind it: looked at once, so that none takes long.
# "-" and "+" behind a line break alone are left: they are bullets.
_WITHIN = re.compile(r'(?<![;"\s])([;"\s]++)(\'*+)([=+\-@＝＋－＠])')
_BULLETS = "+-＋－"
BREAK = re.compile("\r\n|\r|\n")


def in_portions(rows: QuerySet[M]) -> Iterator[M]:
    """All rows in the order of their keys, read a portion at a time: a cursor that stays open between two
    statements is no use behind a pool of connections."""
    after: Any = 0
    while portion := list(rows.filter(pk__gt=after).order_by("pk")[:PORTION]):
        yield from portion
        after = portion[-1].pk


class Broken(ValueError):
    """A row of a sheet cannot be read; the message says why, `line` where it begins."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


def read_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a sheet, each with the line that it begins in. Raises Broken."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Broken(str(error), begins) from error


def as_row(cells: Iterable[str]) -> str:
    """A row as it is written, with its cells guarded()."""
    row = io.StringIO(newline="")
    csv.writer(row, lineterminator="\n").writerow([guarded(cell) for cell in cells])
    return row.getvalue()


def moment(at: datetime | None) -> str:
    """A time as a spreadsheet reads it, in UTC; "" for none."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def guarded(cell: str) -> str:
    """A cell as it is written, so that no spreadsheet takes it for a formula."""
    cell = _WITHIN.sub(lambda found: _within(found, "'" + found[2]), cell)
    return "'" + cell if _TO_GUARD.match(cell) else cell


def unguarded(cell: str) -> str:
    """A cell as it was before guarded()."""
    cell = cell[1:] if _GUARDED.match(cell) else cell
    return _WITHIN.sub(lambda found: _within(found, found[2][1:]), cell)


def _within(found: re.Match[str], apostrophes: str) -> str:
    """What was found, with these apostrophes, if a spreadsheet could begin a cell there."""
    between, sign = found[1], found[3]
    begins = ";" in between or "\t" in between or (BREAK.search(between) and sign not in _BULLETS)
    return f"{between}{apostrophes}{sign}" if begins else found[0]
