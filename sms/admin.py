"""The pages for SMS templates and opt-outs; the messages' are in sms/oncall.py, profiles' in sms/profiles.py.

Templates and messages are registered by the floors above, which know who uses a template and which call a
message belongs to.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.paginator import InfinitePaginator

from sms import numbers, outbox, suppression, text
from sms.cards import card_is_posted
from sms.forms import LiftForm, OptOutForm
from sms.models import Forgotten, OptOut, Sendable, SmsTemplate
from sms.optout_pages import ExchangesOptOuts
from sms.pages import OwnedPage, Page, ReadOnlyPage, Since, first_words, label
from sms.writing import SmsTemplateForm

ONE_WAY = (
    "One way only: nobody reads what is texted back, and the agent does not hear of it. A STOP counts all "
    "the same."
)


@admin.display(description="Sent by")
def sent_by(obj: Sendable) -> SafeString:
    """Provider and sender, or why nothing can be sent; and the owner."""
    if obstacle := obj.obstacle():
        how = format_html('{}<span class="mc-why">{}</span>', label("cannot send", "warn"), obstacle)
    else:
        how = format_html(
            '<span class="mc-nowrap">{} · {}</span>', obj.provider.capitalize(), obj.effective_sender()
        )
    return format_html('<span>{}<span class="mc-why">Owner: {}</span></span>', how, obj.owner)


class SmsTemplateAdmin(OwnedPage[SmsTemplate]):
    form = SmsTemplateForm
    list_display = ("name", "text", sent_by, "segments", "owner", "updated_at")
    list_filter = ("is_active", "provider")
    search_fields = ("name", "body")
    list_select_related = ("owner__sms_profile",)
    fieldsets = (
        ("What is sent", {"description": ONE_WAY, "fields": ("name", "description", "body", "variables")}),
        ("Languages", {"fields": ("language", "translations")}),
        ("Who sends it", {"fields": ("owner", "provider", "sender", "is_shared")}),
        (
            "When it may be sent",
            {
                "fields": (
                    "transactional",
                    "transactional_because",
                    "max_segments",
                    "wait_seconds",
                    "send_within_seconds",
                    "on_doubt",
                    "is_active",
                )
            },
        ),
    )

    @admin.display(description="Text")
    def text(self, obj: SmsTemplate) -> str:
        return first_words(obj.body)

    @admin.display(description="Segments")
    def segments(self, obj: SmsTemplate) -> str:
        size = text.size(obj.body)
        return f"{size.segments} ({size.encoding})"

    # For whoever may only read.
    @admin.display(description="Variables")
    def variables(self, obj: SmsTemplate) -> SafeString | str:
        found = ((each.name, each.get_source_display().lower()) for each in obj.variables())
        return format_html_join(mark_safe("<br>"), "{}: {}", found) or "–"

    @admin.display(description="In other languages")
    def translations(self, obj: SmsTemplate) -> SafeString | str:
        found = ((each.language, each.body) for each in obj.translations.all())
        return format_html_join(mark_safe("<br>"), "{}: {}", found) or "–"

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("preview/", preview, name="sms_smstemplate_preview"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: SmsTemplate, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        # From now on lists read the owner's profile, and no list writes one.
        obj.owner_profile()

    def response_post_save_add(self, request: HttpRequest, obj: SmsTemplate) -> HttpResponseRedirect:
        return self._to_new_cards(request, obj) or super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: SmsTemplate) -> HttpResponseRedirect:
        return self._to_new_cards(request, obj) or super().response_post_save_change(request, obj)

    def _to_new_cards(self, request: HttpRequest, obj: SmsTemplate) -> HttpResponseRedirect | None:
        """Back to the template if it has placeholders whose cards the page, without scripts, did not show."""
        new = [
            each.name
            for each in obj.variables()
            if not each.pk and not card_is_posted(request.POST, each.name)
        ]
        if not new or not self.has_change_permission(request, obj):
            return None
        words = f"New in it: {', '.join(new)}. The agent fills that in; say below if it comes from elsewhere."
        self.message_user(request, words, messages.INFO)
        url = reverse("admin:sms_smstemplate_change", args=[obj.pk], current_app=self.admin_site.name)
        return HttpResponseRedirect(f"{url}#id_variables")

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What callers will get of a template as it is typed, and what it costs."""
        if request.method != "POST":
            return JsonResponse({"error": "Post the template's form."}, status=405, headers={"Allow": "POST"})
        template: SmsTemplate | None = None
        if pk := request.POST.get("template", ""):
            known = pk.isascii() and pk.isdecimal() and len(pk) < 19
            template = self.get_queryset(request).filter(pk=pk).first() if known else None
            if template is None:
                return JsonResponse({"error": "There is no such template any more."}, status=404)
        may = self.has_change_permission(request, template) if template else self.has_add_permission(request)
        if not may:
            return JsonResponse({"error": "You may not change this template."}, status=403)
        form = self.get_form(request, template, change=template is not None)
        return JsonResponse(form(request.POST, instance=template).previews)


class Standing(admin.SimpleListFilter):
    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Opted out"), ("no", "Lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OptOut]) -> QuerySet[OptOut]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "yes")


@admin.register(Forgotten)
class ForgottenAdmin(ReadOnlyPage[Forgotten]):
    """Who was forgotten cannot be read here; that somebody was, can."""

    list_display = ("at", "by", "because", "what")
    sortable_by = ("at",)
    ordering = ("-at",)
    fields = ("at", "by", "because", "what", "digest")

    @admin.display(description="Erased")
    def what(self, obj: Forgotten) -> str:
        return ", ".join(f"{count} {words}" for words, count in obj.erased.items()) or "nothing was known"


@admin.register(OptOut)
class OptOutAdmin(ExchangesOptOuts, Page[OptOut]):
    """Entered and lifted by hand; never changed otherwise, and never deleted."""

    form = OptOutForm
    paginator = InfinitePaginator
    list_display = ("number", "standing", "source", "words", "created_at", "created_by")
    list_filter = (Standing, "source", Since)
    list_select_related = ("created_by",)
    search_fields = ("=recipient",)
    search_help_text = "A whole number, with + and country code"
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("number", "source", "said", "created_at", "created_by")}),
        ("Lifted", {"fields": ("lifted_at", "lifted_by", "lifted_because")}),
    )
    add_fieldsets = ((None, {"fields": ("recipient", "evidence")}),)

    @admin.display(description="State")
    def standing(self, obj: OptOut) -> SafeString:
        return label("lifted", "plain") if obj.lifted_at else label("opted out", "bad")

    @admin.display(description="What they said")
    def said(self, obj: OptOut) -> str:
        return obj.evidence

    @admin.display(description="What they said")
    def words(self, obj: OptOut) -> str:
        return first_words(obj.evidence)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[OptOut], search_term: str
    ) -> tuple[QuerySet[OptOut], bool]:
        if not search_term.strip():
            return queryset, False
        try:
            known = suppression.known_as(numbers.parse(search_term))
        except numbers.NotANumber:
            return queryset.none(), False
        return queryset.filter(recipient__in=known), False

    @admin.display(description="Number")
    def number(self, obj: OptOut) -> str:
        return str(obj)

    def get_fieldsets(self, request: HttpRequest, obj: OptOut | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self.fieldsets if obj.lifted_at else self.fieldsets[:1]

    def has_change_permission(self, request: HttpRequest, obj: OptOut | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: OptOut | None = None) -> bool:
        return False

    def may_lift(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: OptOut, form: Any, change: bool) -> None:
        outbox.opt_out(obj.recipient, OptOut.Source.PERSON, obj.evidence, request.user)
        obj.pk = OptOut.objects.get(recipient=obj.recipient, lifted_at=None).pk

    def get_urls(self) -> list[URLPattern]:
        lift = self.admin_site.admin_view(self.lift)
        return [path("<int:pk>/lift/", lift, name="sms_optout_lift"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        may_lift = self.may_lift(request)
        return super().change_view(
            request, object_id, form_url, {"may_lift": may_lift, **(extra_context or {})}
        )

    def lift(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a number be texted again, with the reason on record."""
        if not self.may_lift(request):
            raise PermissionDenied
        opt_out = get_object_or_404(OptOut, pk=pk)
        back = HttpResponseRedirect(reverse("admin:sms_optout_change", args=[pk]))
        form = LiftForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            because = form.cleaned_data["because"]
            if opt_out.lifted_at is None:
                outbox.opt_in(opt_out.recipient, because, request.user)
                self.log_change(request, opt_out, f"Lifted: {because}")
                self.message_user(request, f"{opt_out} may be texted again.", messages.SUCCESS)
            return back
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": opt_out,
            "crumb": "Lift",
            "form": form,
        }
        return render(request, "admin/sms/optout/lift.html", context)


def search_number(queryset: QuerySet[Any], field: str, written: str) -> QuerySet[Any]:
    """The rows of one whole number, however it is written; all without one, none if it is no number."""
    if not written.strip():
        return queryset
    try:
        return queryset.filter(**{field: numbers.parse(written)})
    except numbers.NotANumber:
        return queryset.none()
