"""How long a request waits for the database: a runtime's not long, as its caller hears silence meanwhile."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg import Error

# For each statement. Whatever holds it up that long, such as a table that a migration has locked, the caller
# is told the truth within three seconds: that nothing was sent.
RUNTIMES_MILLISECONDS = 2_000
# What the settings give all others.
_USUAL = "DEFAULT"

_thread = threading.local()
# What each connection that there is has been told; none is one of _USUAL.
_told: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def short(database: BaseDatabaseWrapper) -> None:
    """From now on, this thread's statements end after RUNTIMES_MILLISECONDS, with an OperationalError."""
    _be(str(RUNTIMES_MILLISECONDS), database)


def usual(database: BaseDatabaseWrapper) -> None:
    """From now on, this thread's statements may take as long as the settings say."""
    _be(_USUAL, database)


def died(database: BaseDatabaseWrapper) -> bool:
    """Whether a connection broke that was kept since an earlier request, as when the database restarts: to
    ask again on a new one is worth it then, and not where the database takes too long."""
    return database.connection is not None and database.connection.closed


def _be(patience: str, database: BaseDatabaseWrapper) -> None:
    _thread.patience = patience
    _tell(database)


def _tell(database: BaseDatabaseWrapper) -> None:
    patience = getattr(_thread, "patience", _USUAL)
    if database.connection is None or _told.get(database.connection, _USUAL) == patience:
        return
    # A broken one is found out by whoever uses it next.
    with suppress(Error):
        database.connection.execute(f"SET statement_timeout TO {patience}")
        _told[database.connection] = patience


def _connected(connection: BaseDatabaseWrapper, **_: object) -> None:
    if connection.alias == DEFAULT_DB_ALIAS:
        _tell(connection)


connection_created.connect(_connected, dispatch_uid="patience")
