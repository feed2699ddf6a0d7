"""The campaign's page, and those of topics, templates and SMS actions, which say where they are used.

Read-only pages stand in campaigns/oncall.py, what lies under a campaign in campaigns/integrations.py and
campaigns/connecting.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import (
    Count,
    Exists,
    Model,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    prefetch_related_objects,
)
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import URLPattern
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from builder.admin import SmsActionAdmin as BareSmsActionAdmin
from builder.admin import SmsTemplateAdmin as BareSmsTemplateAdmin
from builder.admin import TopicAdmin as BareTopicAdmin
from builder.admin import UserProfileAdmin as BareUserProfileAdmin
from builder.lint import Reach
from builder.models import SmsAction, Topic
from builder.usage import NOWHERE, User
from campaigns import oncall as oncall
from campaigns import pausing as pausing
from campaigns import preview
from campaigns.braking import BrakePage, gauges
from campaigns.connecting import Connecting
from campaigns.forms import CampaignForm, KeepsTemplateApart, SmsActionForm, TopicForm, clash_after
from campaigns.integrations import Integrations
from campaigns.managing import OF_ACTIONS
from campaigns.models import Brake, Campaign, reaches
from campaigns.people import Belongs
from campaigns.preview import Preview
from campaigns.safeguards.limits import LIMITS
from campaigns.sharing import Shares
from campaigns.tools import Tool
from sms import health
from sms.admin import sent_by
from sms.health import Texts
from sms.models import Pause, SmsTemplate, UserProfile
from sms.pages import Page, label, links_to, may_see

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList


@admin.register(Campaign)
class CampaignAdmin(Belongs, Page[Campaign]):
    form = CampaignForm
    list_display: Any = ("name", "standing", "topic_count", "action_count", "connection_count", "updated_at")
    search_fields = ("name",)
    # Counting leaves the model's own order out.
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "instructions", "country", "language", "is_active")}),
        ("Managed Topics", {"fields": ("topics",)}),
        (
            "Who may be texted",
            {"fields": ("other_countries", "has_quiet_hours", "quiet_from", "quiet_until")},
        ),
        (
            "Limits",
            {
                "fields": (*(rule.field for rule in LIMITS), "minutes_before_repeat"),
                "description": "Days and hours are UTC: a day begins at 00:00 UTC. A text counts from the "
                "moment it is promised, and goes on counting if it fails later. How much is used stands "
                "under Safeguards.",
            },
        ),
        ("How long it keeps what it texted", {"fields": ("keep_days",)}),
    )

    @admin.display(description="State")
    def standing(self, obj: Any) -> SafeString:
        if not obj.is_active:
            return label("switched off", "warn")
        return label("paused", "bad") if obj.is_paused else label("on", "good")

    @admin.display(description="Topics")
    def topic_count(self, obj: Any) -> int:
        return int(obj.topic_count)

    @admin.display(description="Attached tools")
    def action_count(self, obj: Any) -> int:
        return int(obj.action_count)

    @admin.display(description="Connections")
    def connection_count(self, obj: Any) -> int:
        return int(obj.connection_count)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        campaigns: QuerySet[Campaign] = super().get_queryset(request)
        paused = Pause.objects.filter(
            scope=Concat(Value("campaign:"), Cast(OuterRef("pk"), TextField())), lifted_at=None
        )
        return campaigns.annotate(
            is_paused=Exists(paused),
            topic_count=Count("topics", distinct=True),
            action_count=Count("attachments", distinct=True),
            connection_count=Count("connections", filter=Q(connections__revoked_at=None), distinct=True),
        )

    def get_urls(self) -> list[URLPattern]:
        return [
            *Integrations(self).urls(),
            *Connecting(self).urls(),
            *BrakePage(self).urls(),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        """A campaign is stopped by pausing it; the switch of before is shown where it is off."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj and not obj.is_active:
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "is_active"]})
            for title, options in fieldsets
        ]

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Campaign | None = None,
    ) -> Any:
        if obj:
            brake = Brake.of(obj)
            context = {"brake": brake, "gauges": gauges(obj, brake), **context}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_form(
        self, request: HttpRequest, obj: Campaign | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry whose request it is.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if not change:
            obj.owner = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


@admin.register(Topic)
class TopicAdmin(Belongs, BareTopicAdmin):
    form = TopicForm
    list_display: Any = ("name", "refers_to", "problems", "used_in", "is_active", "updated_at")

    def get_urls(self) -> list[URLPattern]:
        return [*Preview(self).urls(), *super().get_urls()]

    def reaches(self, topic: Topic | None) -> list[Reach]:
        return reaches(topic) if topic and topic.pk else []

    def reaches_of(self, topics: Sequence[Topic]) -> Mapping[int, list[Reach]]:
        prefetch_related_objects(topics, "campaigns")
        return {topic.pk: reaches(topic) for topic in topics}

    def clash(self, topics: Collection[Topic], actions: Collection[SmsAction]) -> str:
        campaigns = Campaign.objects.filter(Q(topics__in=topics) | Q(actions__in=actions)).distinct()
        return clash_after(campaigns, lambda: None)

    @admin.display(description="Used in campaigns")
    def used_in(self, obj: Topic) -> SafeString | str:
        return links_to(obj.campaigns.all())

    def get_list_display(self, request: HttpRequest) -> Any:
        return _as_far_as_seen(request, self.list_display)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        return super().get_queryset(request).prefetch_related("campaigns")


@admin.register(SmsTemplate)
class SmsTemplateAdmin(Belongs, Shares, BareSmsTemplateAdmin):
    def campaigns_of(
        self, request: HttpRequest, topics: list[Topic], actions: list[SmsAction]
    ) -> Mapping[User, list[Campaign]]:
        if not may_see(request.user, Campaign):
            return {}
        prefetch_related_objects(topics, "campaigns")
        prefetch_related_objects(actions, "campaigns")
        users: list[User] = [*topics, *actions]
        return {user: list(user.campaigns.all()) for user in users}

    def get_form(
        self, request: HttpRequest, obj: SmsTemplate | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (KeepsTemplateApart, form), {})


@admin.register(UserProfile)
class UserProfileAdmin(BareUserProfileAdmin):
    def campaigns_of(
        self, request: HttpRequest, templates: list[SmsTemplate], actions: list[SmsAction]
    ) -> list[Model]:
        if not may_see(request.user, Campaign):
            return []
        by_reference = Topic.by_reference()
        topics = [topic for template in templates for topic in by_reference.get(template.name, [])]
        found = Campaign.objects.filter(Q(topics__in=topics) | Q(actions__in=actions))
        return list(found.distinct().order_by("name"))


class ActionList(ChangeList):
    """The actions of one page, with what became of the newest texts of each; by as many queries as one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        actions: list[Any] = list(self.result_list)
        found = health.texts([action.pk for action in actions], OF_ACTIONS)
        for action in actions:
            action.texts = found.get(action.pk, Texts())
        self.result_list = actions


@admin.register(SmsAction)
class SmsActionAdmin(Belongs, Shares, BareSmsActionAdmin):
    form = SmsActionForm
    list_display: Any = (
        "name",
        "what",
        "whom",
        sent_by,
        "used_in",
        "last_sent",
    )

    def agent_sees(self, request: HttpRequest, action: SmsAction) -> SafeString | str:
        # Whether it can be sent shows once it is saved: credentials may just be typed beside it.
        tool = replace(preview.shown(Tool(action), request.user), obstacle="")
        return render_to_string("campaigns/tool.html", {"tool": tool})

    @admin.display(description="Attached to")
    def used_in(self, obj: SmsAction) -> SafeString | str:
        campaigns = obj.campaigns.all()
        return links_to(campaigns) if campaigns else NOWHERE

    @admin.display(description="Last sent")
    def last_sent(self, obj: Any) -> SafeString | str:
        when = obj.texts.last_sent
        said = date_format(localtime(when), "SHORT_DATETIME_FORMAT") if when else "No recent text"
        if not obj.texts.is_failing:
            return said
        failed = '<span>{}<span class="mc-why">{}</span></span>'
        return format_html(failed, said, f"The last text failed: {obj.texts.why}")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ActionList

    def get_list_display(self, request: HttpRequest) -> Any:
        return _as_far_as_seen(request, self.list_display)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SmsAction]:
        return super().get_queryset(request).prefetch_related("campaigns")


def _as_far_as_seen(request: HttpRequest, columns: Any) -> list[Any]:
    """The columns of a list without that of the campaigns, for whoever may not see those."""
    return [each for each in columns if each != "used_in" or may_see(request.user, Campaign)]
