"""Who sends a template: the topics that refer to it, and the SMS actions whose text it is.

What follows for them when it is renamed, switched off or deleted is said before it happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from builder.models import SmsAction, Topic
from sms.models import SmsTemplate
from sms.pages import may_see

if TYPE_CHECKING:
    from sms.pages import Page

    _TemplatePage = Page[SmsTemplate]
else:
    _TemplatePage = object

User = Topic | SmsAction

# So many names have room in a row of the list; the template's page has all.
MOST_NAMED = 3
NOT_SEEN = "that you may not see"
NOWHERE = SafeString('<span class="mc-quiet">Nowhere yet</span>')


@dataclass(frozen=True, slots=True)
class Usage:
    """Who sends one template.

    `campaigns` are where each of those stands, as far as whoever asks may know; `may_open` are the kinds of
    things that they may see. Of the rest they learn how many there are: a template in use is not deleted.
    """

    topics: list[Topic]
    actions: list[SmsAction]
    campaigns: Mapping[User, Collection[Model]]
    may_open: frozenset[type[Model]]

    @property
    def users(self) -> list[User]:
        return [*self.topics, *self.actions]

    @property
    def reached(self) -> list[Model]:
        """The campaigns in which it may be sent, each once."""
        return list(dict.fromkeys(each for user in self.users for each in self.campaigns.get(user, ())))

    def kinds(self) -> list[tuple[str, SafeString]]:
        """All users and campaigns as the template's page shows them: a heading, and links below it."""
        return self._named(most=None)

    def in_short(self) -> SafeString:
        """As a row of the list has room for it."""
        line = '<span class="mc-block"><span class="mc-quiet">{}</span> {}</span>'
        lines = format_html_join("", line, self._named(MOST_NAMED))
        return format_html("<span>{}</span>", lines) if lines else NOWHERE

    def losses(self, template: SmsTemplate) -> list[SafeString]:
        """What would break without the template, a line for each user."""
        found = [
            format_html(
                "{} tells the agent to send “{}”{}.", self._called("managed topic", topic), template, where
            )
            for topic, where in ((topic, self._where(topic)) for topic in self.topics)
        ]
        found += [
            format_html("{} sends the text of “{}”{}.", self._called("SMS action", action), template, where)
            for action, where in ((action, self._where(action)) for action in self.actions)
        ]
        return found

    def all_of(self, noun: str, things: Sequence[Model]) -> str:
        """Things by their names: "the topic “A”", "the topics “A”, “B”"; "2 topics that you may not see" for
        whoever may not see them; "" for none."""
        if not things:
            return ""
        plural = "s" if len(things) > 1 else ""
        if type(things[0]) not in self.may_open:
            return f"{len(things)} {noun}{plural} {NOT_SEEN}"
        return f"the {noun}{plural} {', '.join(f'“{thing}”' for thing in things)}"

    def _called(self, noun: str, thing: Model) -> SafeString:
        if type(thing) not in self.may_open:
            return format_html("One {} {}", noun, NOT_SEEN)
        return format_html("The {} {}", noun, _link(thing))

    def _named(self, most: int | None) -> list[tuple[str, SafeString]]:
        kinds: list[tuple[str, list[Any]]] = [
            ("Topics", self.topics),
            ("Actions", self.actions),
            ("Campaigns", self.reached),
        ]
        return [(title, self._links(things, most)) for title, things in kinds if things]

    def _links(self, things: list[Any], most: int | None) -> SafeString:
        if type(things[0]) not in self.may_open:
            return format_html('<span class="mc-quiet">{} {}</span>', len(things), NOT_SEEN)
        shown = format_html_join(", ", "{}", ((_link(thing),) for thing in things[:most]))
        left = len(things) - len(things[:most])
        return format_html("{} and {} more", shown, left) if left else shown

    def _where(self, user: User) -> SafeString | str:
        campaigns = list(self.campaigns.get(user, ()))
        if not campaigns:
            return ""
        noun = "campaign" if len(campaigns) == 1 else "campaigns"
        return format_html(", in the {} {}", noun, self._links(campaigns, None))


class InUse(_TemplatePage):
    """A template's pages: where it is used, and what follows for those who use it."""

    def campaigns_of(
        self, request: HttpRequest, topics: list[Topic], actions: list[SmsAction]
    ) -> Mapping[User, Collection[Model]]:
        """Where topics and actions stand, as far as the user may know; whoever knows of campaigns says it."""
        return {}

    def usages(self, request: HttpRequest, templates: Iterable[SmsTemplate]) -> dict[int, Usage]:
        """Who sends each of these templates, by as many queries as for one."""
        templates = list(templates)
        by_reference = Topic.by_reference()
        by_template: dict[int, list[SmsAction]] = {}
        for action in SmsAction.objects.filter(template__in=templates):
            by_template.setdefault(action.template_id or 0, []).append(action)
        topics = {topic.pk: topic for each in templates for topic in by_reference.get(each.name, ())}.values()
        actions = [action for found in by_template.values() for action in found]
        campaigns = self.campaigns_of(request, list(topics), actions)
        kinds: set[type[Model]] = {Topic, SmsAction}
        kinds |= {type(each) for found in campaigns.values() for each in found}
        may_open = frozenset(kind for kind in kinds if may_see(request.user, kind))
        return {
            each.pk: Usage(by_reference.get(each.name, []), by_template.get(each.pk, []), campaigns, may_open)
            for each in templates
        }

    @admin.display(description="Where used")
    def where_used(self, obj: Any) -> SafeString:
        usage: Usage = obj.usage
        return usage.in_short()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        template = self.get_object(request, object_id) if object_id else None
        context = {"usage": self.usages(request, [template])[template.pk]} if template else {}
        return super().changeform_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # Django finds the actions by itself, asks for the right to delete them, which nobody is about to, and
        # does not say what it means for them.
        lacking.discard(SmsAction._meta.verbose_name)
        found_by_django = f"{capfirst(str(SmsAction._meta.verbose_name))}: "
        protected = [line for line in protected if not str(line).startswith(found_by_django)]
        usages = self.usages(request, objs)
        protected += [line for each in objs for line in usages[each.pk].losses(each)]
        return deleted, counts, lacking, protected

    def save_model(self, request: HttpRequest, obj: SmsTemplate, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "name" in form.changed_data:
            followed = Topic.rename_reference(form.initial["name"], obj.name)
            if followed:
                topics = self.usages(request, [obj])[obj.pk].all_of("topic", followed)
                verb = "now refers" if len(followed) == 1 else "now refer"
                self.message_user(request, f"{capfirst(topics)} {verb} to “{obj}”.", messages.INFO)
        if change and "is_active" in form.changed_data and not obj.is_active:
            self._say_who_still_sends(request, obj)

    def _say_who_still_sends(self, request: HttpRequest, template: SmsTemplate) -> None:
        usage = self.usages(request, [template])[template.pk]
        still = [usage.all_of("topic", usage.topics), usage.all_of("SMS action", usage.actions)]
        if usage.users:
            self.message_user(
                request,
                f"“{template}” is switched off, and still used by {' and '.join(filter(None, still))}: until "
                "it is switched on again, nothing is sent there.",
                messages.WARNING,
            )


def _link(thing: Model) -> SafeString:
    url = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
    return format_html('<a class="mc-link" href="{}">{}</a>', url, thing)
