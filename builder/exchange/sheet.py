"""Topics as CSV, with the columns of PolyAI's Agent Studio, for a spreadsheet.

The columns are those that its importer asks for (docs.poly.ai, essentials/imports): Topic, Sample Questions
(one a line), Content, Actions; and Active with Y or N. A newer page (essentials/csv-imports) calls two of
them Questions and Answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from builder.exchange.document import Document, Entry, Kind, Level, Notice, Place, Unreadable, bounded
from sms.cells import BREAK, Broken, as_row, read_rows, unguarded

FORMAT = "PolyAI's topics as CSV"
COLUMNS = {
    "Topic": "name",
    "Sample Questions": "questions",
    "Content": "content",
    "Actions": "actions",
    "Active": "active",
}
_KEYS = {
    **{column.lower(): key for column, key in COLUMNS.items()},
    "name": "name",
    "questions": "questions",
    "example queries": "questions",
    "answer": "content",
    "action": "actions",
}
_FLAGS = {
    "y": True,
    "yes": True,
    "true": True,
    "1": True,
    "n": False,
    "no": False,
    "false": False,
    "0": False,
}
_DELIMITERS = ",;\t"


def is_sheet(text: str) -> bool:
    """Whether a text begins with the columns of a sheet."""
    return _delimiter(text) is not None


def _delimiter(text: str) -> str | None:
    head = text.lstrip().partition("\n")[0][:2000]
    for delimiter in _DELIMITERS:
        cells = {cell.strip().strip('"').strip().lower() for cell in head.split(delimiter)}
        if "topic" in cells or ("name" in cells and cells & set(_KEYS) - {"name"}):
            return delimiter
    return None


def read(text: str) -> Document:
    """What a sheet says. Raises Unreadable."""
    delimiter = _delimiter(text)
    if delimiter is None:
        raise Unreadable(f"The first line must name the columns: {', '.join(COLUMNS)}.", 1)
    document = Document(FORMAT)
    rows = _rows(text, delimiter)
    line, head = next(rows)
    keys = [_KEYS.get(_written(cell)) for cell in head]
    for key in set(keys) - {None}:
        if keys.count(key) > 1:
            raise Unreadable(f"Two columns are the same: {_named(head, keys, key)}. Keep one.", line)
    unread = [cell.strip() for cell, key in zip(head, keys, strict=True) if key is None and cell.strip()]
    if unread:
        listed = ", ".join(f"“{cell[:40]}”" for cell in unread[:20])
        document.notices.append(
            Notice(Level.NOTE, line, f"Not read, because Midcall has no such thing: {listed}.")
        )
    for line, row in rows:
        if any(cell.strip() for cell in row):
            bounded(len(document.entries) + 1)
            document.entries.append(_entry(line, row, keys, delimiter))
    return document


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with cells, each with the line that it begins in."""
    try:
        for line, row in read_rows(text, delimiter):
            if row:
                yield line, row
    except Broken as error:
        raise Unreadable(
            f"This row cannot be read: {error}. A cell with a quote, a line break or a “{delimiter}” in it "
            "stands between quotes, and each quote within is doubled.",
            error.line,
        ) from error


def _written(cell: str) -> str:
    return " ".join(cell.replace("_", " ").lower().split())


def _named(head: list[str], keys: list[str | None], key: str | None) -> str:
    return ", ".join(f"“{cell.strip()}”" for cell, each in zip(head, keys, strict=True) if each == key)


def _entry(line: int, row: list[str], keys: list[str | None], delimiter: str) -> Entry:
    entry = Entry(Kind.TOPIC, line)
    if len(row) != len(keys):
        entry.refuse(
            f"This row has {len(row)} cell{'' if len(row) == 1 else 's'} and the first line names "
            f"{len(keys)}. Is a text with a “{delimiter}” or a line break without quotes?"
        )
        return entry
    at = line
    cells: dict[str, str] = {}
    for key, cell in zip(keys, row, strict=True):
        if key:
            cells[key] = unguarded(cell)
            above = cells[key][: len(cells[key]) - len(cells[key].lstrip())]
            entry.places[key] = Place(at + len(BREAK.findall(above)), is_verbatim=True)
        at += len(BREAK.findall(cell))
    # First, so that whatever is said of the entry can call it by its name.
    if "name" in cells:
        entry.values["name"] = cells["name"]
    for key in ("content", "actions"):
        if key in cells:
            entry.values[key] = cells[key]
    if "questions" in cells:
        entry.values["questions"] = _questions(cells["questions"])
        first = entry.places["questions"].line
        entry.places |= {
            f"questions.{number}": Place(first + number - 1)
            for number in range(1, len(entry.values["questions"]) + 1)
        }
    if flag := cells.get("active", "").strip().lower():
        if flag in _FLAGS:
            entry.values["active"] = _FLAGS[flag]
        else:
            entry.refuse(f"Active must be Y or N, not “{cells['active'].strip()[:40]}”.", "active")
    return entry


def _questions(cell: str) -> list[str]:
    r"""One a line; where there is but one line, \n written out separates them, too."""
    cell = BREAK.sub("\n", cell)
    return cell.split("\n" if "\n" in cell else "\\n")


def write(topics: Collection[Mapping[str, Any]]) -> str:
    """A sheet with these topics. Without the byte order mark Excel takes it for another encoding."""
    rows = [as_row(COLUMNS)]
    for topic in topics:
        cells = {**topic, "questions": _cell(topic["questions"]), "active": "Y" if topic["active"] else "N"}
        rows.append(as_row(cells[key] for key in COLUMNS.values()))
    return "\ufeff" + "".join(rows)


def _cell(questions: list[str]) -> str:
    cell = "\n".join(questions)
    # A single question that has \n in it would be read as two.
    return cell + "\n" if "\n" not in cell and "\\n" in cell else cell
