"""Broken requests: what whoever calls is told, and what is remembered for whoever set up the runtime."""

from __future__ import annotations

import logging

from builder import patience
from campaigns.models import Connection, Contact, Failure
from campaigns.tools import TRY_AGAIN, GetSmsStatus, StopTexting

logger = logging.getLogger(__name__)

# What a connection had begun when it broke, or was left, may be done all the same. If it was, the second
# request is told so.
MAYBE_NOT = "I can't tell if that text went out just now. Let me try again."
NOT_SURE_NOTED = "I'm not sure that this was noted. Let me try again."
CANNOT_LOOK_UP = "I couldn't look that up just now. Let me try again."
UNAVAILABLE = "unavailable"
MAX_NAME_SHOWN = 64

# By the codes of problems that can be mended where the runtime is set up.
FAILURES = {
    "body_too_large": Failure.TOO_LARGE,
    "length_required": Failure.BODY,
    "must_be_signed": Failure.MUST_BE_SIGNED,
    "unknown_tool": Failure.UNKNOWN_TOOL,
    "invalid_parameters": Failure.PARAMETERS,
    "invalid_number": Failure.NUMBER,
    "invalid_request": Failure.BODY,
    "invalid_json": Failure.BODY,
    "invalid_language": Failure.BODY,
    "invalid_envelope": Failure.BODY,
    "too_many": Failure.BODY,
    "replayed": Failure.REPLAYED,
    "tool_call_id_reused": Failure.CALL,
    "caller_changed": Failure.CALL,
}


class Problem(Exception):
    """A broken request: answered with `status`, a code that never changes, and what to do.

    `failure` is what is remembered of it, if not what the code says, and `detail` what beside that.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        say: str = TRY_AGAIN,
        failure: Failure | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.say = say
        self.failure = failure or FAILURES.get(code)
        self.detail = detail

    def note(self, connection: Connection) -> None:
        """Remember it as what was last wrong with a request of that connection, if it proved its own."""
        if self.failure:
            Contact.note_failure(connection.pk, self.failure, self.detail)


def unavailable(error: Exception, tool: str = "") -> Problem:
    """The database does not answer a request for a tool, or for something to read: what whoever calls is
    told. It is logged."""
    logger.error("the database does not answer: %s", error)
    patience.held_up()
    if tool == StopTexting.name:
        say = NOT_SURE_NOTED
    elif tool in ("", GetSmsStatus.name):
        say = CANNOT_LOOK_UP
    else:
        say = MAYBE_NOT if patience.is_unknown() else TRY_AGAIN
    return Problem(503, UNAVAILABLE, "The database does not answer. Try again.", say)
