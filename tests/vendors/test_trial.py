"""The trial of a runtime notices one that takes everything for a success."""

from __future__ import annotations

import pytest

from tests.vendors.rows import OURS, ROWS
from tests.vendors.scripts.runtime import COLUMNS, Heard, Runtime, Site, Trial
from tests.vendors.site import TOOLS, callers


class Gullible(Runtime):
    """Whatever is asked, and whoever asks, a text is on its way."""

    def listed(self):
        return ["confirmation"]

    def fire(self, *asked, at, key, secret):
        return [Heard(200, "The text is on its way.", True) for _ in asked]


@pytest.mark.parametrize("column", ["list", "refuse", "wrong signature", "twice"])
def test_a_runtime_that_is_told_yes_to_everything_is_found_out(column):
    trial = Trial(Gullible(Site("gullible", "http://127.0.0.1", "s", "k", TOOLS, callers(0))))

    with pytest.raises(AssertionError):
        getattr(trial, column.replace(" ", "_"))()


def test_every_column_is_tried_and_every_script_is_a_row():
    assert all(hasattr(Trial, column.replace(" ", "_")) for column in COLUMNS)
    assert len({row.script for row in ROWS}) == len(ROWS)
    assert [row.script for row in ROWS if row.environment == OURS] == ["mcp2"]
