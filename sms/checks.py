"""System checks of what keys seal, by `check --database default`, and by `migrate` before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection
from django.db.models import Q

from sms import rotation, suppression
from sms.envelope import WrongEncryptionKey
from sms.models import OptOut

# Of each column, so that it costs nothing; `rotate_keys --dry-run` reads all.
LOOKED_AT = 20


@register(Tags.database)
def secrets_can_be_read(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether the configured keys open what is stored: a look at a few rows."""
    if not databases or connection.alias not in databases:
        return []
    return [message for column in rotation.columns() if column.exists() for message in _look_at(column)]


@register(Tags.database)
def forgotten_stay_unreachable(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether the configured keys recognise everybody who opted out and was forgotten."""
    table = OptOut._meta.db_table
    if (
        not databases
        or connection.alias not in databases
        or table not in connection.introspection.table_names()
    ):
        return []
    known = Q()
    for prefix in suppression.prefixes():
        known |= Q(recipient__startswith=prefix)
    lost = (
        OptOut.objects.filter(recipient__startswith=suppression.MARK, lifted_at=None).exclude(known).count()
    )
    if not lost:
        return []
    return [
        Error(
            f"{lost} of the people who opted out and were forgotten could be texted again: their numbers "
            "were hashed with a key that is missing.",
            hint="Add the earlier SECRET_KEY or FORGET_KEY to FORGET_KEY, behind the one that is to be used.",
            id="midcall.E020",
        )
    ]


def _look_at(column: rotation.Column) -> list[CheckMessage]:
    rows = list(islice((row for portion in column.rows() for row in portion), LOOKED_AT))
    unreadable: dict[object, str] = {}
    for row in rows:
        try:
            column.read(row)
        except WrongEncryptionKey as error:
            unreadable[row.pk] = str(error)
    if not unreadable:
        return []
    # One that was lost must not hold up a migration; none that opens means that the key is not the one.
    level, check_id = (Error, "midcall.E017") if len(unreadable) == len(rows) else (Warning, "midcall.W018")
    return [
        level(
            f"{len(unreadable)} of {len(rows)} stored secrets that were looked at cannot be read: {column}, "
            f"rows {', '.join(str(pk) for pk in unreadable)}.",
            hint=f"{next(iter(unreadable.values()))} `manage.py rotate_keys --dry-run` names all.",
            id=check_id,
        )
    ]
