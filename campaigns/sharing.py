"""Sharing on the pages of templates and SMS actions: where others use them, before that stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from builder.models import SmsAction, Topic
from campaigns.models import Campaign
from sms.models import Sendable, SmsTemplate
from sms.pages import links_to, may_see

if TYPE_CHECKING:
    from sms.pages import OwnedPage

    _OwnedPage = OwnedPage[Any]
else:
    _OwnedPage = object


def used_by_others(sendable: Sendable) -> dict[str, list[Model]]:
    """What belongs to others and sends it, for as long as it is shared, by what such things are called."""
    if isinstance(sendable, SmsTemplate):
        topics = Topic.by_reference().get(sendable.name, [])
        campaigns = Campaign.objects.filter(topics__in=topics).distinct()
        actions = SmsAction.objects.filter(template=sendable).exclude(owner=sendable.owner_id)
    else:
        campaigns = Campaign.objects.filter(actions=sendable.pk)
        actions = SmsAction.objects.none()
    found: dict[str, list[Model]] = {
        "campaign": list(campaigns.exclude(owner=sendable.owner_id)),
        "SMS action": list(actions),
    }
    return {noun: things for noun, things in found.items() if things}


class Shares(_OwnedPage):
    """A page on which an owner shares, and stops sharing."""

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj and obj.is_shared:
            form.used_by_others = _named(request, used_by_others(obj))
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_shared" in form.changed_data and not obj.is_shared:
            where = _named(request, used_by_others(obj))
            if where:
                words = format_html("“{}” is not shared any more: nothing of it is sent in {}.", obj, where)
                self.message_user(request, words, messages.WARNING)


def _named(request: HttpRequest, things: dict[str, list[Model]]) -> SafeString:
    """Things as links, or their number for whoever may not see them; "" for none."""

    def called(noun: str, found: list[Model]) -> SafeString | str:
        nouns = noun if len(found) == 1 else f"{noun}s"
        if not may_see(request.user, type(found[0])):
            return f"{len(found)} {nouns} of others that you may not see"
        return format_html("the {} {} of others", nouns, links_to(found))

    return format_html_join(" and ", "{}", ((called(noun, found),) for noun, found in things.items()))
