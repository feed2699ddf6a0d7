"""All stored secrets: with which key they stand, whether they can be read, and the first key for all.

While it goes on, the system runs: rows are changed a portion at a time, and only where they still hold what
was read, so that what somebody enters meanwhile stays.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.models import Model
from psycopg import sql
from psycopg.errors import DeadlockDetected, LockNotAvailable

from sms import envelope
from sms.envelope import WrongEncryptionKey
from sms.fields import SecretField
from sms.tracked import unnoted

PORTION = 500
# Shorter than the second after which PostgreSQL looks for a deadlock: whoever works in the admin never loses
# one.
LOCK_TIMEOUT = "100ms"
TRY_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Column:
    """A column of secrets."""

    model: type[Model]
    field: SecretField

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"

    def exists(self) -> bool:
        """Whether the database has it: before a migrate there may be more columns than that."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(%s))"
                " AND attname = %s AND NOT attisdropped)",
                [self.model._meta.db_table, self.field.column],
            )
            return bool(cursor.fetchone()[0])

    def per_key(self) -> dict[str, int]:
        """How many secrets stand with each key, by the key's id; "" has those from before envelopes."""
        with connection.cursor() as cursor:
            cursor.execute(
                self._query(
                    "SELECT CASE WHEN starts_with({secret}, {version}) THEN split_part({secret}, ':', 2)"
                    " ELSE '' END, count(*) FROM {table} WHERE {secret} IS NOT NULL GROUP BY 1"
                )
            )
            return dict(cursor.fetchall())

    def read(self, row: Row) -> str:
        """The plain text. Raises WrongEncryptionKey."""
        return envelope.unseal(row.stored, self.field.place(row.bound))

    def sealed_anew(self, row: Row) -> str:
        """The same secret, encrypted with the first key. Raises WrongEncryptionKey."""
        return envelope.seal(self.read(row), self.field.place(row.bound))

    def rows(self, but_key: str = "") -> Iterator[list[Row]]:
        """The rows that hold a secret, portion after portion; without those that stand with `but_key`."""
        after: Any = None
        skipped = f"{envelope.VERSION}:{but_key}:" if but_key else ""
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    self._query(
                        "SELECT {pk}, {bound}, {secret} FROM {table} WHERE {secret} IS NOT NULL"
                        " AND (%(skipped)s = '' OR NOT starts_with({secret}, %(skipped)s))"
                        + (" AND {pk} > %(after)s" if after is not None else "")
                        + " ORDER BY {pk} LIMIT %(portion)s"
                    ),
                    {"skipped": skipped, "after": after, "portion": PORTION},
                )
                found = [Row(*row) for row in cursor.fetchall()]
            if not found:
                return
            yield found
            after = found[-1].pk

    def replace(self, changed: list[tuple[Row, str]]) -> int:
        """Store what was sealed anew where the row still holds what was read; how many rows did.

        To the history nothing happened: the secret is the same.
        """
        rows: dict[str, list[Any]] = {
            "pks": [row.pk for row, _ in changed],
            "read": [row.stored for row, _ in changed],
            "fresh": [fresh for _, fresh in changed],
        }
        query = self._query(
            "UPDATE {table} SET {secret} = changed.fresh"
            " FROM unnest(%(pks)s::{pk_type}[], %(read)s::text[], %(fresh)s::text[])"
            " AS changed (pk, read, fresh)"
            " WHERE {table}.{pk} = changed.pk AND {table}.{secret} = changed.read"
        )
        while True:
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                    cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [unnoted(self.model)])
                    cursor.execute(query, rows)
                    return int(cursor.rowcount)
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                    raise
            # Somebody works on one of these rows: they first.
            time.sleep(TRY_AGAIN_SECONDS)

    def _query(self, text: str) -> str:
        meta = self.model._meta
        assert meta.pk is not None
        names = {
            "table": meta.db_table,
            "secret": self.field.column,
            "pk": meta.pk.column,
            "bound": meta.get_field(self.field.bound_to).column,  # type: ignore[union-attr]
        }
        # As text: what notes who runs a command (manage.py) reads no other statement.
        composed = sql.SQL(text).format(
            **{name: sql.Identifier(str(column)) for name, column in names.items()},
            version=sql.Literal(f"{envelope.VERSION}:"),
            pk_type=sql.SQL(meta.pk.rel_db_type(connection)),  # type: ignore[arg-type]
        )
        return composed.as_string()


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One stored secret. `bound` is the value that it is bound to."""

    pk: Any
    bound: Any
    stored: str


@dataclass
class Progress:
    """What became of one column. `unreadable` has the ids of the rows that no key opens, as they are."""

    column: Column
    todo: int
    done: int = 0
    # Somebody entered another secret meanwhile, or removed it: theirs stands.
    overtaken: int = 0
    unreadable: dict[object, str] = field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        return self.done + self.overtaken + len(self.unreadable)


def columns() -> list[Column]:
    """All columns of secrets, of every model."""
    return [
        Column(model, column)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for column in model._meta.local_concrete_fields
        if isinstance(column, SecretField)
    ]


def rotate(column: Column) -> Iterator[Progress]:
    """Store all secrets of a column with the first key; yields after each portion.

    Those that stand with it already are passed over, so it may be broken off at any time and begun again.
    """
    first = envelope.first_key_id()
    per_key = column.per_key()
    progress = Progress(column, sum(count for key, count in per_key.items() if key != first))
    for rows in column.rows(but_key=first):
        changed = []
        for row in rows:
            try:
                changed.append((row, column.sealed_anew(row)))
            except WrongEncryptionKey as error:
                progress.unreadable[row.pk] = str(error)
        done = column.replace(changed)
        progress.done += done
        progress.overtaken += len(changed) - done
        yield progress


def read_all(column: Column) -> Iterator[Progress]:
    """Read every secret of a column, whatever its key, and change nothing; yields after each portion."""
    progress = Progress(column, sum(column.per_key().values()))
    for rows in column.rows():
        for row in rows:
            try:
                column.read(row)
                progress.done += 1
            except WrongEncryptionKey as error:
                progress.unreadable[row.pk] = str(error)
        yield progress
