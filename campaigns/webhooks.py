"""The doors of runtimes that call by a webhook of their own, `/c/<connection>/<runtime>`."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from campaigns import toolsets
from campaigns.doors import ToolCallRequest, fired, length, refuse_large
from campaigns.firing import FAILED, Answer
from campaigns.models import Connection, Contact, Failure, SecretUse, SpentSignature
from campaigns.problems import UNAVAILABLE, Problem, unavailable
from campaigns.runtimes import WEBHOOKS
from campaigns.runtimes.base import (
    MAX_BODY_BYTES,
    Answered,
    Asked,
    NotAuthentic,
    Received,
    Unreadable,
    Webhook,
)
from campaigns.waiting import answer_by
from sms import numbers
from sms.fields import WrongEncryptionKey

logger = logging.getLogger(__name__)

# They are answered together, within the time that one may take.
MAX_CALLS = 5
# Of a request that has proved nothing no more is read, though the answer then lacks the vendor's own ids:
# taking a megabyte of JSON apart takes half a second.
MAX_UNPROVEN_BYTES = 64 * 1024
MAX_NAME_CHARACTERS = 100


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, connection: str, runtime: str) -> HttpResponse:
    """Fire the tools that a vendor's envelope asks for, each on its own and in order, and answer them all in
    the vendor's way: what the agent is told is the same as at the generic door."""
    spoken, by = WEBHOOKS[runtime], answer_by()
    received = Received(request, settings.PUBLIC_URL + request.get_full_path())
    try:
        refuse_large(request, MAX_BODY_BYTES)
        opened, proof = _proven(spoken, connection, runtime, received)
        asked = _parsed(spoken, opened, received)
        answered = [_answered(opened, each, proof, position, by) for position, each in enumerate(asked)]
    except (
        Problem,
        NotAuthentic,
        Unreadable,
        UnreadablePostError,
        OperationalError,
        InterfaceError,
    ) as error:
        problem = _problem(error, connection, runtime)
        return _refused(spoken, received, problem, is_small=length(request) <= MAX_UNPROVEN_BYTES)
    is_down = any(each.code == UNAVAILABLE for each in answered) and not spoken.always_ok
    return JsonResponse(spoken.render(answered), status=503 if is_down else 200)


def _proven(spoken: Webhook, slug: str, runtime: str, received: Received) -> tuple[Connection, str]:
    """The connection, once the request has proved to be its own, and what the proof is known by."""
    found = _reached(slug, runtime)
    try:
        proof = spoken.verify(found, received)
    except WrongEncryptionKey as error:
        raise NotAuthentic(str(error)) from None
    except NotAuthentic as error:
        Contact.note_failure(found.pk, error.failure, error.detail)
        raise
    SecretUse.note(found.pk, "" if proof else spoken.secret(received))
    return found, proof


def _parsed(spoken: Webhook, opened: Connection, received: Received) -> list[Asked]:
    """The tool calls of a request that has proved itself. Raises Unreadable, and Problem for too many."""
    try:
        asked = spoken.parse(received)
    except Unreadable as error:
        Contact.note_failure(opened.pk, Failure.BODY, str(error))
        raise
    if len(asked) > MAX_CALLS:
        problem = Problem(422, "too_many", f"One request may have {MAX_CALLS} tool calls at most.")
        problem.note(opened)
        raise problem
    return asked


def _reached(slug: str, runtime: str) -> Connection:
    found = Connection.reached(slug, runtime)
    if found is None:
        raise NotAuthentic("there is no such connection of this runtime, or it is revoked")
    return found


def _answered(opened: Connection, asked: Asked, proof: str, position: int, by: float) -> Answered:
    try:
        if position:
            # The one before may have waited for the carrier, and somebody switched everything off meanwhile.
            opened = _reached(opened.slug, opened.runtime)
        opened.campaign = toolsets.toolset(opened).campaign
        answer = _fired(opened, asked, proof, position, by)
    except (Problem, NotAuthentic, OperationalError, InterfaceError) as error:
        if isinstance(error, Problem):
            error.note(opened)
        return _told(asked, _problem(error, opened.slug, opened.runtime, asked.tool))
    return Answered(asked, answer.status, answer.say, answer.code, answer.message_id)


def _fired(opened: Connection, asked: Asked, proof: str, position: int, by: float) -> Answer:
    if not asked.tool or not asked.call_id:
        raise Problem(
            422,
            "invalid_request",
            "The request does not say which tool and which call it is for: copy the tools' definitions anew.",
            failure=Failure.UNKNOWN_TOOL if asked.call_id else Failure.NO_CALL,
        )
    if asked.parameters is None:
        raise Problem(422, "invalid_parameters", "The tool's arguments must be one JSON object.")
    tool_call_id = asked.tool_call_id
    if proof:
        call = (asked.tool, asked.call_id, asked.caller_number)
        if not asked.is_signed and not SpentSignature.spend(proof, *call):
            logger.warning("connection %s: a signature comes again for another call", opened.slug)
            raise Problem(409, "replayed", "This signature came before with another call.")
        tool_call_id = tool_call_id or f"signed:{proof}:{position}"
    try:
        payload = ToolCallRequest(
            callId=asked.call_id,
            toolCallId=tool_call_id,
            customerPhoneNumber=_number(asked.caller_number, opened.campaign.country),
            customerName="".join(filter(str.isprintable, asked.caller_name))[:MAX_NAME_CHARACTERS],
            language="",
            parameters=asked.parameters,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise Problem(422, "invalid_request", f"{first['loc'][0]}: {first['msg']}") from None
    return fired(opened, asked.tool, payload, by)


def _number(written: str, country: str) -> str:
    """The caller's number; "" for whoever hides it, or does not call from a phone."""
    try:
        return numbers.parse(written, country)
    except numbers.NotANumber:
        return ""


def _problem(error: Exception, slug: str, runtime: str, tool: str = "") -> Problem:
    """What whoever calls is told. What failed in a proof is for the log alone, and no value of it."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, NotAuthentic):
        logger.warning("connection %.24r: a request of %s is refused: %s", slug, runtime, error)
        return Problem(
            401,
            "not_authentic",
            "This request does not prove that it is this connection's: check the URL, and the secret or the "
            "signing secret, on the campaign's page.",
        )
    if isinstance(error, Unreadable):
        return Problem(400, "invalid_envelope", str(error))
    if isinstance(error, UnreadablePostError):
        return Problem(400, "invalid_envelope", "The body broke off.")
    return unavailable(error, tool)


def _told(asked: Asked, problem: Problem) -> Answered:
    return Answered(asked, FAILED, problem.say, problem.code, message=str(problem))


def _refused(spoken: Webhook, received: Received, problem: Problem, is_small: bool) -> HttpResponse:
    """A request of which nothing was decided."""
    asked: list[Asked] = []
    if spoken.always_ok and problem.status not in (411, 413) and (is_small or problem.status != 401):
        # The runtime looks for its own ids in the answer, and shows nothing without them.
        try:
            asked = spoken.parse(received)
        except (Unreadable, UnreadablePostError):
            asked = []
    if problem.status == 401:
        # A stranger's few bytes must not become many of ours.
        asked = asked[:MAX_CALLS]
    answered = [_told(each, problem) for each in asked or [Asked("", "")]]
    return JsonResponse(spoken.render(answered), status=200 if spoken.always_ok else problem.status)
