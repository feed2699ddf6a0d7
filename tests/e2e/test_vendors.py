"""A vendor's own library against the real processes: the one that needs no environment of its own. The others
are `make vendors`."""

from __future__ import annotations

from tests.e2e.conftest import SECRET
from tests.vendors.rows import OURS, ROWS
from tests.vendors.scripts.runtime import COLUMNS, Site
from tests.vendors.site import TOOLS, callers
from tests.vendors.trial import tried


def test_the_second_sdk_of_mcp_lists_fires_and_is_refused_as_it_should_be(line):
    [row] = [row for row in ROWS if row.environment == OURS]

    cells = tried(line, row, Site(row.script, f"{line.url}/c/line", SECRET, "", TOOLS, callers(0)))

    assert list(cells) == list(COLUMNS)
    assert {column: cell.error for column, cell in cells.items() if cell.error} == {}
