"""Manage Tools: each tool with who sends it, whether it can be sent, and where else it is attached; and what
still speaks of one that is detached.

However many there are, all rows of the page take as many queries as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Model, Prefetch
from django.urls import reverse

from builder import prompt
from builder.models import SmsAction, Topic
from campaigns import switches, tools
from campaigns.forms import ManageToolsForm
from campaigns.models import Campaign, ToolChange
from sms import health
from sms.health import Health, Texts
from sms.models import Message, Sendable, SmsTemplate
from sms.pages import may_see

# Which rows are shown, as a person chooses them, and the mark that those rows have.
SHOWN = {
    "": "All",
    "attached": "Attached",
    "detached": "Not attached",
    "healthy": "Healthy",
    "ailing": "Needs attention",
    "mine": "Mine",
}
MAX_QUERY_CHARACTERS = 200
NOT_SEEN = "that you may not see"

# The texts of the newest tool calls of actions, as sms.health.texts() asks for them: in the order of the
# index tool_call_by_action.
OF_ACTIONS = """
    SELECT fired.action_id AS thing,
        text.id, text.created_at, text.state, text.provider_sid, text.error_code, text.reason
    FROM (
        SELECT action_id, message_id FROM campaigns_toolcall
        WHERE action_id >= thing.id AND action_id IS NOT NULL
        ORDER BY action_id, at DESC
        LIMIT %(limit)s
    ) fired
    JOIN sms_message text ON text.id = fired.message_id
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A tool as the page shows it. Where whoever asks may not see what it comes from, `health` is None, and
    they learn its name and no more."""

    name: str
    source: Sendable | None = None
    health: Health | None = None
    sender: str = ""
    url: str = ""
    failed_url: str = ""
    is_attached: bool = False
    is_selected: bool = False
    is_mine: bool = False
    elsewhere: list[Campaign] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)
    unseen_topics: int = 0

    @property
    def what(self) -> str:
        """What is sent, and to whom."""
        action = self.source
        if not isinstance(action, SmsAction):
            return ""
        text = f"Sends “{action.template}”" if action.template else "The agent writes the text"
        whom = "to the caller" if action.recipient == SmsAction.Recipient.CALLER else "to anyone"
        return f"{text}, {whom}"

    @property
    def marks(self) -> set[str]:
        """Under which of SHOWN it is found."""
        found = {"attached" if self.is_attached else "detached"}
        found |= {"mine"} if self.is_mine else set()
        return found | ({"healthy" if self.health.is_good else "ailing"} if self.health else set())

    def fits(self, query: str, shown: str) -> bool:
        """Whether it is what somebody looks for. The page's script decides it by all that the row shows."""
        if shown and shown not in self.marks:
            return False
        words = [self.name, self.what, *map(str, self.elsewhere)]
        if self.source and self.health:
            words += [self.source.description, self.source.provider, str(self.source.owner), self.sender]
            words += [self.health.label, self.health.why]
        text = "\n".join(words).lower()
        return all(word in text for word in query.lower().split())


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the campaign's prompt that speaks of a tool. `url` and `line` are "" where whoever asks may
    not see it."""

    place: str
    url: str = ""
    line: str = ""


class Eyes:
    """What a user may see of the tools of a campaign."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self._open: dict[type[Model], bool] = {}

    def open(self, model: type[Model]) -> bool:
        """Whether they may open a model's pages."""
        if model not in self._open:
            self._open[model] = may_see(self.user, model)
        return self._open[model]

    def see(self, thing: Sendable | Topic) -> bool:
        """Whether they may know more of a thing than its name: of their own they do."""
        return self.open(type(thing)) or thing.owner_id == self.user.pk

    def url(self, thing: Model) -> str:
        """The thing's page; "" if they cannot open it."""
        model = type(thing)
        if not self.open(model):
            return ""
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[thing.pk])


def rows(form: ManageToolsForm) -> list[Row]:
    """The SMS actions that a campaign has and could have, the attached ones first."""
    others = Prefetch("campaigns", Campaign.objects.exclude(pk=form.campaign.pk).only("name"))
    actions = list(
        form.available.select_related("template", "owner__sms_profile")
        .prefetch_related(others)
        .order_by("name")
    )
    selected, attached = form.selected, form.attached
    eyes, found = Eyes(form.user), _texts(actions, OF_ACTIONS)
    carriers = health.Carriers.now()
    listed = []
    for action in actions:
        state: dict[str, Any] = {"is_attached": action.pk in attached, "is_selected": action.pk in selected}
        if not eyes.see(action):
            listed.append(Row(action.name, action, **state))
            continue
        elsewhere = list(action.campaigns.all()) if eyes.open(Campaign) else []
        health_of = health.of(
            action,
            carriers,
            found.get(action.pk, Texts()),
            tools.withheld(action, form.campaign),
            _scopes(form.campaign, action),
        )
        listed.append(_row(action, health_of, eyes, elsewhere=elsewhere, **state))
    return sorted(listed, key=lambda row: not row.is_attached)


def topic_rows(campaign: Campaign, user: Any) -> list[Row]:
    """The templates that come with the campaign's topics; what is no template stands there by its name."""
    references: dict[str, list[Topic]] = {}
    for topic in tools.active_topics(campaign):
        for name in topic.references:
            references.setdefault(name, []).append(topic)
    templates = {
        template.name: template
        for template in SmsTemplate.objects.filter(name__in=references).select_related("owner__sms_profile")
    }
    eyes, found = Eyes(user), _texts(templates.values(), health.OF_TEMPLATES)
    carriers = health.Carriers.now()
    listed = []
    for name in sorted(references):
        topics = [topic for topic in references[name] if eyes.see(topic)]
        where: dict[str, Any] = {"topics": topics, "unseen_topics": len(references[name]) - len(topics)}
        template = templates.get(name)
        if template is None or not eyes.see(template):
            listed.append(Row(name, template, **where))
        else:
            health_of = health.of(
                template,
                carriers,
                found.get(template.pk, Texts()),
                tools.withheld(template, campaign),
                _scopes(campaign, template),
            )
            listed.append(_row(template, health_of, eyes, **where))
    return listed


def _scopes(campaign: Campaign, source: Sendable) -> list[str]:
    """By what the texts of a tool can be paused, beside its sender and its account."""
    template = source.template if isinstance(source, SmsAction) else None
    return [switches.scope_of(each) for each in (campaign, source, template) if each]


def _texts(things: Iterable[Sendable], newest: str) -> dict[int, Texts]:
    return health.texts([thing.pk for thing in things], newest)


def _row(source: Sendable, known: Health, eyes: Eyes, **state: Any) -> Row:
    failed = known.texts.failed
    return Row(
        source.name,
        source,
        known,
        sender=health.sender_words(source),
        url=eyes.url(source),
        failed_url=reverse("admin:sms_message_change", args=[failed])
        if failed and eyes.open(Message)
        else "",
        is_mine=source.owner_id == eyes.user.pk,
        **state,
    )


def mentions(campaign: Campaign, name: str, user: Any) -> list[Mention]:
    """Where the campaign's instructions and topics speak of a tool by its name."""
    eyes = Eyes(user)
    found = []
    if line := prompt.mention(campaign.instructions, name):
        url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        found.append(Mention("The campaign's instructions", url, line))
    unseen = 0
    for topic in campaign.topics.all():
        lines = {
            "Actions": prompt.mention(topic.actions, name),
            "Content": prompt.mention(topic.content, name),
        }
        if any(lines.values()) and not eyes.see(topic):
            unseen += 1
            continue
        off = "" if topic.is_active else ", which is switched off"
        found += [
            Mention(f"The {part} of the topic “{topic}”{off}", eyes.url(topic), line)
            for part, line in lines.items()
            if line
        ]
    if unseen:
        found.append(Mention(f"{unseen} managed topic{'s' if unseen > 1 else ''} {NOT_SEEN}"))
    return found


def said(campaign: Campaign, changes: Iterable[ToolChange]) -> str:
    """What was done, and from when on it holds."""
    done = []
    for what in ToolChange.What:
        names = [change.tool for change in changes if change.what == what]
        if names:
            done.append(f"{_and(names)} {what.value}")
    if not done:
        return "Nothing was changed."
    off = "" if campaign.is_active else " The campaign is switched off: until it is on, nothing is sent."
    return (
        f"{'; '.join(done)}. Agents see it from their next call of the tools list; firing obeys at once.{off}"
    )


def last_edited(campaign: Campaign, offered: Iterable[tools.Tool]) -> datetime:
    """When something that the tools are made of was last stored."""
    moments = [campaign.updated_at]
    moments += tools.active_topics(campaign).values_list("updated_at", flat=True)
    moments += campaign.tool_changes.values_list("at", flat=True)[:1]
    for tool in offered:
        moments += [source.updated_at for source in (tool.source, tool.template) if source]
    return max(moments)


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
