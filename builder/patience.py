"""How long a request waits for the database: a runtime's not long, as its caller hears silence meanwhile."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg import Error

# Runtimes give up after five.
ANSWER_WITHIN_SECONDS = 3
# For each statement. Whatever holds it up that long, such as a table that a migration has locked, the server
# ends it, and nothing is written.
RUNTIMES_MILLISECONDS = 2_000
# For all statements of a request. A server that does not answer at all ends none. Whoever has waited for a
# thread meanwhile is still to be told.
RUNTIMES_SECONDS = ANSWER_WITHIN_SECONDS - 0.3
# How often a thread that waits for the server looks whether anything else has come up, such as Ctrl-C.
LOOKED_AFTER_SECONDS = 0.1
# Once a request has waited so long in vain, others are told so at once, for they may have waited as long for
# a thread; now and then, one asks the database again.
IN_VAIN_SECONDS = 1.0
ASKED_EACH_SECONDS = 1.0
# What the settings give all others.
_USUAL = "DEFAULT"

_thread = threading.local()
# What each connection that there is has been told; none is one of _USUAL.
_told: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class _Outage:
    """Whether the database lets this process's requests wait in vain, and until when no other asks it."""

    is_on = False
    until = 0.0


def short(database: BaseDatabaseWrapper) -> None:
    """From now on, this thread's statements end after RUNTIMES_MILLISECONDS each and RUNTIMES_SECONDS in all,
    with an OperationalError; at once if the database has let others wait in vain."""
    _thread.began = now = time.monotonic()
    _thread.is_in_vain = False
    _thread.until = now + RUNTIMES_SECONDS
    if _Outage.is_on:
        if now < _Outage.until:
            _thread.until = now
        else:
            _Outage.until = _thread.until
    _be(str(RUNTIMES_MILLISECONDS), database)


def usual(database: BaseDatabaseWrapper) -> None:
    """From now on, this thread's statements may take as long as the settings say."""
    _thread.until = None
    _be(_USUAL, database)


def left() -> float | None:
    """For how many seconds this thread still waits for the database; None for as long as it takes."""
    until: float | None = getattr(_thread, "until", None)
    return None if until is None else max(until - time.monotonic(), 0)


def in_vain() -> None:
    """The database did not do what this thread's request needs."""
    now = time.monotonic()
    _thread.is_in_vain = True
    if now - getattr(_thread, "began", now) > IN_VAIN_SECONDS:
        _Outage.is_on, _Outage.until = True, now + ASKED_EACH_SECONDS


def answered() -> None:
    """This thread's request is answered."""
    if not _thread.is_in_vain:
        _Outage.is_on = False


def died(database: BaseDatabaseWrapper) -> bool:
    """Whether a connection broke that was kept since an earlier request, as when the database restarts: to
    ask again on a new one is worth it then, and not where the database takes too long."""
    return database.connection is not None and database.connection.closed and left() != 0


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
