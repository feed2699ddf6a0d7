"""The HTTP door for agent runtimes, one URL a connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Path, Query, Schema
from ninja.decorators import decorate_view
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer

from campaigns import conditional, tools, toolsets
from campaigns.doors import MAX_BODY_BYTES, ToolCallRequest, fired, refuse_large, written
from campaigns.firing import MustOpenAgain
from campaigns.models import Connection, Failure
from campaigns.problems import Problem, unavailable
from campaigns.runtimes import DEFINITIONS
from campaigns.runtimes.base import strict_json
from campaigns.safeguards import PLAIN
from campaigns.telling import told
from campaigns.tools import TRY_AGAIN
from sms.models import Message

JSON = "application/json; charset=utf-8"

# One for each of DEFINITIONS.
Format = Literal[
    "json",
    "openai",
    "openai-responses",
    "openai-realtime",
    "anthropic",
    "gemini",
    "vapi",
    "retell",
    "elevenlabs",
    "bland",
    "jambonz",
    "telnyx",
]


class StrictJson(Parser):
    """JSON as RFC 8259 has it: an object in UTF-8, no NaN, no name twice."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return strict_json(request.body)


class ConnectionSecret(HttpBearer):
    """The secret of the connection in the path. `request.auth` is that connection."""

    def __call__(self, request: HttpRequest) -> Connection | None:
        return self.authenticate(request, _bearer(request))

    def authenticate(self, request: HttpRequest, token: str) -> Connection | None:
        assert request.resolver_match is not None
        found = toolsets.opened(request.resolver_match.kwargs["connection"], token)
        if found is None:
            return None
        # Behind the secret, so that a stranger cannot learn our limits; before the body is read.
        try:
            refuse_large(request, MAX_BODY_BYTES)
        except Problem as problem:
            problem.note(found)
            raise
        return found


def _bearer(request: HttpRequest) -> str:
    """The bearer token that a request carries; "" if it carries none."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == ConnectionSecret.openapi_scheme else ""


class ErrorAnswer(Schema):
    """A broken request. `error` is a stable code, `message` for whoever mends it, `say` for the agent."""

    error: str
    message: str
    say: str


# As the safeguards' table has them.
REFUSALS = "Where it was refused, the rule:\n\n" + "\n".join(
    f"- `{code}`: {plain}" for code, plain in PLAIN.items()
)


class ToolCallAnswer(Schema):
    """What became of it. `say` is true and can be spoken; `code` names the rule where it was refused, and
    what went wrong where it failed: `carrier_` and the carrier's code, or the text's state."""

    status: Literal["accepted", "refused", "failed", "done"]
    say: str
    messageId: UUID | None = None
    code: str = Field("", description=REFUSALS)


class MessageAnswer(Schema):
    """Where a text stands."""

    messageId: UUID
    state: str
    say: str
    updatedAt: datetime
    errorCode: int | None = None


class PromptAnswer(Schema):
    """The campaign's system prompt. `version` changes with it."""

    prompt: str
    version: str


class ToolsAnswer(Schema):
    """The campaign's tools in the shape asked for. `version` changes with them, and is one for all shapes."""

    tools: list[dict[str, Any]]
    version: str


api = NinjaAPI(
    title="Midcall",
    version="1",
    description="Tools with which a voice agent texts a caller. Each connection has a URL of its own, and a "
    "secret to send as `Authorization: Bearer …`.",
    openapi_url="/api/openapi.json",
    docs_url="/api/docs",
    parser=StrictJson(),
)
ERRORS = {401: ErrorAnswer, 404: ErrorAnswer, 503: ErrorAnswer}


@api.get(
    "/c/{connection}/tools",
    auth=ConnectionSecret(),
    response={200: ToolsAnswer, 304: None, 422: ErrorAnswer, **ERRORS},
    openapi_extra=conditional.DOCUMENTED,
)
def list_tools(
    request: HttpRequest,
    connection: Path[str],
    format: Query[Format] = "json",
) -> Any:
    """The tools of the connection's campaign, in a stable order and in the shape that is asked for.

    What is attached or detached fires or is refused from that moment on, whichever version a runtime has.
    """
    definition, opened = DEFINITIONS[format], _connection(request)
    toolset = toolsets.handed_out(opened)
    listed = [definition(tool, opened.address) for tool in toolset.tools.values()]
    return conditional.answered(request, {"tools": listed, "version": toolset.version})


def _at_once(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer the usual tool call, of a connection that this process knows already and as it should be,
    without all that the framework does for others, which takes an eighth of the time.

    Whatever is unlike that goes the framework's way, from the beginning, and so does what a connection that
    is known may not decide: it may have been revoked.
    """

    def answered(request: HttpRequest, connection: str, name: str) -> HttpResponse:
        opened = toolsets.kept(connection, _bearer(request))
        if opened is None:
            return run(request, connection=connection, name=name)
        try:
            refuse_large(request, MAX_BODY_BYTES)
            answer = fired(opened, name, ToolCallRequest.model_validate(strict_json(request.body)))
        except (Problem, MustOpenAgain, ValueError, RecursionError, OSError):
            return run(request, connection=connection, name=name)
        except Exception as error:
            return api.on_exception(request, error)
        # As bytes: Django looks for the charset that a text is to have.
        return HttpResponse(json.dumps(written(answer)).encode(), content_type=JSON)

    return answered


@api.post(
    "/c/{connection}/tools/{name}",
    auth=ConnectionSecret(),
    response={
        200: ToolCallAnswer,
        400: ErrorAnswer,
        403: ErrorAnswer,
        409: ErrorAnswer,
        411: ErrorAnswer,
        413: ErrorAnswer,
        422: ErrorAnswer,
        **ERRORS,
    },
)
@decorate_view(_at_once)
def call_tool(request: HttpRequest, connection: Path[str], name: Path[str], payload: ToolCallRequest) -> Any:
    """Fire a tool. 200 with anything the agent can act on: `accepted`, `refused` by a rule, `failed` at
    the carrier while the answer waited for it, or `done`."""
    return written(fired(_connection(request), name, payload))


@api.get(
    "/c/{connection}/messages/{message_id}",
    auth=ConnectionSecret(),
    response={200: MessageAnswer, 422: ErrorAnswer, **ERRORS},
)
def message_state(request: HttpRequest, connection: Path[str], message_id: Path[UUID]) -> Any:
    """Where a text stands that this connection has asked for."""
    message = Message.objects.filter(pk=message_id, tool_call__call__connection=_connection(request)).first()
    if message is None:
        raise Problem(404, "unknown_message", "This connection has sent no such message.")
    return {
        "messageId": message.pk,
        "state": message.state,
        "say": told(message).say,
        "updatedAt": message.updated_at,
        "errorCode": message.error_code,
    }


@api.get(
    "/c/{connection}/prompt",
    auth=ConnectionSecret(),
    response={200: PromptAnswer, 304: None, **ERRORS},
    openapi_extra=conditional.DOCUMENTED,
)
def prompt(request: HttpRequest, connection: Path[str]) -> Any:
    """The campaign's instructions and topics, ready to be an agent's system prompt."""
    compiled = tools.compiled_prompt(_connection(request).campaign)
    version = toolsets.prompt_version(compiled)
    return conditional.answered(request, {"prompt": compiled, "version": version})


@api.get("/healthz", tags=["operations"], response=dict[str, str])
def healthz(request: HttpRequest) -> Any:
    """The process answers."""
    return {"status": "ok"}


@api.get("/readyz", tags=["operations"], response={200: dict[str, str], 503: dict[str, str]})
def readyz(request: HttpRequest) -> Any:
    """The database answers too: requests may be sent here."""
    with database.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": "ok"}


def _connection(request: HttpRequest) -> Connection:
    opened: Connection = request.auth  # type: ignore[attr-defined]
    return opened


def _error(status: int, code: str, message: str, say: str = TRY_AGAIN) -> HttpResponse:
    return api.create_response(HttpRequest(), {"error": code, "message": message, "say": say}, status=status)


@api.exception_handler(Problem)
def _on_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    # One that came up while it was opened has no connection here, and is noted there.
    opened = getattr(request, "auth", None)
    if opened:
        problem.note(opened)
    return _error(problem.status, problem.code, str(problem), problem.say)


@api.exception_handler(AuthenticationError)
def _on_wrong_secret(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return _error(
        401,
        "wrong_secret",
        "Send this connection's secret as “Authorization: Bearer …”; the campaign's page makes a new one.",
    )


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("body", "payload"))
    failure = Failure.NO_CALL if field == "callId" else None
    return _on_problem(
        request,
        Problem(
            422, "invalid_request", f"{field or 'The body'}: {first['msg']}", failure=failure, detail=field
        ),
    )


@api.exception_handler(HttpError)
def _on_no_json(request: HttpRequest, error: HttpError) -> HttpResponse:
    # The framework turns whatever the parser raises into this.
    problem = Problem(
        error.status_code,
        "invalid_json",
        "The body must be one JSON object in UTF-8, without NaN and without a name twice (RFC 8259).",
    )
    return _on_problem(request, problem)


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _on_database_gone(request: HttpRequest, error: DatabaseError) -> HttpResponse:
    match = request.resolver_match
    return _on_problem(request, unavailable(error, match.kwargs.get("name", "") if match else ""))
