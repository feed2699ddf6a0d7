"""What all doors of runtimes share: the tool call as a runtime frames it, how long it may be, its answer."""

from __future__ import annotations

import math
from typing import Any

from django.http import HttpRequest
from ninja import Field
from pydantic import BaseModel

from campaigns import toolsets
from campaigns.firing import Answer, Firing, KeyReused, fire
from campaigns.models import ID_CHARACTERS, CallNumberChanged, Connection, Contact
from campaigns.parameters import BadParameters
from campaigns.problems import MAX_NAME_SHOWN, Problem
from campaigns.waiting import answer_by
from sms import languages, numbers
from sms.languages import TAG_CHARACTERS

MAX_BODY_BYTES = 64 * 1024
MAX_LENGTH_DIGITS = 16


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


def written(answer: Answer) -> dict[str, str | None]:
    """The answer where it is not a vendor that says how it is written: as campaigns.api.ToolCallAnswer."""
    return {
        "status": str(answer.status),
        "say": answer.say,
        "messageId": str(answer.message_id) if answer.message_id else None,
        "code": answer.code,
    }


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
