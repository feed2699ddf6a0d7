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
# Once the database has not answered for so long, all requests are told so at once, for they may have waited
# as long for a thread; once a runtime's connection has waited for what somebody has locked, its own are.
IN_VAIN_SECONDS = 1.0
ASKED_AGAIN_SECONDS = 1.0
MOST_KEPT = 10_000
# What the settings give all others.
_USUAL = "DEFAULT"

_thread = threading.local()
# What each connection that there is has been told; none is one of _USUAL.
_told: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class _Outage:
    """Whether the database does not answer this process, and until when nobody else asks it."""

    is_on = False
    until = 0.0


# Until when the requests of a runtime's connection, by its slug, ask for nothing.
_held_up: dict[str, float] = {}


def short(database: BaseDatabaseWrapper, whose: str) -> None:
    """From now on, this thread's statements end after RUNTIMES_MILLISECONDS each and RUNTIMES_SECONDS in all,
    with an OperationalError; at once if the database has let others wait in vain. `whose` request it is, by
    the slug of its connection."""
    now = time.monotonic()
    _thread.whose, _thread.began, _thread.is_unknown = whose, now, False
    _thread.until = now + RUNTIMES_SECONDS
    if now < _held_up.get(whose, 0):
        _thread.until = now
    elif _Outage.is_on:
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


def in_vain_since(began: float) -> None:
    """The database has not answered this thread, since a moment of the monotonic clock."""
    if left() is None:
        return
    now = time.monotonic()
    _Outage.is_on = _Outage.is_on or now - began > IN_VAIN_SECONDS
    _Outage.until = now + ASKED_AGAIN_SECONDS


def answers() -> None:
    """The database answers."""
    if _Outage.is_on:
        _Outage.is_on = False


def held_up() -> None:
    """The database could not do in time what this thread's request needs: it asks for nothing more."""
    if left() is None:
        return
    now = time.monotonic()
    if now - _thread.began > IN_VAIN_SECONDS:
        _thread.until = now
        if len(_held_up) >= MOST_KEPT:
            _held_up.clear()
        _held_up[_thread.whose] = now + ASKED_AGAIN_SECONDS


def lost() -> None:
    """The connection is gone on which this thread's request has begun something."""
    _thread.is_unknown = True


def is_unknown() -> bool:
    """Whether something that this thread's request has begun may be done or not; said once."""
    was, _thread.is_unknown = bool(getattr(_thread, "is_unknown", False)), False
    return was


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
