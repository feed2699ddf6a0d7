"""What happens when a tool fires: decided, durably promised, and answered."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from psycopg import Cursor
from psycopg.types.json import Jsonb

from campaigns import safeguards
from campaigns.models import Call, Connection, Consent, ToolCall
from campaigns.safeguards import Refused, Request
from campaigns.tools import (
    BODY,
    CONSENT,
    RECIPIENT,
    WORDS,
    BadParameters,
    Offered,
    StopTexting,
    Tool,
    checked,
)
from sms import doorbell, numbers, outbox, text
from sms.models import Message, OptOut, ProviderName

# The same text in the same call within this is the same request, made again, whatever its tool call id.
SAME_REQUEST_WITHIN = timedelta(minutes=2)


MAX_EVIDENCE_CHARACTERS = 300


class KeyReused(ValueError):
    """A tool call id comes again with another request than before."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One tool call as the runtime frames it. `caller_number` is E.164 or "", from the envelope."""

    connection: Connection
    call_id: str
    tool_call_id: str
    caller_number: str
    caller_name: str
    parameters: Mapping[str, Any]

    def key(self) -> str:
        """What makes a second request the same: the runtime's id, or one of ours where it gives none."""
        return self.tool_call_id or f"ours:{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent is told. `status` is "accepted", "refused" or "done", `say` one true line to speak."""

    status: str
    say: str
    message_id: uuid.UUID | None = None
    code: str = ""


def fire(tool: Offered, firing: Firing) -> Answer:
    """Decide on one tool call and answer it; if the answer is "accepted", the text is durably promised.

    A call that comes again is answered as the first time. Raises BadParameters, KeyReused, and
    campaigns.models.CallNumberChanged, with nothing written.
    """
    if isinstance(tool, StopTexting):
        return _stop_texting(tool, firing)
    values = checked(tool.parameters["properties"], firing.parameters)
    if tool.texts_anyone:
        # However the model writes it the second time, it is the same number. What is none is refused later.
        with suppress(numbers.NotANumber):
            values[RECIPIENT] = numbers.parse(values[RECIPIENT], firing.connection.campaign.country)
    body = text.fill(tool.template.body, values) if tool.template else values[BODY]
    if len(body) > text.MAX_BODY_CHARACTERS:
        raise BadParameters(
            f"The text has {len(body)} characters, {text.MAX_BODY_CHARACTERS} is the most.",
            "That text is too long to send. I'll make it shorter.",
        )
    fingerprint = _fingerprint(tool.name, values)
    return _at_once(tool, firing, values, body, fingerprint) or _step_by_step(
        tool, firing, values, body, fingerprint
    )


def _at_once(
    tool: Tool, firing: Firing, values: dict[str, str], body: str, fingerprint: str
) -> Answer | None:
    """The usual case in one statement: a call's first text, with nothing in its way.

    None, with at most the call noted, if anything is: then it is decided step by step.
    """
    try:
        recipient = safeguards.permitted_recipient(_request(tool, firing, firing.caller_number, values))
    except Refused:
        return None
    message = _message(tool, recipient, body)
    say = _on_its_way(recipient)
    arguments = {
        "connection": firing.connection.pk,
        "call_id": firing.call_id,
        "number": firing.caller_number,
        "caller_name": firing.caller_name,
        "key": firing.key(),
        "fingerprint": fingerprint,
        "tool": tool.name,
        "action": tool.action.pk if tool.action else None,
        "parameters": Jsonb(values),
        "say": say,
        "campaign": firing.connection.campaign_id,
        "words": values.get(CONSENT, ""),
        "consented": tool.needs_consent,
        **outbox.promise_values(message),
    }
    connection.ensure_connection()
    # psycopg's own cursor, because Django's binds on the client's side, which cannot be prepared.
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        passed = cursor.execute(_PROMISE, arguments, prepare=True).fetchone()
    if not passed:
        return None
    transaction.on_commit(doorbell.ring, robust=True)
    return Answer(ToolCall.Outcome.ACCEPTED, say, message.pk)


_PROMISE = f"""
WITH call AS (
    INSERT INTO campaigns_call AS known (connection_id, external_id, caller_number, caller_name, started_at)
    VALUES (%(connection)s, %(call_id)s, %(number)s, %(caller_name)s, statement_timestamp())
    ON CONFLICT (connection_id, external_id) DO NOTHING
    RETURNING id
), gate AS (
    SELECT id FROM call WHERE {outbox.NOTHING_IN_THE_WAY}
), {outbox.PROMISE.format(gate="gate")}, fired AS (
    INSERT INTO campaigns_toolcall
        (call_id, key, fingerprint, tool, action_id, parameters, outcome, refusal, say, message_id, at)
    SELECT id, %(key)s, %(fingerprint)s, %(tool)s, %(action)s::bigint, %(parameters)s, 'accepted', '',
        %(say)s, %(id)s::uuid, statement_timestamp()
    FROM gate
    RETURNING id
), consent AS (
    INSERT INTO campaigns_consent (recipient, words, tool_call_id, campaign_id, given_at)
    SELECT %(recipient)s, %(words)s, id, %(campaign)s, statement_timestamp() FROM fired WHERE %(consented)s
)
SELECT id FROM gate
"""


def _step_by_step(tool: Tool, firing: Firing, values: dict[str, str], body: str, fingerprint: str) -> Answer:
    try:
        with transaction.atomic():
            call, is_new = Call.noted(
                firing.connection, firing.call_id, firing.caller_number, firing.caller_name
            )
            first = None if is_new else _first(call, firing.tool_call_id, fingerprint)
            if first:
                return _answer(first)
            return _decide(tool, firing, call, values, body, fingerprint)
    except IntegrityError:
        # The constraint, not the check before it, decides between two that are new in one instant.
        call = Call.objects.get(connection=firing.connection, external_id=firing.call_id)
        first = _first(call, firing.tool_call_id, fingerprint)
        if first is None:
            raise
        return _answer(first)


def _decide(
    tool: Tool, firing: Firing, call: Call, values: dict[str, str], body: str, fingerprint: str
) -> Answer:
    fired = ToolCall(
        call=call,
        key=firing.key(),
        fingerprint=fingerprint,
        tool=tool.name,
        action=tool.action,
        parameters=values,
    )
    try:
        recipient = safeguards.permitted_recipient(_request(tool, firing, call.caller_number, values))
        message = _message(tool, recipient, body)
        safeguards.ask_the_database(message)
    except Refused as refusal:
        fired.outcome = ToolCall.Outcome.REFUSED
        fired.refusal = refusal.rule.code
        fired.say = refusal.rule.say
        fired.save(force_insert=True)
        return _answer(fired)
    outbox.accept(message)
    fired.outcome = ToolCall.Outcome.ACCEPTED
    fired.say = _on_its_way(recipient)
    fired.message = message
    fired.save(force_insert=True)
    if tool.needs_consent:
        Consent.objects.create(
            recipient=recipient,
            words=values[CONSENT],
            tool_call=fired,
            campaign_id=firing.connection.campaign_id,
        )
    transaction.on_commit(doorbell.ring, robust=True)
    return _answer(fired)


def _stop_texting(tool: StopTexting, firing: Firing) -> Answer:
    """Opt the caller's own number out, whatever the campaign's state and whatever the model wrote beside."""
    written = str(firing.parameters.get(WORDS) or "")[:MAX_EVIDENCE_CHARACTERS]
    values = {WORDS: "".join(char if char.isprintable() else " " for char in written)}
    fingerprint = _fingerprint(tool.name, {})
    with transaction.atomic():
        call, _ = Call.noted(firing.connection, firing.call_id, firing.caller_number, firing.caller_name)
        first = firing.tool_call_id and _first(call, firing.tool_call_id, fingerprint)
        if first:
            return _answer(first)
        fired = ToolCall(
            call=call, key=firing.key(), fingerprint=fingerprint, tool=tool.name, parameters=values
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


def _request(tool: Tool, firing: Firing, caller_number: str, values: Mapping[str, str]) -> Request:
    return Request(
        campaign=firing.connection.campaign,
        source=tool.source,
        texts_anyone=tool.texts_anyone,
        needs_consent=tool.needs_consent,
        caller_number=caller_number,
        asked_number=values.get(RECIPIENT, ""),
        consent=values.get(CONSENT, ""),
    )


def _message(tool: Tool, recipient: str, body: str) -> Message:
    source, profile = tool.source, tool.source.owner_profile()
    return Message.promise(
        tool=tool.name,
        template=tool.template,
        provider=source.provider,
        profile=None if source.provider == ProviderName.ATLAS else profile,
        account_sid=profile.account_sid(source.provider),
        sender=source.effective_sender(),
        recipient=recipient,
        country=numbers.country(recipient),
        body=body,
        segments=text.size(body).segments,
        send_within_seconds=source.send_within_seconds,
    )


def _on_its_way(recipient: str) -> str:
    return f"The text is on its way to {numbers.spoken(recipient)}."


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


def _answer(fired: ToolCall) -> Answer:
    return Answer(status=fired.outcome, say=fired.say, message_id=fired.message_id, code=fired.refusal)


def _fingerprint(tool: str, values: Mapping[str, str]) -> str:
    # A model words the same consent differently the second time; the text is still the same text.
    asked = {name: value for name, value in values.items() if name != CONSENT}
    return hashlib.sha256(json.dumps([tool, asked], sort_keys=True).encode()).hexdigest()
