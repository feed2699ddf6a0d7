"""The pages on which a person tries a template out: fill it in, send it to one's own phone, see it arrive."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from sms import outbox, text, trial
from sms.models import Message, Sender, SmsTemplate, State
from sms.numbers import mask
from sms.oncall import TONES, explained, state_label, steps_of

if TYPE_CHECKING:
    from sms.pages import Page

    _TemplatePage = Page[SmsTemplate]
else:
    _TemplatePage = object

CRUMB = "Send a test"
MOST_EARLIER = 5


class Tries(_TemplatePage):
    """A test spends the owner's account: whoever may change the template may test it, and nobody else."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "<int:pk>/test/": ("try", self.try_out),
            "<int:pk>/test/text/": ("try_text", self.text_of_try),
            "<int:pk>/test/<uuid:message>/": ("tried", self.tried),
            "<int:pk>/test/<uuid:message>/state/": ("tried_state", self.state_of_try),
        }
        return [
            *(
                path(address, self.admin_site.admin_view(view), name=f"sms_smstemplate_{name}")
                for address, (name, view) in views.items()
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        template = self.get_object(request, object_id)
        may_test = template is not None and self.has_change_permission(request, template)
        return super().change_view(
            request, object_id, form_url, {"may_test": may_test, **(extra_context or {})}
        )

    def try_out(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Fill a template in, look at the text, and send it."""
        template = self._testable(request, pk)
        form = trial.TrialForm(template, request.user, request.POST or None)
        if request.method == "POST" and "_look" not in request.POST and form.is_valid():
            sent = self._send(request, template, form)
            if sent:
                address = reverse("admin:sms_smstemplate_tried", args=[pk, sent])
                return HttpResponseRedirect(address)
        own_profile = template.owner_id == request.user.pk and reverse("admin:sms_userprofile_me")
        return self._render(
            request,
            template,
            "sms/try.html",
            {
                "form": form,
                "text": _written(form),
                "obstacle": trial.obstacle(template),
                "own_profile": own_profile,
                "sender": template.effective_sender(),
                "earlier": [
                    {"message": message, "label": state_label(message.state)}
                    for message in trial.tests_of(request.user).filter(template=template)[:MOST_EARLIER]
                ],
            },
        )

    def text_of_try(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The text as it is filled in so far, as the page shows it."""
        if request.method != "POST":
            return JsonResponse({"error": "Post what is filled in."}, status=405, headers={"Allow": "POST"})
        form = trial.TrialForm(self._testable(request, pk), request.user, request.POST)
        return JsonResponse({"html": _written(form)})

    def tried(self, request: HttpRequest, pk: int, message: uuid.UUID) -> HttpResponse:
        """What becomes of a test, until it has arrived or is known not to."""
        template = self._testable(request, pk)
        context = _told(request, _test(template, message))
        return self._render(request, template, "sms/tried.html", context)

    def state_of_try(self, request: HttpRequest, pk: int, message: uuid.UUID) -> HttpResponse:
        """Where a test stands now: as the page shows it, in words, and whether that is the end."""
        told = _told(request, _test(self._testable(request, pk), message))
        return JsonResponse(
            {
                "html": render_to_string("sms/trial_state.html", told, request),
                "said": told["said"],
                "ended": told["ended"],
            }
        )

    def _testable(self, request: HttpRequest, pk: int) -> SmsTemplate:
        template = get_object_or_404(SmsTemplate.objects.select_related("owner__sms_profile"), pk=pk)
        if not self.has_change_permission(request, template):
            raise PermissionDenied
        return template

    def _send(self, request: HttpRequest, template: SmsTemplate, form: trial.TrialForm) -> uuid.UUID | None:
        obstacle = trial.obstacle(template)
        if obstacle:
            form.add_error(None, obstacle)
            return None
        try:
            sent = form.send()
        except trial.CannotTest as error:
            form.add_error(None, str(error))
            return None
        self.log_change(request, template, f"Sent a test to {mask(form.cleaned_data['number'])}.")
        return sent

    def _render(
        self, request: HttpRequest, template: SmsTemplate, page: str, context: dict[str, Any]
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": template,
            "title": str(template),
            "crumb": CRUMB,
            "may_test": True,
            "has_add_permission": self.has_add_permission(request),
            "phone": f"http://127.0.0.1:{settings.SIMULATOR_PORT}/" if settings.DEMO else "",
            **context,
        }
        return render(request, page, context)


def _test(template: SmsTemplate, pk: uuid.UUID) -> Message:
    tests = Message.objects.exclude(tested_by="")
    return get_object_or_404(tests, pk=pk, template=template)


def _written(form: trial.TrialForm) -> SafeString:
    """The text as it will be, with its size."""
    written = form.written()
    fits = len(written) <= text.MAX_BODY_CHARACTERS
    context = {
        "body": written,
        "language": form["language"].value(),
        # Counting takes time, and more is never sent.
        "size": text.size(written) if fits else None,
        "most": form.template.max_segments,
        "most_characters": text.MAX_BODY_CHARACTERS,
    }
    return render_to_string("sms/trial_text.html", context)


def _told(request: HttpRequest, message: Message) -> dict[str, Any]:
    """Where a test stands, in words."""
    sender = Sender.objects.filter(account_sid=message.account_sid, address=message.sender).first()
    meaning, advice = explained(message, sender)
    state = State(message.state)
    why = message.reason or meaning
    return {
        "message": message,
        "label": state_label(state),
        "why": why,
        "meaning": meaning if message.reason else "",
        "advice": advice if TONES[state] in ("warn", "bad") else "",
        "steps": steps_of(message),
        "said": f"{state.label}. {why}",
        "ended": state in (State.UNKNOWN, *outbox.DECIDED),
        "address": reverse("admin:sms_smstemplate_tried_state", args=[message.template_id, message.pk]),
        "may_see_message": request.user.has_perm("sms.view_message"),
    }
