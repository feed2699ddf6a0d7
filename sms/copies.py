"""Duplicate, on the pages of templates: a copy to start from, one click away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sms.models import SmsTemplate

if TYPE_CHECKING:
    from sms.pages import Page

    _TemplatePage = Page[SmsTemplate]
else:
    _TemplatePage = object

# The form that the buttons belong to, outside the list's own: Enter in the list must not press one of them.
FORM_ID = "duplicating"


class Duplicates(_TemplatePage):
    """A button on each row and on the page. What it does is posted, as all that writes."""

    list_after_template = "sms/duplicating.html"

    def get_urls(self) -> list[URLPattern]:
        duplicate = self.admin_site.admin_view(self.duplicate)
        return [
            path("<int:pk>/duplicate/", duplicate, name="sms_smstemplate_duplicate"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return [*shown, "duplicate_button"] if self.has_add_permission(request) else shown

    @admin.display(description="Copy")
    def duplicate_button(self, obj: SmsTemplate) -> SafeString:
        return format_html(
            '<button class="mc-button mc-small" type="submit" form="{}" formaction="{}">Duplicate'
            '<span class="mc-unseen"> {}</span></button>',
            FORM_ID,
            reverse("admin:sms_smstemplate_duplicate", args=[obj.pk]),
            obj,
        )

    def duplicate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Copy a template, and open the copy."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        template = get_object_or_404(SmsTemplate, pk=pk)
        if not (self.has_add_permission(request) and self.has_view_permission(request, template)):
            raise PermissionDenied
        copy = template.duplicate(request.user)
        self.log_addition(request, copy, f"Copied from “{template}”.")
        whose = "" if copy.owner_id == template.owner_id else " It is yours, and sent from your account."
        self.message_user(
            request,
            f"This is a copy of “{template}”. It is switched off: give it its own name and text, then switch "
            f"it on.{whose}",
            messages.SUCCESS,
        )
        return HttpResponseRedirect(reverse("admin:sms_smstemplate_change", args=[copy.pk]))
