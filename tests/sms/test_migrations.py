"""What an upgrade may not do to tables that grow without bound, while texts go on being promised and sent."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.db.migrations import operations

import campaigns
import sms

GROWING = {"message", "messageevent", "call", "toolcall", "consent"}
# Each reads the whole table under a lock that writers wait for.
LOCKING = (operations.AddIndex, operations.AddConstraint)


def later_migrations():
    for package in (sms, campaigns):
        folder = Path(package.__file__).parent / "migrations"
        for file in sorted(folder.glob("0*.py")):
            if not file.name.startswith("0001"):
                yield import_module(f"{package.__name__}.migrations.{file.stem}").Migration


@pytest.mark.parametrize("migration", list(later_migrations()), ids=lambda each: each.__module__)
def test_no_index_is_built_on_a_table_that_grows_while_writers_wait(migration):
    # Concurrent ones are of another class, and what is only noted stands inside another operation.
    locking = [each for each in migration.operations if type(each) in LOCKING]

    assert [each for each in locking if each.model_name in GROWING] == []
