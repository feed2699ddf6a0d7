"""Run one row's script in its environment, and compare what it saw with what really happened."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, NamedTuple

from tests.processes import ROOT, Stack, eventually
from tests.vendors import environments
from tests.vendors.rows import Row
from tests.vendors.scripts.runtime import COLUMNS, Site
from tests.vendors.site import facts

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


def tried(stack: Stack, row: Row, site: Site) -> dict[str, Cell]:
    """Each column of a row, at a connection of these processes."""
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
    return {column: _cell(stack, site, column, seen[column]) for column in COLUMNS}


def _cell(stack: Stack, site: Site, column: str, seen: dict[str, str]) -> Cell:
    if "error" in seen:
        return Cell("", seen["error"])
    if seen["note"] == ONE_A_REQUEST:
        return Cell(seen["note"], "")
    (texts, decided), caller = EXPECTED[column], site.callers[column]
    eventually(lambda: all(state == "delivered" for state in facts(stack, caller)["states"]))
    found = facts(stack, caller)
    expected = {
        "calls": 1 if decided else 0,
        "decided": decided,
        "states": ["delivered"] * texts,
        "carrier": found["carrier"][:texts],
    }
    if found != expected or len(set(found["carrier"])) != texts:
        return Cell(seen["note"], f"{column}: expected {expected}, found {found}")
    if column == "wrong signature" and not _is_logged(stack, site):
        return Cell(seen["note"], "the log does not say what failed")
    return Cell(seen["note"], "")


def _is_logged(stack: Stack, site: Site) -> bool:
    log, slug = stack.log("web"), site.address.rpartition("/")[2]
    return f"connection '{slug}': a request of" in log or f"Unauthorized: /c/{slug}/" in log
