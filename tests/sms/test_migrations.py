"""What an upgrade does to tables that grow without bound, while texts go on being promised and sent."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import operations

import campaigns
import sms
from sms.models import Message
from tests.factories import MessageFactory

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


def indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'sms_message' ORDER BY indexname"
        )
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_the_indexes_of_messages_go_back_and_forth_and_may_be_broken_off():
    MessageFactory(provider_sid="SM" + "1" * 32)
    before = indexes()

    try:
        call_command("migrate", "sms", "0005", verbosity=0)
        went_back = indexes()
        with connection.cursor() as cursor:
            # As a migration that was broken off leaves them.
            cursor.execute("CREATE INDEX message_tests ON sms_message (tested_by)")
            cursor.execute("CREATE INDEX message_by_sid_new ON sms_message (provider_sid)")
    finally:
        call_command("migrate", verbosity=0)

    assert went_back != before
    assert indexes() == before
    assert Message.objects.count() == 1
