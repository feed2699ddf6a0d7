"""A statement that is executed for each tool call, made ready once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psycopg import Connection, RawCursor

_NAMED = re.compile(r"%\((\w+)\)s")


class Statement:
    """SQL with named parameters, `%(name)s`.

    psycopg reads one of more than 4,096 characters, or with more than 50 parameters, anew for each execution:
    that takes a hundred times as long as binding them does.
    """

    def __init__(self, sql: str) -> None:
        self._names = list(dict.fromkeys(_NAMED.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAMED.sub(lambda match: numbers[match.group(1)], sql).encode()

    def first(self, connection: Connection[Any], values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Its first row, by the server's own prepared statement; None if it has none."""
        # psycopg's own cursor, because Django's binds on the client's side, which cannot be prepared.
        with RawCursor(connection) as cursor:
            row: tuple[Any, ...] | None = cursor.execute(
                self._sql, [values[name] for name in self._names], prepare=True
            ).fetchone()
            return row
