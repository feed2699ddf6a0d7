"""What an agent will read: prompt and tools of a campaign, and of those that use a topic as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from builder.models import MAX_QUESTIONS, Topic
from campaigns import tools
from campaigns.models import Campaign
from campaigns.runtimes import generic
from sms import text
from sms.pages import may_see

if TYPE_CHECKING:
    from campaigns.admin import TopicAdmin

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool, for people and as a runtime gets it. `obstacle` is why nothing can be sent with it.

    `unseen` is what it comes from, where whoever asks may not see that; then they learn its name and no more.
    """

    name: str
    description: str = ""
    obstacle: str = ""
    parameters: list[dict[str, Any]] = field(default_factory=list)
    json: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What an agent gets. `own` is a topic's part of the prompt, between what stands before and after it."""

    before: str
    own: str
    after: str
    tools: list[OfferedTool]
    campaign: Campaign | None = None


def given(campaign: Campaign, user: Any, topic: Topic | None = None) -> Given:
    """What an agent of the campaign gets, as far as the user may see it; with a topic as it is here in place
    of the stored one."""
    topics = list(tools.active_topics(campaign))
    if topic:
        topics = _with(topics, topic)
    offered = tools.offered(campaign, topics)
    prompt = tools.compiled_prompt(campaign, topics)
    own = tools.section(topic, {tool.name for tool in offered}) if topic and topic.is_active else ""
    before, found, after = prompt.partition(own) if own else (prompt, "", "")
    return Given(before, found, after, [shown(tool, user) for tool in offered], campaign)


def _with(topics: list[Topic], topic: Topic) -> list[Topic]:
    place = next((place for place, other in enumerate(topics) if other.pk == topic.pk), len(topics))
    return [*topics[:place], *([topic] if topic.is_active else []), *topics[place + 1 :]]


def _alone(topic: Topic, user: Any) -> Given:
    """What an agent would get of a topic that stands in no campaign yet."""
    offered = tools.of_topics([topic])
    own = tools.section(topic, {tool.name for tool in offered})
    return Given("", own, "", [shown(tool, user) for tool in offered])


def shown(tool: tools.Offered, user: Any) -> OfferedTool:
    """A tool, as far as the user may see it."""
    if unseen := _unseen(tool, user):
        return OfferedTool(tool.name, unseen=unseen)
    required = tool.parameters["required"]
    return OfferedTool(
        tool.name,
        tool.description,
        _obstacle(tool) if isinstance(tool, tools.Tool) else "",
        [
            {"name": name, "is_required": name in required, **schema}
            for name, schema in tool.parameters["properties"].items()
        ],
        json.dumps(generic.definition(tool), indent=2, ensure_ascii=False),
    )


def _obstacle(tool: tools.Tool) -> str:
    return tool.pause.words if tool.pause else tool.obstacle


def may_be_seen(tool: tools.Offered, user: Any) -> bool:
    """Whether the user may see what a tool is made of."""
    return not _unseen(tool, user)


def _unseen(tool: tools.Offered, user: Any) -> str:
    made_of = (tool.source, tool.template) if isinstance(tool, tools.Tool) else ()
    hidden = (each for each in made_of if each and not may_see(user, type(each)))
    return next((str(each._meta.verbose_name_plural) for each in hidden), "")


class Preview:
    """The views that show it beside a topic's form."""

    def __init__(self, page: TopicAdmin) -> None:
        self.page = page

    def urls(self) -> list[URLPattern]:
        """Their addresses, each behind the log-in."""
        protect = self.page.admin_site.admin_view
        return [
            path("<int:pk>/agent/", protect(self.topic), name="builder_topic_agent"),
            path("agent/", protect(self.new), name="builder_topic_agent_new"),
        ]

    def topic(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A stored topic, as it is stored or, posted, as it is typed."""
        topic = get_object_or_404(Topic, pk=pk)
        if not self.page.has_view_permission(request, topic):
            raise PermissionDenied
        return self._render(request, topic)

    def new(self, request: HttpRequest) -> HttpResponse:
        """A topic that is not stored yet, as it is typed."""
        if not self.page.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:builder_topic_add"))
        return self._render(request, Topic())

    def _render(self, request: HttpRequest, topic: Topic) -> HttpResponse:
        stored = str(topic)
        if request.method == "POST":
            _take(topic, request)
        sees_campaigns = may_see(request.user, Campaign)
        campaigns = topic.campaigns.all()[:MOST_SHOWN] if sees_campaigns and topic.pk else []
        user = request.user
        found = [given(campaign, user, topic) for campaign in campaigns] or [_alone(topic, user)]
        context = {
            **self.page.admin_site.each_context(request),
            "opts": self.page.opts,
            "original": topic if topic.pk else None,
            "title": stored or "A new topic",
            "crumb": "What the agent reads",
            "topic": topic,
            "is_typed": request.method == "POST",
            "given": found,
            "in_campaigns": bool(campaigns),
            "may_see": sees_campaigns,
        }
        request.current_app = self.page.admin_site.name
        return render(request, "campaigns/topic_agent.html", context)


def _take(topic: Topic, request: HttpRequest) -> None:
    """Take over what was typed. It need not be fit to be saved."""
    topic.name = request.POST.get("name", "").strip() or "(no name yet)"
    topic.questions = _lines(request.POST.get("questions", ""))
    topic.content = text.one_line_break(request.POST.get("content", ""))
    topic.actions = text.one_line_break(request.POST.get("actions", ""))
    topic.is_active = "is_active" in request.POST


def _lines(written: str) -> list[str]:
    lines: Iterable[str] = (line.strip() for line in written.splitlines())
    return [line for line in lines if line][:MAX_QUESTIONS]
