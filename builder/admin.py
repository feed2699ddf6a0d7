"""The pages of the Build room.

Topics, templates and SMS actions are registered by campaigns, which knows where they are used. The pages of
users are in builder/users.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from builder.content import CONTENT_FIELDS, FORM_ONLY, ContentPage
from builder.detour import LeavesForTemplate, ReturnsToTopic
from builder.exchange.pages import Exchanged
from builder.forms import SmsActionForm, TopicForm
from builder.linted import Linted
from builder.models import SmsAction, Topic
from builder.usage import InUse
from sms import arrivals, verification
from sms.admin import ONE_WAY, sent_by
from sms.admin import SmsTemplateAdmin as BareSmsTemplateAdmin
from sms.copies import Duplicates
from sms.models import ProviderName, Sendable, SmsTemplate, UserProfile
from sms.pages import OwnedPage, Page, label, links_to
from sms.profiles import UserProfileAdmin as BareUserProfileAdmin
from sms.profiles import Verifies
from sms.trying import Tries

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList


class TemplateList(ChangeList):
    """The templates of one page, with who uses them and how their texts arrive; by as many queries as one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        templates: list[Any] = list(self.result_list)
        page: Any = self.model_admin
        usages = page.usages(request, templates)
        found = arrivals.of([template.pk for template in templates])
        for template in templates:
            template.usage, template.arrivals = usages[template.pk], found[template.pk]
        self.result_list = templates


class SmsTemplateAdmin(Exchanged, ReturnsToTopic, InUse, Tries, Duplicates, BareSmsTemplateAdmin):
    """A template, which keeps in step with those who use it."""

    list_display: Any = ("name", "words", sent_by, "where_used", "last_sent")
    change_form_outer_before_template = "builder/template_head.html"

    @admin.display(description="Text")
    def words(self, obj: SmsTemplate) -> SafeString:
        return format_html(
            '<span class="mc-text">{}<span class="mc-why">{}</span></span>',
            self.text(obj),
            f"Segments: {self.segments(obj)}",
        )

    @admin.display(description="Last sent")
    def last_sent(self, obj: Any) -> SafeString | str:
        when, share = arrivals.last_sent(obj.arrivals), arrivals.share(obj.arrivals)
        if not obj.arrivals.looked_at:
            return when
        return format_html('<span>{}<span class="mc-why">In 30 days: {}</span></span>', when, share)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TemplateList


class TopicAdmin(Exchanged, Linted, LeavesForTemplate, Page[Topic]):
    form = TopicForm
    list_display: Any = ("name", "refers_to", "problems", "is_active", "updated_at")
    list_filter = ("is_active",)
    search_fields = ("name", "content", "actions")
    fieldsets = ((None, {"fields": ("name", "questions", "content", "actions", "is_active")}),)

    @admin.display(description="Sends")
    def refers_to(self, obj: Topic) -> str:
        return ", ".join(obj.references) or "–"

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: bool) -> None:
        if not change:
            obj.owner = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)


class SendsActions(Verifies):
    """A page that credentials are entered on, which knows of the actions, too."""

    def sends(self, profile: UserProfile) -> list[Sendable]:
        actions = SmsAction.objects.filter(owner=profile.user, provider=ProviderName.TWILIO)
        return [*super().sends(profile), *actions]


class SmsActionAdmin(Exchanged, SendsActions, ContentPage, OwnedPage[SmsAction]):
    next_step = "It is used once it is attached: open a campaign, then Integrations > Manage Tools."
    change_form_outer_before_template = "sms/deactivated.html"
    form = SmsActionForm
    list_display: Any = ("name", "what", "whom", sent_by, "updated_at")
    list_filter = ("is_active", "provider", "recipient")
    search_fields = ("name", "description")
    list_select_related = ("template", "owner__sms_profile")
    fieldsets = (
        (
            "What is sent",
            {"description": ONE_WAY, "fields": ("name", "description", *CONTENT_FIELDS, "recipient")},
        ),
        ("Provider", {"fields": ("owner", "provider", "is_shared")}),
        ("Provider settings (Twilio only)", {"classes": ["only-twilio"], "fields": ("sender",)}),
        (
            "When it may be sent",
            {
                "fields": (
                    "transactional",
                    "transactional_because",
                    "wait_seconds",
                    "send_within_seconds",
                    "on_doubt",
                    "is_active",
                )
            },
        ),
    )

    @admin.display(description="Text")
    def what(self, obj: SmsAction) -> SafeString | str:
        if obj.template:
            return f"Template {obj.template}"
        up_to = "1 segment" if obj.max_segments == 1 else f"up to {obj.max_segments} segments"
        where = f"links to {', '.join(obj.allowed_hosts)}" if obj.allowed_hosts else "no links"
        limits = '<span>The agent writes it<span class="mc-why">{}; {}</span></span>'
        return format_html(limits, capfirst(up_to), where)

    @admin.display(description="To")
    def whom(self, obj: SmsAction) -> SafeString | str:
        return "The caller" if obj.recipient == SmsAction.Recipient.CALLER else label("anyone", "warn")

    def get_fieldsets(self, request: HttpRequest, obj: SmsAction | None = None) -> Any:
        what, provider, twilio, when = super().get_fieldsets(request, obj)
        if obj is None or self._holds_own_credentials(request, obj):
            description = (
                "Kept on your profile and shared by all your Twilio actions and templates: you enter them "
                "once. What you change here changes there."
            )
            fields: tuple[str, ...] = ("account_sid", "auth_token", "default_from", "sender")
        else:
            fields = ("sender",)
            description = _whose_credentials(obj)
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if not may_write:
            # These are parts of the form, and not of what is stored.
            stored = [name for name in what[1]["fields"] if name not in FORM_ONLY]
            what = (what[0], {**what[1], "fields": stored})
        return [
            what,
            provider,
            (twilio[0], {**twilio[1], "description": description, "fields": fields}),
            when,
            *([("What the agent sees", {"fields": ("agent",)})] if may_write else []),
        ]

    def _holds_own_credentials(self, request: HttpRequest, obj: SmsAction | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return obj.owner_id == request.user.pk and self.has_change_permission(request, obj)

    def profile_entered(self, request: HttpRequest, object_id: str | None) -> UserProfile | None:
        obj = self.get_object(request, object_id) if object_id else None
        if (object_id and obj is None) or request.POST.get("provider") == ProviderName.ATLAS:
            return None
        return UserProfile.of(request.user) if self._holds_own_credentials(request, obj) else None

    def save_model(self, request: HttpRequest, obj: SmsAction, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        obj.owner_profile()
        if form.save_credentials():
            self.message_user(request, "Your Twilio credentials are stored on your profile.", messages.INFO)
            self.say_what_was_found(request, UserProfile.of(request.user))


class UserProfileAdmin(SendsActions, BareUserProfileAdmin):
    """A profile, which says which templates and actions its credentials carry."""

    def may_enter(self, request: HttpRequest, profile: UserProfile) -> bool:
        writes = any(request.user.has_perm(f"builder.{verb}_smsaction") for verb in ("add", "change"))
        return writes or super().may_enter(request, profile)

    def losses(self, request: HttpRequest, profile: UserProfile) -> SafeString | str:
        sent = self.sends(profile)
        templates = [each for each in sent if isinstance(each, SmsTemplate)]
        actions = [each for each in sent if isinstance(each, SmsAction)]
        kinds = [
            ("SMS templates", templates),
            ("SMS actions", actions),
            ("campaigns", self.campaigns_of(request, templates, actions)),
        ]
        lines = [(title, links_to(things)) for title, things in kinds if things]
        return (
            format_html(
                '<span class="mc-block">What stops: {}.</span>', format_html_join("; ", "{} {}", lines)
            )
            if lines
            else "No template and no action uses it yet."
        )

    def campaigns_of(
        self, request: HttpRequest, templates: list[SmsTemplate], actions: list[SmsAction]
    ) -> list[Model]:
        """Where these may be sent, as far as the user may know; whoever knows of campaigns says it."""
        return []


def _whose_credentials(action: SmsAction) -> SafeString:
    profile = UserProfile.of(action.owner)
    words = "are missing: nothing can be sent until they enter them"
    if profile.has_credentials:
        words = f"are stored, {verification.when(profile)}"
    return format_html("The credentials are those of {}; they {}.", action.owner, words)
