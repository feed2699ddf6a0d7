"""Where Django looks for a database's wrapper."""

from __future__ import annotations

import threading
import time
from typing import Any, Self, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import base
from psycopg.abc import PQGen, PQGenConn

from builder import patience

Result = TypeVar("Result")
NO_TIME_LEFT = "there is no time left to ask the database"


class Connection(psycopg.Connection[Any]):
    """One that is closed if its server does not answer before the thread's patience is over: a server that is
    frozen, or gone with its host, ends no statement by itself. What became of it, nobody knows."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        # psycopg gives each of a host's addresses all of the time-out, and one may be asked for late.
        connecting = super()._connect_gen(conninfo)
        ready = None
        while patience.left() != 0:
            try:
                ready = yield connecting.send(ready)  # type: ignore[arg-type]
            except StopIteration as done:
                connected: Self = done.value
                return connected
        connecting.close()
        raise psycopg.OperationalError(NO_TIME_LEFT)

    def wait(
        self,
        gen: PQGen[Result],
        interval: float = patience.LOOKED_AFTER_SECONDS,
        timeout: float | None = None,
    ) -> Result:
        left = patience.left()
        if left is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        if not left:
            # It is not begun: what is sent might be done.
            gen.close()
            raise psycopg.OperationalError(NO_TIME_LEFT)
        began = time.monotonic()
        try:
            result = super().wait(gen, interval, left)
        except psycopg.OperationalError:
            if not patience.left():
                self.close()
                patience.in_vain_since(began)
            if self.closed:
                patience.lost()
            raise
        patience.answers()
        return result


_local = threading.local()


def of_this_thread() -> BaseDatabaseWrapper:
    """The database as this thread has it, which django.db.connections finds anew at each look.

    For threads without an event loop of their own: where one runs, coroutines have another.
    """
    try:
        found: BaseDatabaseWrapper = _local.database
    except AttributeError:
        found = _local.database = connections[DEFAULT_DB_ALIAS]
    return found


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if patience.left() == 0:
            # Not even the host's name is looked up, which nothing bounds.
            raise psycopg.OperationalError(NO_TIME_LEFT)
        began = time.monotonic()
        try:
            return Connection.connect(autocommit=True, **conn_params)
        except psycopg.OperationalError:
            patience.in_vain_since(began)
            raise

    def connect(self) -> None:
        try:
            super().connect()
        except Exception:
            # Open, but not as Django believes that it is: its transactions would never be committed.
            self.close()
            raise
