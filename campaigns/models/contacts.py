"""What was heard from a connection's runtime: its last call, which secret it has, and what was wrong."""

from __future__ import annotations

import time
from datetime import timedelta
from enum import StrEnum, auto
from typing import Any, ClassVar

from django.db import InterfaceError, OperationalError, models
from django.db import connection as database
from django.utils import timezone

# What goes well is noted so often and no more: a caller waits for it.
NOTED_EVERY = timedelta(minutes=1)
# What goes wrong can be sent by anybody who knows an address.
FAILURES_EVERY = timedelta(seconds=1)
MAX_DETAIL_CHARACTERS = 200


class Failure(StrEnum):
    """What may be wrong with a request."""

    NO_SECRET = auto()
    WRONG_SECRET = auto()
    OLD_SECRET = auto()
    REVOKED = auto()
    WRONG_RUNTIME = auto()
    SIGNATURE = auto()
    OLD_TIMESTAMP = auto()
    REPLAYED = auto()
    MUST_BE_SIGNED = auto()
    UNKNOWN_TOOL = auto()
    PARAMETERS = auto()
    NO_CALL = auto()
    NUMBER = auto()
    BODY = auto()
    TOO_LARGE = auto()
    CALL = auto()


# What it was, and how to mend it.
MEND = {
    Failure.NO_SECRET: "It came without a secret. Have the runtime send it as shown below.",
    Failure.WRONG_SECRET: "Its secret is not this connection's. Copy the secret once more, whole and "
    "without spaces; if you do not have it any more, make a new one.",
    Failure.OLD_SECRET: "Its secret was replaced and works no more. Give the runtime the new one.",
    Failure.REVOKED: "The connection is revoked. Make another one for this runtime.",
    Failure.WRONG_RUNTIME: "It came to the address of another runtime. Copy the URL once more, or connect "
    "the agent anew with the runtime that it really is.",
    Failure.SIGNATURE: "Its signature is missing or wrong. Compare what stands under Signing with the "
    "runtime's settings.",
    Failure.OLD_TIMESTAMP: "Its signature is from another time than ours. Set the clock of whoever signs: "
    "five minutes are the most.",
    Failure.REPLAYED: "Its signature came before with another call, so it was refused.",
    Failure.MUST_BE_SIGNED: "Requests of this connection must be signed, and this one came with the secret "
    "alone.",
    Failure.UNKNOWN_TOOL: "It asked for a tool that this campaign does not have. Attach it under "
    "Integrations, or copy the tools' definitions once more.",
    Failure.PARAMETERS: "What the model filled in does not fit the tool. If the runtime has old "
    "definitions, copy them once more.",
    Failure.NO_CALL: "It does not say which call it is for. Have the runtime send the call's id as shown "
    "below.",
    Failure.NUMBER: "The caller's number is not a phone number. Send it with its country code, such as "
    "+13125550100.",
    Failure.BODY: "Its body is not what this runtime documents. Copy the definitions once more.",
    Failure.TOO_LARGE: "Its body is larger than a tool call may be.",
    Failure.CALL: "An id came before with something else: each call, and each tool call, needs an id of "
    "its own.",
}


class Contact(models.Model):
    """When a connection's runtime last called a tool, and what was last wrong with a request of it.

    One row a connection, whatever is sent to it. Not a part of Connection, each change of which makes all
    processes compile their toolsets anew.
    """

    connection = models.OneToOneField(
        "campaigns.Connection", on_delete=models.CASCADE, primary_key=True, related_name="contact"
    )
    # To within NOTED_EVERY.
    called_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failures = models.BigIntegerField(default=0, db_default=0)
    failure = models.CharField(max_length=32, blank=True, default="", db_default="")
    # Of requests that proved to be the connection's own: what they were told.
    detail = models.CharField(max_length=MAX_DETAIL_CHARACTERS, blank=True, default="", db_default="")

    # When this process last wrote, and the failures since, by the connection's key.
    _called: ClassVar[dict[int, float]] = {}
    _failed: ClassVar[dict[int, float]] = {}
    _untold: ClassVar[dict[int, int]] = {}

    def __str__(self) -> str:
        return self.failure

    @property
    def mend(self) -> str:
        """What was wrong, and how to mend it, in plain words; "" if nothing was."""
        return MEND[Failure(self.failure)] if self.failure else ""

    @classmethod
    def note_call(cls, connection: int) -> None:
        """A tool call was decided."""
        if _is_due(cls._called, connection, NOTED_EVERY):
            _written(
                """
                INSERT INTO campaigns_contact (connection_id, called_at) VALUES (%s, statement_timestamp())
                ON CONFLICT (connection_id) DO UPDATE SET called_at = EXCLUDED.called_at
                """,
                connection,
            )

    @classmethod
    def note_failure(cls, connection: int, failure: Failure, detail: str = "") -> None:
        """A request was refused. Nothing of it is kept but what was wrong; `detail` must be ours."""
        cls._untold[connection] = cls._untold.get(connection, 0) + 1
        if not _is_due(cls._failed, connection, FAILURES_EVERY):
            return
        shown = "".join(filter(str.isprintable, detail))[:MAX_DETAIL_CHARACTERS]
        if _written(
            """
            INSERT INTO campaigns_contact AS known (connection_id, failed_at, failures, failure, detail)
            VALUES (%s, statement_timestamp(), %s, %s, %s)
            ON CONFLICT (connection_id) DO UPDATE SET
                failed_at = EXCLUDED.failed_at, failures = known.failures + EXCLUDED.failures,
                failure = EXCLUDED.failure, detail = EXCLUDED.detail
            WHERE known.failed_at IS NULL OR known.failed_at < EXCLUDED.failed_at - %s::interval
            """,
            connection,
            cls._untold[connection],
            failure.value,
            shown,
            f"{FAILURES_EVERY.total_seconds()} seconds",
        ):
            cls._untold[connection] = 0

    @classmethod
    def forget_failure(cls, connection: int) -> None:
        """What was wrong before is of no interest any more; how often something was, is."""
        cls.objects.filter(connection=connection).update(failed_at=None, failure="", detail="")


class SecretUse(models.Model):
    """When one of a connection's secrets was last used, to within NOTED_EVERY. By its last four characters;
    by none, a signature."""

    connection = models.ForeignKey(
        "campaigns.Connection", on_delete=models.CASCADE, related_name="secret_uses", db_index=False
    )
    secret_end = models.CharField(max_length=4, blank=True)
    at = models.DateTimeField(default=timezone.now)

    _noted: ClassVar[dict[tuple[int, str], float]] = {}

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "secret_end"], name="use_of_secret_once")
        ]

    def __str__(self) -> str:
        return self.secret_end

    @classmethod
    def note(cls, connection: int, secret: str) -> None:
        """A secret has opened the connection."""
        if _is_due(cls._noted, (connection, secret[-4:]), NOTED_EVERY):
            _written(
                """
                INSERT INTO campaigns_secretuse (connection_id, secret_end, at)
                VALUES (%s, %s, statement_timestamp())
                ON CONFLICT (connection_id, secret_end) DO UPDATE SET at = EXCLUDED.at
                """,
                connection,
                secret[-4:],
            )


def _is_due(noted: dict[Any, float], key: Any, every: timedelta) -> bool:
    now = time.monotonic()
    if now - noted.get(key, float("-inf")) < every.total_seconds():
        return False
    noted[key] = now
    return True


def _written(statement: str, *values: Any) -> bool:
    """Whether it changed a row. Nothing that matters hangs on it: a database that is down is found so by what
    comes next."""
    try:
        with database.cursor() as cursor:
            cursor.execute(statement, values)
            return bool(cursor.rowcount)
    except (OperationalError, InterfaceError):
        if database.in_atomic_block:
            raise
        database.close()
        return False
