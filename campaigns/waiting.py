"""Wait, within a bound, for what becomes of a text that is being promised.

The database wakes whoever waits (migration sms/0013, LISTEN and NOTIFY). Waiting holds a thread of the web
server and its connection, so no more than WAITING_ANSWERS wait at once in a process, and the answer to a
request beyond it is that the text is on its way.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from builder import patience
from builder.patience import RUNTIMES_SECONDS
from campaigns.telling import ON_ITS_WAY
from sms.models import Message

# An answer waits for nothing any more while what the text has come to is still to be read.
READ_SECONDS = 0.2

_free = threading.BoundedSemaphore(settings.WAITING_ANSWERS)


class Wait:
    """The wait for one text, whose id is decided before it is promised, so that nothing is missed."""

    def __init__(self, bound: timedelta) -> None:
        self.bound = bound
        self.message_id = uuid.uuid4()
        self._until = time.monotonic() + bound.total_seconds()

    @property
    def channel(self) -> str:
        """Where the database calls out; see the migration."""
        return f"text_{self.message_id.hex}"

    def outcome(self) -> Message:
        """The text once something became of it, or as it stands when the time is over."""
        while True:
            message = Message.objects.only("state", "error_code").get(pk=self.message_id)
            left = self._until - time.monotonic()
            if message.state not in ON_ITS_WAY or left <= 0:
                return message
            with connection.wrap_database_errors:
                for _ in connection.connection.notifies(timeout=left, stop_after=1):
                    pass


def answer_by() -> float:
    """Until when this thread's request may wait, on the monotonic clock."""
    left = patience.left()
    return time.monotonic() + (RUNTIMES_SECONDS if left is None else left) - READ_SECONDS


@contextmanager
def waiting(seconds: int, by: float) -> Iterator[Wait | None]:
    """Be ready to wait so long for a text, and not beyond answer_by(); None if no time is left, or if too
    many wait already."""
    bound = min(seconds, by - time.monotonic())
    if bound <= 0 or not _free.acquire(blocking=False):
        yield None
        return
    try:
        wait = Wait(timedelta(seconds=bound))
        _execute(f"LISTEN {wait.channel}")
        try:
            yield wait
        finally:
            try:
                _execute(f"UNLISTEN {wait.channel}")
            except (OperationalError, InterfaceError):
                connection.close()
    finally:
        _free.release()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
