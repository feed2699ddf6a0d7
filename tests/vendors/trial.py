"""Run one row's script in its environment, and compare what it saw with what really happened."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, NamedTuple

from tests.processes import ROOT, eventually
from tests.vendors import environments
from tests.vendors.rows import Row
from tests.vendors.scripts.runtime import COLUMNS
from tests.vendors.site import Line, slug

# The import alone of one library takes half a minute on an idle machine.
TIMEOUT_SECONDS = 600
ONE_A_REQUEST = "one a request"
# How often a column's texts have arrived, and how its tool calls were decided.
EXPECTED: dict[str, tuple[int, list[str]]] = {
    "list": (0, []),
    "fire": (1, ["accepted"]),
    "refuse": (0, ["consent_required"]),
    "wrong signature": (0, []),
    "replay": (1, ["accepted"]),
    "twice": (1, ["accepted"]),
    "several in one": (2, ["accepted", "accepted"]),
}


class Cell(NamedTuple):
    """What came of one column: `error` is "" where all is as it should be."""

    note: str
    error: str


def tried(line: Line, row: Row, number: int) -> dict[str, Cell]:
    """Each column of a row; `number` keeps its callers apart from those of the others."""
    site = line.site(row, number)
    done = subprocess.run(
        [environments.python(row.environment), "-m", f"tests.vendors.scripts.{row.script}"],
        cwd=ROOT,
        # Nothing of this installation's environment is the script's business.
        env={name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        input=json.dumps(site._asdict()),
        text=True,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    if done.returncode:
        return {column: Cell("", done.stderr[-3000:]) for column in COLUMNS}
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {column: _cell(line, row, column, seen[column], site.callers[column]) for column in COLUMNS}


def _cell(line: Line, row: Row, column: str, seen: dict[str, str], caller: str) -> Cell:
    if "error" in seen:
        return Cell("", seen["error"])
    if seen["note"] == ONE_A_REQUEST:
        return Cell(seen["note"], "")
    texts, decided = EXPECTED[column]
    eventually(lambda: all(state == "delivered" for state in line.facts(caller)["states"]))
    found = line.facts(caller)
    expected = {
        "calls": 1 if decided else 0,
        "decided": decided,
        "states": ["delivered"] * texts,
        "carrier": found["carrier"][:texts],
    }
    if found != expected or len(set(found["carrier"])) != texts:
        return Cell(seen["note"], f"{column}: expected {expected}, found {found}")
    if column == "wrong signature" and not _is_logged(line, row):
        return Cell(seen["note"], "the log does not say what failed")
    return Cell(seen["note"], "")


def _is_logged(line: Line, row: Row) -> bool:
    log = line.log("web")
    return f"connection '{slug(row)}': a request of" in log or f"Unauthorized: /c/{slug(row)}/" in log
