"""The HTTP door for agent runtimes, one URL a connection."""

from __future__ import annotations

import json
import logging
import math
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Path, Query, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security import HttpBearer
from pydantic import BaseModel

from campaigns import conditional, tools, toolsets
from campaigns.firing import Answer, Firing, KeyReused, MustOpenAgain, fire
from campaigns.models import ID_CHARACTERS, CallNumberChanged, Connection, Contact, Failure
from campaigns.parameters import BadParameters
from campaigns.problems import MAX_NAME_SHOWN, Problem
from campaigns.runtimes import DEFINITIONS
from campaigns.runtimes.base import strict_json
from campaigns.safeguards import PLAIN
from campaigns.telling import told
from campaigns.tools import TRY_AGAIN
from campaigns.waiting import answer_by
from sms import languages, numbers
from sms.languages import TAG_CHARACTERS
from sms.models import Message

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
MAX_LENGTH_DIGITS = 16
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


def length(request: HttpRequest) -> float:
    """How many bytes the request says that its body has; infinitely many if what it says is no number."""
    written = request.META.get("CONTENT_LENGTH") or "0"
    is_number = written.isascii() and written.isdigit() and len(written) <= MAX_LENGTH_DIGITS
    return int(written) if is_number else math.inf


def refuse_large(request: HttpRequest, most_bytes: int) -> None:
    """Raise Problem, before anything is read, for a body that is too long or does not say how long it is."""
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # WSGI reads as much as is announced, and would find this body empty.
        raise Problem(411, "length_required", "Send the body in one piece, with its Content-Length.")
    if length(request) > most_bytes:
        raise Problem(413, "body_too_large", f"The body may have {most_bytes // 1024} KB at most.")


class StrictJson(Parser):
    """JSON as RFC 8259 has it: an object, no NaN, no name twice."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        return strict_json(request.body)


class ConnectionSecret(HttpBearer):
    """The secret of the connection in the path. `request.auth` is that connection."""

    def __call__(self, request: HttpRequest) -> Connection | None:
        # Not the library's, which reads all headers for this one.
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        is_bearer = scheme.lower() == self.openapi_scheme
        return self.authenticate(request, token.strip() if is_bearer else "")

    def authenticate(self, request: HttpRequest, token: str) -> Connection | None:
        assert request.resolver_match is not None
        slug = request.resolver_match.kwargs["connection"]
        found = self.open(slug, token)
        if found is None:
            return None
        # Behind the secret, so that a stranger cannot learn our limits; before the body is read.
        try:
            refuse_large(request, MAX_BODY_BYTES)
        except Problem as problem:
            problem.note(found)
            raise
        return found

    def open(self, slug: str, secret: str) -> Connection | None:
        return toolsets.opened(slug, secret)


class KeptSecret(ConnectionSecret):
    """The same, as this process knows it already: `request.auth.is_kept` says that it may be revoked."""

    def open(self, slug: str, secret: str) -> Connection | None:
        return toolsets.kept(slug, secret) or super().open(slug, secret)


class ErrorAnswer(Schema):
    """A broken request. `error` is a stable code, `message` for whoever mends it, `say` for the agent."""

    error: str
    message: str
    say: str


class ToolCallRequest(BaseModel):
    """One tool call, as the runtime (not the model) frames it."""

    callId: str = Field(
        min_length=1, max_length=ID_CHARACTERS, description="The runtime's id of the phone call."
    )
    toolCallId: str = Field(
        "",
        max_length=ID_CHARACTERS,
        description="The runtime's id of this tool call. A request that comes again with it is answered as "
        "the first time, and sends nothing more.",
    )
    customerPhoneNumber: str = Field(
        "", max_length=40, description="The caller's number, best in E.164: +13125550100."
    )
    customerName: str = Field(
        "", max_length=100, description="The caller's name, for templates that have it in their text."
    )
    language: str = Field(
        "",
        max_length=TAG_CHARACTERS,
        description="The call's language, such as en, es or pt-BR: texts are sent in it where there is one. "
        "The campaign's, if it is not given.",
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="What the model filled in; see the tool's schema."
    )


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


@api.post(
    "/c/{connection}/tools/{name}",
    auth=KeptSecret(),
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
def call_tool(request: HttpRequest, connection: Path[str], name: Path[str], payload: ToolCallRequest) -> Any:
    """Fire a tool. 200 with anything the agent can act on: `accepted`, `refused` by a rule, `failed` at
    the carrier while the answer waited for it, or `done`."""
    opened = _connection(request)
    try:
        answer = fired(opened, name, payload)
    except (Problem, MustOpenAgain):
        if not opened.is_kept:
            raise
        again = ConnectionSecret()(request)
        if again is None:
            raise AuthenticationError from None
        answer = fired(again, name, payload)
    # As ToolCallAnswer has it, but written here: a caller waits for it, and the schema would check it again.
    written = {
        "status": answer.status,
        "say": answer.say,
        "messageId": str(answer.message_id) if answer.message_id else None,
        "code": answer.code,
    }
    return HttpResponse(json.dumps(written), content_type="application/json; charset=utf-8")


def fired(opened: Connection, name: str, payload: ToolCallRequest, by: float | None = None) -> Answer:
    """The answer to a tool call, whichever door it came by, and by when: answer_by() of the request if it has
    more than this one. Raises Problem, and MustOpenAgain."""
    if opened.must_sign:
        raise Problem(
            403,
            "must_be_signed",
            "This connection's requests must be signed, so its secret fires nothing. Make another connection "
            "for this runtime, or stop checking signatures, on the campaign's page.",
        )
    for value in (payload.callId, payload.toolCallId, payload.customerName):
        if not value.isprintable():
            raise Problem(422, "invalid_request", "An id or a name holds a character that is not text.")
    try:
        answer = fire(
            toolsets.toolset(opened).named(name),
            Firing(
                connection=opened,
                call_id=payload.callId,
                tool_call_id=payload.toolCallId,
                caller_number=_caller_number(payload.customerPhoneNumber, opened.campaign.country),
                caller_name=payload.customerName,
                language=_language(payload.language) or opened.campaign.language,
                parameters=payload.parameters,
                answer_by=answer_by() if by is None else by,
            ),
        )
    except toolsets.UnknownTool as error:
        raise Problem(404, "unknown_tool", str(error), error.say, detail=name[:MAX_NAME_SHOWN]) from None
    except BadParameters as error:
        raise Problem(422, "invalid_parameters", str(error), error.say, detail=str(error)) from error
    except KeyReused:
        raise Problem(
            409, "tool_call_id_reused", "This toolCallId came before with another request."
        ) from None
    except CallNumberChanged:
        raise Problem(
            409, "caller_changed", "This callId came before with another customerPhoneNumber."
        ) from None
    Contact.note_call(opened.pk)
    return answer


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


def _caller_number(written: str, country: str) -> str:
    if not written:
        return ""
    try:
        return numbers.parse(written, country)
    except numbers.NotANumber as error:
        raise Problem(
            422,
            "invalid_number",
            f"customerPhoneNumber: {error}",
            "I can't see your number on this call, so I couldn't send the text.",
        ) from error


def _language(written: str) -> str:
    if not written:
        return ""
    try:
        return languages.parse(written)
    except languages.NotALanguage as error:
        raise Problem(422, "invalid_language", f"language: {error}") from error


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
    logger.error("the database does not answer: %s", error)
    return _error(503, "unavailable", "The database does not answer. Try again.")
