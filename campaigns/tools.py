"""The tools of a campaign as an agent sees them: names, descriptions, JSON schemas, and the prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet

from builder import prompt
from builder.models import SmsAction
from campaigns.models import Campaign, Connection
from sms import text
from sms.models import SmsTemplate

MAX_CONSENT_CHARACTERS = 500
MAX_NAMES_SHOWN = 10

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


def _string(description: str, max_length: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


@dataclass(frozen=True)
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

    @cached_property
    def description(self) -> str:
        """What the model reads: what ops wrote, then the rules that apply whatever they wrote."""
        whom = "a number that the caller gives" if self.texts_anyone else "the caller's own number"
        rules = [f"Sends one text message (SMS) to {whom}."]
        if self.needs_consent:
            rules.append("Ask the caller first, and call this only after they agree.")
        return " ".join([self.source.description.strip(), *rules])

    @cached_property
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


class StopTexting:
    """A tool of every campaign: the caller says aloud that they want no more texts."""

    name = "stop_texting"
    description = (
        "Use this when the caller says that they do not want text messages from us any more. It stops them "
        "for good, from every number."
    )
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {WORDS: _string("What the caller said, in their own words.", MAX_CONSENT_CHARACTERS)},
        "required": [WORDS],
        "additionalProperties": False,
    }


Offered = Tool | StopTexting


@dataclass(frozen=True)
class Toolset:
    """All that an agent of a campaign is offered, as of one revision of the configuration."""

    revision: int
    campaign: Campaign
    tools: dict[str, Offered]

    def named(self, name: str) -> Offered:
        """The tool of that name. Raises UnknownTool."""
        try:
            return self.tools[name]
        except KeyError:
            raise UnknownTool(name) from None


_toolsets: dict[int, Toolset] = {}


def toolset(connection: Connection) -> Toolset:
    """What the connection's campaign offers now.

    Kept in this process for as long as nothing in the configuration has changed: reading it takes longer than
    all else that a caller waits for.
    """
    kept = _toolsets.get(connection.campaign_id)
    if kept is None or kept.revision != connection.revision:
        campaign = Campaign.objects.get(pk=connection.campaign_id)
        found = {tool.name: tool for tool in offered(campaign)}
        kept = _toolsets[connection.campaign_id] = Toolset(connection.revision, campaign, found)
    return kept


def offered(campaign: Campaign) -> list[Offered]:
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


def _referenced(campaign: Campaign) -> QuerySet[SmsTemplate]:
    """The active templates that the campaign's active topics refer to."""
    topics = campaign.topics.filter(is_active=True).values_list("actions", flat=True)
    names = {name for actions in topics for name in prompt.references(actions)}
    return SmsTemplate.objects.filter(name__in=names, is_active=True)


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


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name[:64]}”" for name in list(names)[:MAX_NAMES_SHOWN]) or "none"
