"""The first page: what ops need on a Monday morning. Each query is bounded by time and number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from builder.linting import Known
from builder.models import SmsAction, Topic
from campaigns import tools
from campaigns.models import Campaign, Connection, reaches
from sms import outbox
from sms.models import Message, Sender, SmsTemplate, State, UserProfile
from sms.oncall import TONES, state_label
from sms.pages import label

RECENT = timedelta(hours=24)
# A text that somebody got twice is rare, and worth knowing for longer.
RARE = timedelta(days=30)
# A worker takes a text within a second; one that is due for this long is not being taken.
STUCK = timedelta(seconds=60)
# Beyond this a tile says "10000+": counting on would take longer than anybody waits.
MOST_COUNTED = 10_000
MOST_SHOWN = 12
MOST_CHECKED = 200

TROUBLE = [State.FAILED, State.UNDELIVERED, State.UNKNOWN, State.EXPIRED]
TILES = {
    "Delivered": [State.DELIVERED],
    "On the way": [State.ACCEPTED, State.SENT],
    "Waiting": [State.QUEUED, State.SUBMITTING, State.UNCONFIRMED, State.HELD],
    "Did not arrive": [State.UNDELIVERED, State.FAILED, State.UNKNOWN, State.EXPIRED],
    "Not wanted": [State.BLOCKED, State.CANCELED],
}


@dataclass(frozen=True, slots=True)
class Part:
    """The texts of one state: how many, and where they are listed."""

    label: SafeString
    url: str


@dataclass(frozen=True, slots=True)
class Tile:
    """Several states that mean the same on a Monday morning."""

    title: str
    count: str
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not configured, and where to mend it."""

    what: str
    why: str
    url: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the first set-up."""

    title: str
    what: str
    url: str
    done: bool


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of /admin/, with what whoever asks may see."""
    may: Any = request.user.has_perm
    since = timezone.now() - RECENT
    steps = _steps(request) if may("campaigns.add_campaign") and may("builder.add_topic") else []
    context |= {
        "steps": steps,
        "first_steps": steps and not (_can_send(request) and all(step.done for step in steps[1:])),
        "problems": _problems(request)[:MOST_SHOWN],
        "may_nothing": not request.user.get_all_permissions(),
        "phone": f"http://127.0.0.1:{settings.SIMULATOR_PORT}/" if settings.DEMO else "",
    }
    if may("sms.view_sender"):
        context["held"] = Sender.objects.filter(held_at__isnull=False).order_by("held_at")[:MOST_SHOWN]
    if may("sms.view_message"):
        context |= {
            "tiles": _tiles(since),
            "stuck": _counted(
                Message.objects.filter(state=State.QUEUED, next_attempt_at__lte=timezone.now() - STUCK)
            ),
            "doubled": _counted(
                Message.objects.filter(duplicate_detected=True, created_at__gte=timezone.now() - RARE)
            ),
            "trouble": _trouble(since),
            "messages_url": reverse("admin:sms_message_changelist"),
        }
    return context


def _tiles(since: datetime) -> list[Tile]:
    listed = reverse("admin:sms_message_changelist")
    tiles = []
    for title, states in TILES.items():
        total, parts = 0, []
        for state in states:
            count = _count(Message.objects.filter(state=state, created_at__gte=since))
            total += count
            if count:
                url = f"{listed}?state__exact={state}&since=24h"
                parts.append(Part(label(f"{state.label} {_words(count)}", TONES[state]), url))
        tiles.append(Tile(title, _words(total), parts))
    return tiles


def _trouble(since: datetime) -> list[dict[str, Any]]:
    # One index range a state; together they would be read as one long range of all states.
    recent = Message.objects.filter(created_at__gte=since).order_by("-created_at")
    # What waits for the morning is in no trouble.
    held = recent.filter(outbox.AWAKE, state=State.HELD)
    found = list(held[:MOST_SHOWN])
    for state in TROUBLE:
        found += recent.filter(state=state)[:MOST_SHOWN]
    newest = sorted(found, key=lambda message: message.created_at, reverse=True)[:MOST_SHOWN]
    return [{"message": message, "label": state_label(message.state)} for message in newest]


def _problems(request: HttpRequest) -> list[Problem]:
    may: Any = request.user.has_perm
    found: list[Problem] = []
    if may("sms.view_smstemplate"):
        found += _cannot_send(SmsTemplate, "SMS template")
    if may("builder.view_smsaction"):
        found += _cannot_send(SmsAction, "SMS action")
    if may("builder.view_topic"):
        found += _dangling()
    if may("campaigns.view_campaign"):
        found += _campaigns()
    return found


def _cannot_send(model: type[SmsTemplate] | type[SmsAction], noun: str) -> list[Problem]:
    """One entry for each obstacle: ten templates without credentials are one thing to mend."""
    sendables: Any = model.objects.filter(is_active=True).select_related("owner__sms_profile")
    by_obstacle: dict[tuple[str, int], list[Any]] = {}
    for sendable in sendables[:MOST_CHECKED]:
        obstacle = sendable.obstacle()
        if obstacle:
            by_obstacle.setdefault((obstacle, sendable.owner_id), []).append(sendable)
    return [
        Problem(
            f"{noun} {', '.join(str(sendable) for sendable in stuck[:3])}{' …' if len(stuck) > 3 else ''}",
            obstacle,
            _change(stuck[0]),
        )
        for (obstacle, _), stuck in by_obstacle.items()
    ]


def _dangling() -> list[Problem]:
    """What an agent is told to send and cannot, because it is not there."""
    topics = Topic.objects.filter(is_active=True).exclude(actions="")
    topics = topics.prefetch_related("campaigns")[:MOST_CHECKED]
    known = Known.of(topic.actions for topic in topics)
    return [
        Problem(f"Topic {topic}", finding.message, _change(topic))
        for topic in topics
        for finding in topic.open_findings(reaches(topic), known)
        if finding.is_error or finding.code in ("inactive-template", "not-shared")
    ]


def _campaigns() -> list[Problem]:
    found = []
    campaigns = Campaign.objects.select_related("owner")
    campaigns = campaigns.prefetch_related("topics", "actions__owner", "connections")
    for campaign in campaigns[:MOST_CHECKED]:
        integrations = reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])
        if not campaign.is_active:
            found.append(
                Problem(f"Campaign {campaign}", "It is switched off: nothing is sent.", _change(campaign))
            )
            continue
        actions = any(action.is_active for action in campaign.actions.all())
        references = any(topic.is_active and topic.references for topic in campaign.topics.all())
        why = []
        if not actions and not references:
            why.append("It has no tools: the agent cannot text.")
        elif actions and references and (names := tools.clashes(campaign)):
            why.append(f"Two tools are called {names[0]}: rename one.")
        why += [
            tools.not_shared(action, campaign)
            for action in campaign.actions.all()
            if not action.is_open_to(campaign.owner_id)
        ]
        if all(connection.revoked_at for connection in campaign.connections.all()):
            why.append("No agent is connected to it.")
        if why:
            found.append(Problem(f"Campaign {campaign}", " ".join(why), integrations))
    return found


def _steps(request: HttpRequest) -> list[Step]:
    profile = UserProfile.of(request.user)
    campaign = Campaign.objects.order_by("pk").first()
    campaigns = reverse("admin:campaigns_campaign_changelist")
    integrations = (
        reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]) if campaign else campaigns
    )
    return [
        Step(
            "Enter your Twilio credentials",
            "On your profile, once. With Atlas alone you can skip this.",
            reverse("admin:sms_userprofile_me"),
            profile.has_credentials,
        ),
        Step(
            "Write an SMS template",
            "Build > SMS: the text, and when the agent should send it.",
            reverse("admin:sms_smstemplate_add"),
            SmsTemplate.objects.exists(),
        ),
        Step(
            "Add a managed topic",
            "Build > Managed Topics: what the agent knows, and which text it may offer.",
            reverse("admin:builder_topic_add"),
            Topic.objects.exists(),
        ),
        Step(
            "Put it in a campaign",
            "Campaigns: the instructions and the topics of one agent.",
            reverse("admin:campaigns_campaign_add"),
            campaign is not None,
        ),
        Step(
            "Connect your agent",
            "Campaign > Integrations > Connections: a URL and a secret to paste.",
            integrations,
            Connection.objects.filter(revoked_at=None).exists(),
        ),
    ]


def _can_send(request: HttpRequest) -> bool:
    profile = UserProfile.of(request.user)
    return any(not profile.obstacle(provider) for provider in profile.enabled_providers())


def _count(messages: Any) -> int:
    return int(messages[: MOST_COUNTED + 1].count())


def _counted(messages: Any) -> str:
    count = _count(messages)
    return _words(count) if count else ""


def _words(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def _change(thing: Any) -> str:
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
