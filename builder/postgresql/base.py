"""Where Django looks for a database's wrapper."""

from __future__ import annotations

from typing import Any, Self, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen, PQGenConn

from builder import patience

Result = TypeVar("Result")


class Connection(psycopg.Connection[Any]):
    """One that is closed if its server does not answer before the thread's patience is over: a server that is
    frozen, or gone with its host, ends no statement by itself. What became of it, nobody knows."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[Self]:
        # A new one may be asked for late, and psycopg waits for each of a host's addresses in turn.
        connecting = super()._connect_gen(conninfo)
        ready = None
        while patience.left() != 0:
            try:
                ready = yield connecting.send(ready)  # type: ignore[arg-type]
            except StopIteration as done:
                connected: Self = done.value
                return connected
        connecting.close()
        raise psycopg.OperationalError("there is no time left to connect to the database")

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
            raise psycopg.OperationalError("there is no time left to ask the database")
        try:
            return super().wait(gen, interval, left)
        except psycopg.OperationalError:
            if not patience.left():
                self.close()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        return Connection.connect(**conn_params)
