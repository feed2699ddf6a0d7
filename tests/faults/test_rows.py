"""The fault runs in small, one broker a row; `make faults` is the whole catalogue at its full size."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.faults.rows import ROWS
from tests.faults.run import Row, run
from tests.faults.site import Ground


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    ground = Ground()
    try:
        ground.start()
        yield ground
    finally:
        ground.stop()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_nothing_is_lost_or_doubled_when(ground: Ground, row: Row) -> None:
    result = run(ground, row, row.short_broker, short=True, seed=random.randrange(1_000_000))

    assert not result.problems(), result
