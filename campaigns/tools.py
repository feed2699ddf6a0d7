"""The tools of a campaign as an agent sees them: names, descriptions, JSON schemas, and the prompt."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet

from builder import prompt
from builder.models import SmsAction, Topic
from campaigns import switches
from campaigns.content import BODY, Content
from campaigns.drafts import Author
from campaigns.models import RECIPIENT as RECIPIENT
from campaigns.models import Campaign
from campaigns.statements import Encoded, encoded
from campaigns.wording import Wording, schema
from sms.models import Pause, SmsTemplate, Variable, is_capped
from sms.models.pauses import template_scope
from sms.outbox import values_of
from sms.terms import Terms

MAX_CONSENT_CHARACTERS = 500

TRY_AGAIN = "I couldn't send the text just now. Let me try again."

CONSENT = "consent"
WORDS = "words"
# The last digits of the number to text, as the caller confirmed them.
CONFIRMED = "recipient_confirmed"
CONFIRMED_DIGITS = 4
# Without these a text is refused, by a rule of its own, and the request is not broken.
REFUSED_WITHOUT = (CONFIRMED, CONSENT)


def _string(description: str, max_length: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": max_length}


@dataclass(frozen=True)
class Tool:
    """An attached SMS action, or a template that a topic of the campaign refers to."""

    source: SmsAction | SmsTemplate
    # Its name, which texts may carry.
    campaign: str = ""
    # Why it is not sent in this campaign, though elsewhere it may be.
    withheld: str = ""
    # By what its texts can be paused, beside the template.
    scopes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.source.name

    @cached_property
    def is_capped(self) -> bool:
        """Whether its owner may send so many texts a day and no more: then each is counted."""
        return is_capped(self.source.provider)

    @cached_property
    def obstacle(self) -> str:
        """Why nothing can be sent with it, in plain words for ops; "" if it can."""
        return self.withheld or self.source.obstacle()

    @cached_property
    def pause(self) -> Pause | None:
        """What its texts are paused by, which starting and ending changes the configuration's revision."""
        own = [] if self.template is None else [template_scope(self.template.pk)]
        return Pause.against([*self.scopes, *own], self.terms.account_sid, self.terms.sender)

    @cached_property
    def terms(self) -> Terms:
        """What a text of it is promised with."""
        return self.source.terms(self.template.pk if self.template else None, self.scopes)

    @cached_property
    def encoded(self) -> Encoded:
        """What each of its texts is stored with, for the statement of campaigns.firing that stores them."""
        return encoded(
            {
                **values_of(self.terms),
                "action": self.action.pk if self.action else None,
                "consented": self.needs_consent,
            }
        )

    @property
    def action(self) -> SmsAction | None:
        return self.source if isinstance(self.source, SmsAction) else None

    @property
    def template(self) -> SmsTemplate | None:
        """The template that fixes the text; None where the agent writes it."""
        return self.source.template if isinstance(self.source, SmsAction) else self.source

    @cached_property
    def wording(self) -> Wording | None:
        """What the template's texts say; None where the agent writes them."""
        return Wording(self.template, self.campaign) if self.template else None

    @cached_property
    def content(self) -> Content | None:
        """The rules for what the agent writes; None where a template fixes the text."""
        return Content(self.action) if self.action and not self.template else None

    @cached_property
    def author(self) -> Author:
        """Who makes its texts: the template, or the agent by the action's rules."""
        author = self.wording or self.content
        assert author
        return author

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
        return f"{self.source.description.strip()} {self.rules}"

    @cached_property
    def rules(self) -> str:
        """What applies whatever ops wrote, in plain words."""
        whom = "a number that the caller gives" if self.texts_anyone else "the caller's own number"
        rules = [f"Sends one text message (SMS) to {whom}."]
        if self.needs_consent:
            rules.append("Ask the caller first, and call this only after they agree.")
        return " ".join(rules)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of what the model must fill, and nothing else."""
        properties: dict[str, Any] = {}
        if self.texts_anyone:
            properties[RECIPIENT] = _string(
                "The phone number to text, with country code, such as +13125550100. Read it back to the "
                "caller, digit by digit, before you call this.",
                40,
            )
            properties[CONFIRMED] = _string(
                f"The last {CONFIRMED_DIGITS} digits of that number, as the caller confirmed them after you "
                "read it back, such as 0100. Never fill this in without asking.",
                40,
            )
        properties |= {name: schema(variable) for name, variable in self.asked.items()}
        if self.content:
            properties[BODY] = self.content.schema()
        if self.needs_consent:
            properties[CONSENT] = _string(
                "What the caller said when you asked whether you may text them, in their own words.",
                MAX_CONSENT_CHARACTERS,
            )
        return {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name not in self.may_be_missing],
            "additionalProperties": False,
        }

    @cached_property
    def asked(self) -> dict[str, Variable]:
        """The template's variables that the model fills, by name."""
        return self.wording.asked if self.wording else {}

    @cached_property
    def may_be_missing(self) -> set[str]:
        """The parameters that the model may leave out."""
        return {name for name, variable in self.asked.items() if variable.may_be_missing}


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


class GetSmsStatus:
    """A tool of every campaign: what became of the call's last text."""

    name = "get_sms_status"
    description = (
        "Use this when the caller asks whether a text message that you sent in this call has arrived, or "
        "says that it has not. It tells where the last one stands."
    )
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


Standing = GetSmsStatus | StopTexting
# Sorted by their names.
OF_EVERY_CAMPAIGN: tuple[Standing, ...] = (GetSmsStatus(), StopTexting())
Offered = Tool | Standing


def offered(campaign: Campaign, topics: Iterable[Topic] | None = None) -> list[Offered]:
    """All that an agent of the campaign is offered: its own tools, and those that every campaign has."""
    return [*of(campaign, topics), *OF_EVERY_CAMPAIGN]


def of(campaign: Campaign, topics: Iterable[Topic] | None = None) -> list[Tool]:
    """The campaign's tools by name, in a stable order; with other `topics` in place of its own, if given.

    An attached action goes before a template of the same name; the forms refuse such a pair.
    """
    actions = SmsAction.objects.filter(attachments__campaign=campaign, is_active=True)
    actions = actions.select_related("template", "owner__sms_profile").prefetch_related(
        "template__typed_variables", "template__translations"
    )
    found = {action.name: _tool(action, campaign) for action in actions}
    for tool in of_topics(active_topics(campaign) if topics is None else topics, campaign):
        found.setdefault(tool.name, tool)
    return [found[name] for name in sorted(found)]


def of_topics(topics: Iterable[Topic], campaign: Campaign | None = None) -> list[Tool]:
    """The tools that topics bring with them, into a campaign or any."""
    templates = _referenced(topics).select_related("owner__sms_profile").order_by("name")
    return [
        _tool(template, campaign)
        for template in templates.prefetch_related("typed_variables", "translations")
    ]


def _tool(source: SmsAction | SmsTemplate, campaign: Campaign | None) -> Tool:
    if campaign is None:
        return Tool(source)
    own = [switches.scope_of(source)] if isinstance(source, SmsAction) else []
    scopes = (switches.scope_of(campaign), *own)
    return Tool(source, campaign.name, withheld(source, campaign), scopes)


def withheld(source: SmsAction | SmsTemplate, campaign: Campaign) -> str:
    """Why a campaign does not send what others may, in plain words for ops; "" if it does."""
    # Who shared it may have stopped, and it was attached or referred to while they did.
    return "" if source.is_open_to(campaign.owner_id) else not_shared(source, campaign)


def not_shared(source: SmsAction | SmsTemplate, campaign: Campaign) -> str:
    """That a campaign does not send what its owner may not use, in plain words for ops."""
    return (
        f"“{source}” belongs to {source.owner}, who does not share it, so it is not sent in this campaign of "
        f"{campaign.owner}'s."
    )


def active_topics(campaign: Campaign) -> QuerySet[Topic]:
    """The topics that an agent of the campaign gets."""
    return campaign.topics.filter(is_active=True)


def compiled_prompt(campaign: Campaign, topics: Iterable[Topic] | None = None) -> str:
    """The campaign's instructions and topics as an agent's system prompt, references resolved to tools; with
    other `topics` in place of its own, if given."""
    topics = list(active_topics(campaign) if topics is None else topics)
    names = {tool.name for tool in of(campaign, topics)}
    parts = [campaign.instructions.strip()] if campaign.instructions.strip() else []
    if topics:
        parts.append("# Topics")
    parts += [section(topic, names) for topic in topics]
    return "\n\n".join(parts) + "\n"


def section(topic: Topic, names: Collection[str]) -> str:
    """What the prompt says of one topic, where the tools of these names are available."""

    def spell(name: str) -> str:
        return f"`{name}`" if name in names else f"`{name}` (not available now)"

    lines = [f"## {topic.name}"]
    if topic.questions:
        lines.append("Callers ask, for example:")
        lines += [f"- {question}" for question in topic.questions]
    if topic.content.strip():
        lines += ["", topic.content.strip()]
    if topic.actions.strip():
        lines += ["", "What to do: " + prompt.resolve(topic.actions.strip(), spell)]
    return "\n".join(lines)


def clashes(campaign: Campaign) -> list[str]:
    """The names that two tools of the campaign share, in capitals or not."""
    actions = SmsAction.objects.filter(attachments__campaign=campaign).values_list("name", flat=True)
    names = [*actions, *_referenced(active_topics(campaign)).values_list("name", flat=True)]
    lowered = [name.lower() for name in names]
    return sorted({name for name in names if lowered.count(name.lower()) > 1})


def _referenced(topics: Iterable[Topic]) -> QuerySet[SmsTemplate]:
    """The active templates that topics refer to."""
    names = {name for topic in topics for name in topic.references}
    return SmsTemplate.objects.filter(name__in=names, is_active=True)
