"""The pages of pauses: what is paused, by whom and why; pausing something, and letting it go on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from campaigns import alarms, switches
from sms.models import Pause
from sms.models.pauses import EVERYTHING, MAX_REASON_CHARACTERS
from sms.pages import ReadOnlyPage, Since, label


class SincePause(Since):
    field = "since"


class PauseForm(forms.Form):
    because = forms.CharField(
        label="Reason",
        max_length=MAX_REASON_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="It stands on top of every page while it lasts, and on each text that waits: “The price in "
        "the text is wrong, a new one comes at noon”.",
    )


class ResumeForm(forms.Form):
    because = forms.CharField(
        label="Reason",
        required=False,
        max_length=MAX_REASON_CHARACTERS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="For whoever looks at this later. May be left empty.",
    )


class Lasting(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("paused", "Paused now"), ("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() not in ("paused", "ended"):
            return queryset
        return queryset.filter(lifted_at__isnull=self.value() == "paused")


@admin.register(Pause)
class PauseAdmin(ReadOnlyPage[Pause]):
    list_display = ("about", "standing", "because", "paused_by", "since", "lifted_at")
    list_filter = (Lasting, SincePause)
    ordering = ("-since",)
    sortable_by = ()
    change_form_template = "campaigns/pause.html"
    change_list_template = "campaigns/pauses.html"

    @admin.display(description="State")
    def standing(self, obj: Pause) -> SafeString:
        return label("ended", "plain") if obj.lifted_at else label("paused", "bad")

    @admin.display(description="By")
    def paused_by(self, obj: Pause) -> str:
        return obj.who

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("everything/", wrap(self.everything), name="sms_pause_everything"),
            path("<slug:kind>/<int:pk>/", wrap(self.thing), name="sms_pause_thing"),
            path("<int:pk>/resume/", wrap(self.resume), name="sms_pause_resume"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = (
            switches.may_pause(request.user, None) and not Pause.standing().filter(scope=EVERYTHING).exists()
        )
        return super().changelist_view(request, {"may_pause_everything": may, **(extra_context or {})})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        pause = self.get_object(request, object_id)
        about: dict[str, Any] = {"show_history": True}
        if pause:
            notice = pause.notices.first()
            about |= {
                "label": self.standing(pause),
                "may_resume": pause.lifted_at is None and switches.may_resume(request.user, pause),
                "notice": notice,
                "unheard": alarms.unheard(pause.scope) if notice else "",
            }
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def everything(self, request: HttpRequest) -> HttpResponse:
        """Pause all texts."""
        return self._pause(request, None, reverse("admin:sms_pause_changelist"))

    def thing(self, request: HttpRequest, kind: str, pk: int) -> HttpResponse:
        """Pause a campaign, an action, a template or a sender."""
        if kind not in switches.KINDS:
            raise Http404
        model = switches.KINDS[kind]
        thing = get_object_or_404(model, pk=pk)
        back = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
        return self._pause(request, thing, back)

    def _pause(self, request: HttpRequest, thing: Model | None, back: str) -> HttpResponse:
        if not switches.may_pause(request.user, thing):
            raise PermissionDenied
        about = switches.called(thing)
        form = PauseForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            pause = switches.pause(thing, form.cleaned_data["because"], request.user.get_username())
            if pause:
                self.message_user(
                    request, "Paused. What is asked for is refused, what waits goes on waiting."
                )
            else:
                self.message_user(request, "It was paused already; nothing is changed.", messages.WARNING)
            return HttpResponseRedirect(back)
        context = {"crumb": "Pause", "form": form, "about": about, "thing": thing, "back": back}
        return self._render(request, "campaigns/pausing.html", context)

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let what was paused go on."""
        pause = get_object_or_404(Pause, pk=pk)
        if not switches.may_resume(request.user, pause):
            raise PermissionDenied
        back = reverse("admin:sms_pause_change", args=[pk])
        form = ResumeForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            if switches.resume(pause, request.user.get_username(), form.cleaned_data["because"]):
                self.message_user(request, f"{pause}: sent again, with what has waited.", messages.SUCCESS)
            else:
                self.message_user(request, "It was ended already.", messages.INFO)
            return HttpResponseRedirect(back)
        context = {"crumb": "Resume", "original": pause, "form": form, "pause": pause, "back": back}
        return self._render(request, "campaigns/resuming.html", context)

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        return render(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )
