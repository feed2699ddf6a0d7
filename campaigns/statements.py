"""A statement that is executed for each tool call, made ready once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from psycopg import Connection, DataError, OperationalError, abc, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_DONE = frozenset((ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK))
# Values by their names, as PostgreSQL reads them; None for NULL.
Encoded = Mapping[str, bytes | None]
_NAMED = re.compile(r"%\((\w+)\)s")


class Statement:
    """SQL with named parameters, `%(name)s`, each of the type that its first place in the SQL asks for, and
    whole numbers as its result.

    It goes to the server by psycopg's wrapper of libpq (psycopg.pq): a cursor would take a fifth of the time
    that a tool call takes here, most of it to find out how fifty parameters are written. `name` is its own
    among those that a connection has made ready.
    """

    def __init__(self, name: str, sql: str) -> None:
        self._names = list(dict.fromkeys(_NAMED.findall(sql)))
        numbers = {name: f"${number}" for number, name in enumerate(self._names, 1)}
        self._sql = _NAMED.sub(lambda match: numbers[match.group(1)], sql).encode()
        self._name = name.encode()
        # Of connections whose server has it: what knows how their values are written.
        self._ready: WeakKeyDictionary[Connection[Any], abc.Transformer] = WeakKeyDictionary()

    def first(self, connection: Connection[Any], values: Mapping[str, Any], known: Encoded) -> int | None:
        """Execute it with some values, and those that are encoded() already; the first number of its first
        row, None without one. Raises psycopg's errors."""
        try:
            return self._executed(connection, values, known)
        except InvalidSqlStatementName:
            # Whatever pools connections has reset this one.
            del self._ready[connection]
            return self._executed(connection, values, known)

    def _executed(self, connection: Connection[Any], values: Mapping[str, Any], known: Encoded) -> int | None:
        if not connection.autocommit and connection.pgconn.transaction_status == TransactionStatus.IDLE:
            # A cursor begins the transaction that Django has announced.
            connection.execute("")
        transformer = self._ready.get(connection)
        if transformer is None:
            _checked(connection, connection.wait(_prepared(connection.pgconn, self._name, self._sql)))
            transformer = self._ready[connection] = Transformer(connection)
        row = dict(known)
        for name, value in values.items():
            # Most are texts: finding that out twice takes as long as writing them.
            row[name] = _text(value) if type(value) is str else _written(value, transformer)
        parameters = [row[name] for name in self._names]
        result = _checked(connection, connection.wait(_done(connection.pgconn, self._name, parameters)))
        number = result.get_value(0, 0) if result.ntuples else None
        return None if number is None else int(number)


def _prepared(pgconn: PGconn, name: bytes, sql: bytes) -> abc.PQGen[PGresult]:
    pgconn.send_prepare(name, sql)
    results: list[PGresult] = yield from generators.execute(pgconn)
    return results[-1]


def _done(pgconn: PGconn, name: bytes, values: list[Any]) -> abc.PQGen[PGresult]:
    pgconn.send_query_prepared(name, values)
    results: list[PGresult] = yield from generators.execute(pgconn)
    return results[-1]


def _checked(connection: Connection[Any], result: PGresult) -> PGresult:
    if result.status in _DONE:
        return result
    if connection.pgconn.status != ConnStatus.OK:
        # No code tells this apart from what the server itself says.
        raise OperationalError(connection.pgconn.get_error_message())
    raise error_from_result(result, connection.info.encoding)


def _written(value: Any, transformer: abc.Transformer) -> Any:
    """The value as PostgreSQL reads it, in UTF-8, which Django's connections have; None for NULL."""
    write = _WRITTEN.get(type(value))
    return write(value) if write else transformer.get_dumper(value, PyFormat.TEXT).dump(value)


def encoded(values: Mapping[str, Any]) -> Encoded:
    """What comes with each of many executions, written once. Raises KeyError for what is neither text, whole
    number, truth, UUID, time span nor None."""
    return {name: _WRITTEN[type(value)](value) for name, value in values.items()}


def _text(value: str) -> bytes:
    if "\0" in value:
        # libpq would end it there.
        raise DataError("A text cannot hold a NUL character.")
    return value.encode()


@lru_cache(maxsize=256)
def _interval(value: timedelta) -> bytes:
    # Those that somebody has configured come again and again, and take longest to write.
    return f"{value.days} days {value.seconds} seconds {value.microseconds} microseconds".encode()


# What comes with each tool call; psycopg takes several times as long to find out how it writes it.
_WRITTEN: dict[type, Callable[[Any], bytes | None]] = {
    str: _text,
    type(None): lambda _: None,
    int: lambda number: b"%d" % number,
    bool: lambda is_so: b"t" if is_so else b"f",
    timedelta: _interval,
    UUID: lambda value: value.hex.encode(),
}
