"""Vendors' libraries against the real processes: python -m tests.vendors [NAME ...] [--notes]"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from builder import embedded
from tests.vendors import environments
from tests.vendors.rows import ROWS, Row
from tests.vendors.scripts.runtime import COLUMNS
from tests.vendors.site import Line
from tests.vendors.trial import ONE_A_REQUEST, Cell, tried


def main() -> int:
    """1 when a cell of the table is not as it should be."""
    options = _options()
    # Told to end, it still ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = [row for row in ROWS if not options.names or row.script in options.names]
    for row in chosen:
        environments.python(row.environment)
    embedded.start()
    with tempfile.TemporaryDirectory() as folder:
        line = Line(Path(folder), LEASE_SECONDS="4", LATE_BOUND_SECONDS="1")
        line.create()
        try:
            line.configure(chosen)
            line.carrier.start()
            line.start("web", "worker", "beat")
            results = {}
            for number, row in enumerate(chosen):
                results[row] = tried(line, row, line.site(row, number))
                print(f"{row.name}: {_summary(results[row])}", flush=True)
                if options.notes:
                    _print_notes(results[row])
        finally:
            line.stop()
            line.drop()
    errors = [
        f"{row.name}, {column}:\n{cell.error}"
        for row, cells in results.items()
        for column, cell in cells.items()
        if cell.error
    ]
    print("", _table(results), "", *errors, sep="\n")
    return bool(errors)


def _summary(cells: dict[str, Cell]) -> str:
    wrong = [column for column, cell in cells.items() if cell.error]
    return f"wrong: {', '.join(wrong)}" if wrong else "as it should be"


def _print_notes(cells: dict[str, Cell]) -> None:
    for column, cell in cells.items():
        print(f"  {column}: {cell.note}")


def _table(results: dict[Row, dict[str, Cell]]) -> str:
    lines = [["runtime", "library", *COLUMNS], ["---"] * (len(COLUMNS) + 2)]
    for row, cells in results.items():
        versions = environments.versions(environments.python(row.environment), row.libraries)
        lines.append([row.name, versions, *(_mark(cells[column]) for column in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mark(cell: Cell) -> str:
    if cell.error:
        return "WRONG"
    return "–" if cell.note == ONE_A_REQUEST else "✓"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        choices=[[], *(row.script for row in ROWS)],
        help="scripts/NAME.py",
    )
    parser.add_argument("--notes", action="store_true", help="print what the agent heard, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
