"""A tool as an agent sees it, and what happens when it fires."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.utils import timezone

from builder import prompt
from builder.models import SmsAction, Topic
from campaigns import safeguards
from campaigns.models import Call, Campaign, Connection, Consent, ToolCall
from campaigns.safeguards import Refused, Request
from sms import doorbell, numbers, outbox, text
from sms.models import Message, OptOut, ProviderName, SmsTemplate

# Without a tool call id, the same text to the same number within this is the same request, made again.
SAME_REQUEST_WITHIN = timedelta(minutes=2)
MAX_CONSENT_CHARACTERS = 500

TRY_AGAIN = "I couldn't send the text just now. Let me try again."

CONSENT = "consent"
WORDS = "words"
BODY = "message"
RECIPIENT = "to"


class UnknownTool(LookupError):
    """The campaign has no tool of that name."""


class BadParameters(ValueError):
    """The parameters do not fit the tool's schema. `say` tells the agent what to do about it."""

    def __init__(self, problem: str, say: str = TRY_AGAIN) -> None:
        super().__init__(problem)
        self.say = say


class KeyReused(ValueError):
    """A tool call id comes again with another request than before."""


def _string(description: str, max_length: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent is told. `status` is "accepted", "refused" or "done", `say` one true line to speak."""

    status: str
    say: str
    message_id: uuid.UUID | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """An attached SMS action, or a template that a topic of the campaign refers to."""

    source: SmsAction | SmsTemplate

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def action(self) -> SmsAction | None:
        return self.source if isinstance(self.source, SmsAction) else None

    @property
    def template(self) -> SmsTemplate | None:
        """The template that fixes the text; None where the agent writes it."""
        return self.source.template if isinstance(self.source, SmsAction) else self.source

    @property
    def texts_anyone(self) -> bool:
        """Whether the agent says whom to text; otherwise it is the caller."""
        return self.action is not None and self.action.recipient == SmsAction.Recipient.ANYONE

    @property
    def needs_consent(self) -> bool:
        return not self.source.transactional

    @property
    def description(self) -> str:
        """What the model reads: what ops wrote, then the rules that apply whatever they wrote."""
        whom = "a number that the caller gives" if self.texts_anyone else "the caller's own number"
        rules = [f"Sends one text message (SMS) to {whom}."]
        if self.needs_consent:
            rules.append("Ask the caller first, and call this only after they agree.")
        return " ".join([self.source.description.strip(), *rules])

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of what the model must fill, and nothing else."""
        properties: dict[str, Any] = {}
        if self.texts_anyone:
            properties[RECIPIENT] = _string(
                "The phone number to text, with country code, such as +13125550100. Read it back to the "
                "caller before you call this.",
                40,
            )
        if self.template:
            for variable in self.template.variables:
                words = variable.replace("_", " ")
                properties[variable] = _string(
                    f"The {words}, as it is to stand in the text.", text.MAX_VALUE_CHARACTERS
                )
        else:
            properties[BODY] = _string(
                "The text to send, complete and ready to read.", text.MAX_BODY_CHARACTERS
            )
        if self.needs_consent:
            properties[CONSENT] = _string(
                "What the caller said when you asked whether you may text them, in their own words.",
                MAX_CONSENT_CHARACTERS,
            )
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def fire(
        self,
        connection: Connection,
        *,
        call_id: str,
        tool_call_id: str,
        caller_number: str,
        caller_name: str,
        parameters: Mapping[str, Any],
    ) -> Answer:
        """Decide on one tool call and answer it; if the answer is "accepted", the text is durably promised.

        `caller_number` is E.164 or "" and comes from the runtime's envelope. A call that comes again is
        answered as the first time. Raises BadParameters, KeyReused, and campaigns.models.CallNumberChanged,
        with nothing written.
        """
        values = checked(self.parameters["properties"], parameters)
        body = text.fill(self.template.body, values) if self.template else values[BODY]
        if len(body) > text.MAX_BODY_CHARACTERS:
            raise BadParameters(
                f"The text has {len(body)} characters, {text.MAX_BODY_CHARACTERS} is the most.",
                "That text is too long to send. I'll make it shorter.",
            )
        fingerprint = _fingerprint(self.name, values)
        try:
            with transaction.atomic():
                call, is_new = Call.noted(connection, call_id, caller_number, caller_name)
                if not is_new:
                    first = _first(call, tool_call_id, fingerprint)
                    if first:
                        return _answer(first)
                answer = self._decide(connection, call, tool_call_id, fingerprint, values, body)
        except IntegrityError:
            # The constraint, not the check before it, decides between two that are new in one instant.
            call = Call.objects.get(connection=connection, external_id=call_id)
            first = _first(call, tool_call_id, fingerprint)
            if first is None:
                raise
            return _answer(first)
        return answer

    def _decide(
        self,
        connection: Connection,
        call: Call,
        tool_call_id: str,
        fingerprint: str,
        values: dict[str, str],
        body: str,
    ) -> Answer:
        fired = ToolCall(
            call=call,
            key=tool_call_id or f"ours:{uuid.uuid4()}",
            fingerprint=fingerprint,
            tool=self.name,
            action=self.action,
            parameters=values,
        )
        request = Request(
            campaign=connection.campaign,
            source=self.source,
            texts_anyone=self.texts_anyone,
            needs_consent=self.needs_consent,
            caller_number=call.caller_number,
            asked_number=values.get(RECIPIENT, ""),
            consent=values.get(CONSENT, ""),
        )
        try:
            recipient = safeguards.permitted_recipient(request)
        except Refused as refusal:
            fired.outcome = ToolCall.Outcome.REFUSED
            fired.refusal = refusal.rule.code
            fired.say = refusal.rule.say
            fired.save(force_insert=True)
            return _answer(fired)

        profile = self.source.owner_profile()
        by_platform = self.source.provider == ProviderName.ATLAS
        message = Message.promise(
            tool=self.name,
            template=self.template,
            provider=self.source.provider,
            profile=None if by_platform else profile,
            account_sid=profile.account_sid(self.source.provider),
            sender=self.source.effective_sender(),
            recipient=recipient,
            country=numbers.country(recipient),
            body=body,
            segments=text.size(body).segments,
            send_within_seconds=self.source.send_within_seconds,
        )
        outbox.accept(message)
        fired.outcome = ToolCall.Outcome.ACCEPTED
        fired.say = f"The text is on its way to {numbers.spoken(recipient)}."
        fired.message = message
        fired.save(force_insert=True)
        if self.needs_consent:
            Consent.objects.create(
                recipient=recipient,
                words=values[CONSENT],
                tool_call=fired,
                campaign=connection.campaign,
            )
        transaction.on_commit(doorbell.ring, robust=True)
        return _answer(fired)


class StopTexting:
    """A tool of every campaign: the caller says aloud that they want no more texts."""

    name = "stop_texting"
    description = (
        "Use this when the caller says that they do not want text messages from us any more. It stops them for "
        "good, from every number."
    )
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {WORDS: _string("What the caller said, in their own words.", MAX_CONSENT_CHARACTERS)},
        "required": [WORDS],
        "additionalProperties": False,
    }

    def fire(
        self,
        connection: Connection,
        *,
        call_id: str,
        tool_call_id: str,
        caller_number: str,
        caller_name: str,
        parameters: Mapping[str, Any],
    ) -> Answer:
        """Opt the caller's own number out, whatever the campaign's state. Raises as Tool.fire()."""
        values = checked(self.parameters["properties"], parameters)
        fingerprint = _fingerprint(self.name, {})
        with transaction.atomic():
            call, _ = Call.noted(connection, call_id, caller_number, caller_name)
            first = tool_call_id and _first(call, tool_call_id, fingerprint)
            if first:
                return _answer(first)
            fired = ToolCall(
                call=call,
                key=tool_call_id or f"ours:{uuid.uuid4()}",
                fingerprint=fingerprint,
                tool=self.name,
                parameters=values,
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


def offered(campaign: Campaign) -> list[Tool | StopTexting]:
    """All that an agent of the campaign is offered: its own tools, and those that every campaign has."""
    return [*of(campaign), StopTexting()]


def of(campaign: Campaign) -> list[Tool]:
    """The campaign's tools by name, in a stable order. An attached action goes before a template of the same
    name; the forms refuse such a pair."""
    actions = SmsAction.objects.filter(attachments__campaign=campaign, is_active=True)
    found = {action.name: Tool(action) for action in actions.select_related("template", "owner__sms_profile")}
    for template in _referenced(campaign).select_related("owner__sms_profile"):
        found.setdefault(template.name, Tool(template))
    return [found[name] for name in sorted(found)]


def named(campaign: Campaign, name: str) -> Tool | StopTexting:
    """The tool of that name that an agent of the campaign is offered. Raises UnknownTool."""
    if name == StopTexting.name:
        return StopTexting()
    action = (
        SmsAction.objects.filter(attachments__campaign=campaign, name=name, is_active=True)
        .select_related("template", "owner__sms_profile")
        .first()
    )
    if action:
        return Tool(action)
    template = _referenced(campaign, name).select_related("owner__sms_profile").first()
    if template is None:
        raise UnknownTool(name)
    return Tool(template)


def compiled_prompt(campaign: Campaign) -> str:
    """The campaign's instructions and topics as an agent's system prompt, references resolved to tools."""
    names = {tool.name for tool in of(campaign)}

    def spell(name: str) -> str:
        return f"`{name}`" if name in names else f"`{name}` (not available now)"

    parts = [campaign.instructions.strip()] if campaign.instructions.strip() else []
    topics = campaign.topics.filter(is_active=True)
    if topics:
        parts.append("# Topics")
    for topic in topics:
        lines = [f"## {topic.name}"]
        if topic.questions:
            lines.append("Callers ask, for example:")
            lines += [f"- {question}" for question in topic.questions]
        if topic.content.strip():
            lines += ["", topic.content.strip()]
        if topic.actions.strip():
            lines += ["", "What to do: " + prompt.resolve(topic.actions.strip(), spell)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def clashes(campaign: Campaign) -> list[str]:
    """The names that two tools of the campaign share, in capitals or not."""
    actions = SmsAction.objects.filter(attachments__campaign=campaign).values_list("name", flat=True)
    names = [*actions, *_referenced(campaign).values_list("name", flat=True)]
    lowered = [name.lower() for name in names]
    return sorted({name for name in names if lowered.count(name.lower()) > 1})


def _referenced(campaign: Campaign, name: str = "") -> Any:
    """The active templates that the campaign's active topics refer to; with a name, that one if it is."""
    topics = Topic.objects.filter(campaigns=campaign, is_active=True)
    if name:
        # Narrows what is read; the parser decides.
        topics = topics.filter(actions__contains=name)
    referenced = {
        reference
        for actions in topics.values_list("actions", flat=True)
        for reference in prompt.references(actions)
        if not name or reference == name
    }
    return SmsTemplate.objects.filter(name__in=referenced, is_active=True)


def checked(schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters as strings, each within the schema's properties.

    Consent may be missing: that is a refusal, by the safeguards, not an error. Raises BadParameters.
    """
    unknown = [str(name) for name in parameters if name not in schema]
    if unknown:
        raise BadParameters(f"This tool has no parameter {_quoted(unknown)}; it has {_quoted(schema)}.")
    values: dict[str, str] = {}
    for name, rule in schema.items():
        value = parameters.get(name)
        if name == CONSENT and value is None:
            value = ""
        if value is None or (value == "" and name != CONSENT):
            raise BadParameters(
                f"The parameter “{name}” is missing.",
                f"Before I can send the text, I still need the {name.replace('_', ' ')}.",
            )
        if not isinstance(value, str):
            raise BadParameters(f"The parameter “{name}” must be a string.")
        if len(value) > rule["maxLength"]:
            raise BadParameters(
                f"The parameter “{name}” has {len(value)} characters, {rule['maxLength']} is the most.",
                "That is too long for a text. I'll make it shorter.",
            )
        try:
            text.refuse_unsendable(value)
        except text.CannotBeSent as error:
            raise BadParameters(f"The parameter “{name}” cannot be sent: {error}") from error
        values[name] = value
    return values


def _first(call: Call, tool_call_id: str, fingerprint: str) -> ToolCall | None:
    """The tool call that this one repeats, if it does. Raises KeyReused."""
    if tool_call_id:
        first = ToolCall.objects.filter(call=call, key=tool_call_id).first()
        if first and first.fingerprint != fingerprint:
            raise KeyReused
        return first
    return ToolCall.objects.filter(
        call=call,
        fingerprint=fingerprint,
        outcome=ToolCall.Outcome.ACCEPTED,
        at__gte=timezone.now() - SAME_REQUEST_WITHIN,
    ).first()


def _answer(fired: ToolCall) -> Answer:
    return Answer(status=fired.outcome, say=fired.say, message_id=fired.message_id, code=fired.refusal)


def _fingerprint(tool: str, values: Mapping[str, str]) -> str:
    # A model words the same consent differently the second time; the text is still the same text.
    asked = {name: value for name, value in values.items() if name != CONSENT}
    return hashlib.sha256(json.dumps([tool, asked], sort_keys=True).encode()).hexdigest()


def _quoted(names: Any) -> str:
    return ", ".join(f"“{name[:64]}”" for name in names) or "none"
