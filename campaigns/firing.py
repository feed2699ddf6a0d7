"""What happens when a tool fires: decided, durably promised, and answered."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ObjectDoesNotExist
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models.functions import Now

from builder import patience
from builder.postgresql.base import of_this_thread
from campaigns import counting, safeguards
from campaigns.drafts import Caller
from campaigns.models import LONGEST_CALL, Call, Connection, Consent, ToolCall
from campaigns.parameters import checked
from campaigns.safeguards import Refused, Request
from campaigns.statements import Statement
from campaigns.telling import ON_ITS_WAY, Told, on_its_way, told, told_again
from campaigns.tools import (
    CONSENT,
    RECIPIENT,
    REFUSED_WITHOUT,
    WORDS,
    GetSmsStatus,
    Offered,
    StopTexting,
    Tool,
)
from campaigns.waiting import Wait, waiting
from sms import doorbell, numbers, outbox
from sms.models import Message, OptOut
from sms.outbox import Promise

# The same text in the same call within this is the same request, made again, whatever its tool call id.
SAME_REQUEST_WITHIN = timedelta(minutes=2)
# The answer's status where the carrier's answer was waited for, and the text has come to nothing.
FAILED = "failed"

MAX_EVIDENCE_CHARACTERS = 300
NOTHING_SENT = "I haven't sent any text in this call."


class KeyReused(ValueError):
    """A tool call id comes again with another request than before."""


class MustOpenAgain(Exception):
    """Not decided, and nothing promised: the connection was a kept one, and more must be known."""


class Firing(NamedTuple):
    """One tool call as the runtime frames it. `caller_number` is E.164 or "", from the envelope."""

    connection: Connection
    call_id: str
    tool_call_id: str
    caller_number: str
    caller_name: str
    # The call's, as languages.parse() has it.
    language: str
    parameters: Mapping[str, Any]
    # When the request has to be answered, as campaigns.waiting.answer_by() has it.
    answer_by: float

    def key(self) -> str:
        """What makes a second request the same: the runtime's id, or one of ours where it gives none."""
        return self.tool_call_id or f"ours:{uuid.uuid4()}"


class Answer(NamedTuple):
    """What the agent is told. `status` is "accepted", "refused", "failed" or "done", `say` one true line to
    speak, `code` says which rule refused or what failed."""

    status: str
    say: str
    message_id: uuid.UUID | None = None
    code: str = ""


def fire(tool: Offered, firing: Firing) -> Answer:
    """Decide on one tool call and answer it; if the answer is "accepted", the text is durably promised.

    Where the tool waits for the carrier, the answer says what came of the text, if that is known in time. A
    request that comes again, by its tool call id, is answered as the first time, and the same text asked for
    once more, that it was asked for already; or both, what became of it if it has failed meanwhile. Raises
    BadParameters, KeyReused, and campaigns.models.CallNumberChanged, with nothing written; by a connection
    that was kept, MustOpenAgain.
    """
    if not isinstance(tool, Tool):
        if firing.connection.is_kept:
            raise MustOpenAgain
        return _stop_texting(tool, firing) if isinstance(tool, StopTexting) else _status(tool, firing)
    values = checked(tool, firing.parameters)
    if tool.texts_anyone:
        # However the model writes it the second time, it is the same number. What is none is refused later.
        with suppress(numbers.NotANumber):
            values[RECIPIENT] = numbers.dictated(values[RECIPIENT], firing.connection.campaign.country)
    language = tool.wording.language(firing.language) if tool.wording else ""
    fingerprint = _fingerprint(tool.name, values, language)
    if not tool.source.wait_seconds:
        return _decided(tool, firing, values, fingerprint, None)
    with waiting(tool.source.wait_seconds, firing.answer_by) as wait:
        answer = _decided(tool, firing, values, fingerprint, wait)
        return _once_known(answer, wait) if wait else answer


def _decided(
    tool: Tool, firing: Firing, values: dict[str, str], fingerprint: str, wait: Wait | None
) -> Answer:
    answer = None if tool.is_capped else _at_once(tool, firing, values, fingerprint, wait)
    if answer is None and firing.connection.is_kept:
        raise MustOpenAgain
    return answer or _step_by_step(tool, firing, values, fingerprint, wait)


def _once_known(answer: Answer, wait: Wait) -> Answer:
    """The answer with what became of its text; as it was, if that is not known in time."""
    if answer.message_id != wait.message_id:
        return answer
    try:
        message = wait.outcome()
        if message.state in ON_ITS_WAY:
            return answer
        known = told(message)
        ToolCall.objects.filter(message=message).update(say=known.say)
    except (OperationalError, InterfaceError):
        # Promised it is; a database that dies now takes nothing back.
        connection.close()
        return answer
    return _in_words(message.pk, known)


def _in_words(message_id: uuid.UUID, known: Told) -> Answer:
    status = FAILED if known.in_vain else ToolCall.Outcome.ACCEPTED
    return Answer(status, known.say, message_id, known.code)


def _at_once(
    tool: Tool, firing: Firing, values: dict[str, str], fingerprint: str, wait: Wait | None
) -> Answer | None:
    """The usual case in one statement: a call's first text, with nothing in its way.

    None, with at most the call noted, if anything is: then it is decided step by step. What was read earlier,
    of the connection and of the configuration, is still true where the revision is still the same.
    """
    try:
        request = _request(tool, firing, Caller(firing.caller_number, firing.caller_name), values)
        safeguards.permitted(request)
    except Refused:
        return None
    promise = _promise(request, wait)
    say = safeguards.held(request) or on_its_way(promise.recipient)
    arguments = {
        "revision": firing.connection.revision,
        "connection": firing.connection.pk,
        "call_id": firing.call_id,
        "number": firing.caller_number,
        "caller_name": firing.caller_name,
        "key": firing.key(),
        "fingerprint": fingerprint,
        "parameters": json.dumps(values),
        "say": say,
        "campaign": firing.connection.campaign_id,
        "words": values.get(CONSENT, ""),
        "repeat_after": timedelta(minutes=request.campaign.minutes_before_repeat or 0),
        "texts_per_number": request.campaign.texts_per_number,
        **promise.values(),
    }
    try:
        places_left = _executed(arguments, tool)
    except (OperationalError, InterfaceError):
        # Of a request that comes again there is nothing to fear: if this one was stored, it is found.
        if not (firing.connection.is_kept and patience.died(connection)):
            raise
        connection.close()
        return None
    if places_left is None:
        return None
    if places_left == counting.LOW_PLACES:
        # Promised it is, whatever comes of this.
        with suppress(DatabaseError, InterfaceError, ObjectDoesNotExist):
            counting.refill(request.lane, promise.segments)
    return Answer(ToolCall.Outcome.ACCEPTED, say, promise.id)


def _executed(arguments: dict[str, Any], tool: Tool) -> int | None:
    """None if the text is not promised. If it is, a worker is told; for how many more there are places."""
    database = of_this_thread()
    if database.connection is None:
        database.ensure_connection()
    with database.wrap_database_errors:
        places_left = _PROMISE.first(database.connection, arguments, tool.encoded)
    if places_left is not None:
        if database.in_atomic_block:
            database.on_commit(doorbell.ring, robust=True)
        else:
            doorbell.ring()
    return places_left


_ALLOWED = f"{outbox.NOTHING_IN_THE_WAY} AND {outbox.NO_REPEAT}"
_PROMISE = Statement(
    "promise",
    f"""
WITH call AS (
    INSERT INTO campaigns_call AS known (connection_id, external_id, caller_number, caller_name, started_at)
    SELECT %(connection)s, %(call_id)s, %(number)s, %(caller_name)s, statement_timestamp()
    WHERE COALESCE((SELECT number FROM campaigns_revision LIMIT 1), 0) = %(revision)s
    ON CONFLICT (connection_id, external_id) DO NOTHING
    RETURNING id
), {counting.COUNTED.format(allowed=_ALLOWED)}, {outbox.PROMISE.format(gate="counted")}, fired AS (
    INSERT INTO campaigns_toolcall
        (call_id, key, fingerprint, tool, action_id, parameters, outcome, refusal, say, message_id, at)
    SELECT id, %(key)s, %(fingerprint)s, %(tool)s, %(action)s::bigint, %(parameters)s, 'accepted', '',
        %(say)s, %(id)s::uuid, statement_timestamp()
    FROM counted
    RETURNING id
), consent AS (
    INSERT INTO campaigns_consent (recipient, caller_name, words, tool_call_id, campaign_id, given_at)
    SELECT %(recipient)s, %(caller_name)s, %(words)s, id, %(campaign)s, statement_timestamp()
    FROM fired WHERE %(consented)s
)
SELECT places_left FROM counted
""",
)


def _step_by_step(
    tool: Tool, firing: Firing, values: dict[str, str], fingerprint: str, wait: Wait | None
) -> Answer:
    try:
        with transaction.atomic():
            call, is_new = Call.noted(
                firing.connection, firing.call_id, firing.caller_number, firing.caller_name
            )
            first = None if is_new else _first(call, firing.tool_call_id, fingerprint)
            if first:
                return _again(first, firing.tool_call_id)
            return _decide(tool, firing, call, values, fingerprint, wait)
    except IntegrityError:
        # The constraint, not the check before it, decides between two that are new in one instant.
        call = Call.objects.get(connection=firing.connection, external_id=firing.call_id)
        first = _first(call, firing.tool_call_id, fingerprint)
        if first is None:
            raise
        return _again(first, firing.tool_call_id)


def _decide(
    tool: Tool, firing: Firing, call: Call, values: dict[str, str], fingerprint: str, wait: Wait | None
) -> Answer:
    fired = ToolCall(
        call=call,
        key=firing.key(),
        fingerprint=fingerprint,
        tool=tool.name,
        action=tool.action,
        parameters=values,
        at=Now(),
    )
    try:
        request = _request(tool, firing, Caller(call.caller_number, call.caller_name), values, call)
        safeguards.permitted(request)
        safeguards.ask_the_database(request)
        safeguards.count(request)
    except Refused as refusal:
        fired.outcome = ToolCall.Outcome.REFUSED
        fired.refusal = refusal.rule.code
        fired.say = refusal.say
        fired.save(force_insert=True)
        return _answer(fired)
    promise = _promise(request, wait)
    outbox.accept(promise)
    fired.outcome = ToolCall.Outcome.ACCEPTED
    fired.say = safeguards.held(request) or on_its_way(promise.recipient)
    fired.message_id = promise.id
    fired.save(force_insert=True)
    if tool.needs_consent:
        Consent.objects.create(
            recipient=promise.recipient,
            caller_name=call.caller_name,
            words=values[CONSENT],
            tool_call=fired,
            campaign_id=firing.connection.campaign_id,
            given_at=Now(),
        )
    transaction.on_commit(doorbell.ring, robust=True)
    return _answer(fired)


def _stop_texting(tool: StopTexting, firing: Firing) -> Answer:
    """Opt the caller's own number out, whatever the campaign's state and whatever the model wrote beside."""
    written = str(firing.parameters.get(WORDS) or "")[:MAX_EVIDENCE_CHARACTERS]
    values = {WORDS: "".join(char if char.isprintable() else " " for char in written)}
    fingerprint = _fingerprint(tool.name, {}, "")
    with transaction.atomic():
        call, _ = Call.noted(firing.connection, firing.call_id, firing.caller_number, firing.caller_name)
        first = firing.tool_call_id and _first(call, firing.tool_call_id, fingerprint)
        if first:
            return _answer(first)
        fired = ToolCall(
            call=call, key=firing.key(), fingerprint=fingerprint, tool=tool.name, parameters=values, at=Now()
        )
        if call.caller_number:
            outbox.opt_out(call.caller_number, OptOut.Source.CALL, values[WORDS])
            fired.outcome = ToolCall.Outcome.DONE
            fired.say = "Done. You won't get any more text messages from us."
        else:
            fired.outcome = ToolCall.Outcome.REFUSED
            fired.refusal = safeguards.NO_CALLER_NUMBER.code
            fired.say = "I can't see your number on this call. Text STOP to any of our messages instead."
        fired.save(force_insert=True)
    return _answer(fired)


def _status(tool: GetSmsStatus, firing: Firing) -> Answer:
    """Where the call's last text stands. It is another answer each time, so each asking is on record."""
    with transaction.atomic():
        call, _ = Call.noted(firing.connection, firing.call_id, firing.caller_number, firing.caller_name)
        # What is older was another call's, whose id the runtime uses again.
        texts = Message.objects.filter(tool_call__call=call, created_at__gte=Now() - LONGEST_CALL)
        last = texts.order_by("-created_at").first()
        known = told(last) if last else Told(False, NOTHING_SENT, "nothing_sent")
        ToolCall.objects.create(
            call=call,
            # A runtime's own id may be one that it used for a text.
            key=f"ours:{uuid.uuid4()}",
            fingerprint=_fingerprint(tool.name, {}, ""),
            tool=tool.name,
            outcome=ToolCall.Outcome.DONE,
            say=known.say,
            at=Now(),
        )
    return Answer(ToolCall.Outcome.DONE, known.say, last.pk if last else None, known.code)


def _request(
    tool: Tool, firing: Firing, caller: Caller, values: Mapping[str, str], call: Call | None = None
) -> Request:
    return Request(firing.connection.campaign, tool, caller, values, firing.language, call)


def _promise(request: Request, wait: Wait | None) -> Promise:
    """The text that is asked for, to whom it may go. Nobody waits for one that goes out in the morning."""
    hours, not_before = request.campaign.quiet_hours, request.not_before
    if not_before:
        wait = None
    return Promise(
        request.tool.terms,
        recipient=request.recipient,
        country=numbers.country(request.recipient),
        body=request.draft.body,
        segments=request.draft.size.segments,
        wait=wait.bound if wait else None,
        quiet_hours=hours,
        not_before=not_before,
        quiet_at=hours.closes(request.recipient, request.at) if hours and not not_before else None,
        id=wait.message_id if wait else uuid.uuid4(),
    )


def _first(call: Call, tool_call_id: str, fingerprint: str) -> ToolCall | None:
    """The tool call that this one repeats, if it does. Raises KeyReused."""
    if tool_call_id:
        first = ToolCall.objects.filter(call=call, key=tool_call_id).first()
        if first and first.fingerprint != fingerprint:
            raise KeyReused
        if first:
            return first
    return ToolCall.objects.filter(
        call=call,
        fingerprint=fingerprint,
        outcome=ToolCall.Outcome.ACCEPTED,
        at__gte=Now() - SAME_REQUEST_WITHIN,
    ).first()


def _again(first: ToolCall, tool_call_id: str) -> Answer:
    """As the first time, if that request is made again; that it was asked for already, if only the model asks
    again; or, where the text has come to nothing meanwhile, what became of it."""
    if first.message is None:
        return _answer(first)
    known = told(first.message)
    if known.in_vain:
        return _in_words(first.message.pk, known)
    if first.key == tool_call_id:
        return _answer(first)
    return Answer(first.outcome, told_again(first.message), first.message.pk)


def _answer(fired: ToolCall) -> Answer:
    return Answer(status=fired.outcome, say=fired.say, message_id=fired.message_id, code=fired.refusal)


def _fingerprint(tool: str, values: Mapping[str, str], language: str) -> str:
    # A model words the same consent differently the second time; the text is still the same text.
    asked = {name: value for name, value in values.items() if name not in REFUSED_WITHOUT}
    return hashlib.sha256(_in_order([tool, language, asked]).encode()).hexdigest()


_in_order = json.JSONEncoder(sort_keys=True).encode
