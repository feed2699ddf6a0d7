"""One page per phone number: all that is known of it, found by typing it, and the way to have it forgotten.

Each part is shown to whoever may see it elsewhere: texts to who sees messages, calls to who sees calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from campaigns import safeguards
from campaigns.forgetting import OwnNumber, forget
from campaigns.known import Known
from campaigns.models import Call, Campaign, Consent
from sms import numbers, outbox
from sms.models import Forgotten, Message, OptOut
from sms.oncall import state_label
from sms.pages import may_see
from sms.roles import FORGET

if TYPE_CHECKING:
    from sms.pages import Page

    _Page = Page[Message]
else:
    _Page = object

# The newest of each; a list has the rest.
MOST_SHOWN = 50
WRITTEN_CHARACTERS = 40


class NumberForm(forms.Form):
    """A number as somebody types it."""

    number = forms.CharField(
        label="Number",
        required=False,
        max_length=WRITTEN_CHARACTERS,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "+1 312 555 0100 or (312) 555-0100", "inputmode": "tel"}
        ),
        help_text="All that is known of it: texts, calls, consents, opt-outs. Local numbers are read in the "
        "countries of your campaigns.",
    )


class ForgetForm(forms.Form):
    """Why somebody is forgotten."""

    because = forms.CharField(
        label="Reason",
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Who asked for it, and how: “Asked us to by letter of 3 May”. It is kept, so write neither "
        "the name nor the number.",
    )


def readings(written: str) -> list[str]:
    """The numbers (E.164) that somebody may mean: one, if it says its country; else one a campaign's country.

    Raises numbers.NotANumber if it is none in any of them.
    """
    try:
        return [numbers.parse(written)]
    except numbers.NotANumber as error:
        refusal = error
    found = []
    for country in Campaign.objects.order_by("country").values_list("country", flat=True).distinct():
        try:
            number = numbers.parse(written, country)
        except numbers.NotANumber as error:
            refusal = error
            continue
        # One that belongs to no country is none of this one either.
        if numbers.country(number):
            found.append(number)
    if not found:
        raise refusal
    return list(dict.fromkeys(found))


class ShowsPeople(_Page):
    """Beside the messages: what is known of one number."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("number/", wrap(self.number), name="sms_message_number"),
            path("number/forget/", wrap(self.forget), name="sms_message_forget"),
            *super().get_urls(),
        ]

    def number(self, request: HttpRequest) -> HttpResponse:
        """Everything known of the number that is asked for, however it is written."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = NumberForm(request.GET or None)
        meant: list[str] = []
        if form.is_valid() and form.cleaned_data["number"].strip():
            try:
                meant = readings(form.cleaned_data["number"])
            except numbers.NotANumber as error:
                form.add_error("number", str(error))
        context = {"form": form, "meant": meant if len(meant) > 1 else []}
        if len(meant) == 1:
            context |= {"about": _about(request, Known(meant[0])), "crumb": numbers.written(meant[0])}
        return self._number_page(request, "campaigns/number.html", context)

    def forget(self, request: HttpRequest) -> HttpResponse:
        """Erase all of it, with the reason on record."""
        if not request.user.has_perm(FORGET):
            raise PermissionDenied
        try:
            number = numbers.parse(request.GET.get("number", ""))
        except numbers.NotANumber:
            return HttpResponseRedirect(reverse("admin:sms_message_number"))
        back = address(number)
        form = ForgetForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                done = forget(number, request.user, form.cleaned_data["because"])
            except OwnNumber:
                form.add_error(None, "Texts are sent from this number: it is yours, and no person's.")
            except outbox.OnTheirWay:
                form.add_error(
                    None,
                    "A text to this number, or one that mentions it, is on its way to the carrier right now. "
                    "Try again once it is sent; nothing was erased so far.",
                )
            else:
                self.message_user(
                    request, "Forgotten: nothing is known of this number any more.", messages.SUCCESS
                )
                if done.mentioned:
                    self.message_user(request, _still_in(done.mentioned), messages.WARNING)
                return HttpResponseRedirect(back)
        context = {
            "form": form,
            "about": _about(request, Known(number)),
            "crumb": "Forget this person",
            "back": back,
        }
        return self._number_page(request, "campaigns/forget.html", context)

    def _number_page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "place": "admin:sms_message_number", **context}
        request.current_app = self.admin_site.name
        response = render(request, template, whole)
        response["Cache-Control"] = "no-store"
        return response


def address(number: str) -> str:
    """Where all that is known of a number stands."""
    return f"{reverse('admin:sms_message_number')}?{urlencode({'number': number})}"


def _about(request: HttpRequest, known: Known) -> dict[str, Any]:
    """What the page shows of a number, as far as whoever asks may see it."""
    sees_calls = may_see(request.user, Call)
    about: dict[str, Any] = {
        "number": known.number,
        "written": numbers.written(known.number),
        "country": numbers.country(known.number),
        "forgotten": list(known.forgotten()) if may_see(request.user, Forgotten) else [],
        "may_forget": request.user.has_perm(FORGET),
        "texts": [{"row": text, "label": state_label(text.state)} for text in known.texts()[:MOST_SHOWN]],
    }
    if may_see(request.user, OptOut):
        about |= {"sees_opt_outs": True, "opt_outs": list(known.opt_outs()), "opt_out": known.opt_out}
    if may_see(request.user, Consent):
        consents = known.consents().select_related("campaign", "tool_call")
        about |= {"sees_consents": True, "consents": list(consents[:MOST_SHOWN])}
    if sees_calls:
        refused = known.tool_calls().filter(outcome="refused").select_related("call__connection__campaign")
        about |= {
            "sees_calls": True,
            "calls": list(known.calls().select_related("connection__campaign")[:MOST_SHOWN]),
            "refused": [
                {"row": row, "why": safeguards.PLAIN.get(row.refusal, row.refusal)}
                for row in refused.order_by("-at")[:MOST_SHOWN]
            ],
        }
    parts = ("texts", "consents", "calls", "refused")
    # A forgotten opt-out is all that there will ever be of it.
    about["is_readable"] = any(about.get(part) for part in parts) or not all(
        each.is_forgotten for each in about.get("opt_outs", ())
    )
    about["is_empty"] = not (about["is_readable"] or about.get("opt_outs"))
    return about


def _still_in(mentioned: list[Any]) -> str:
    things = ", ".join(f"{thing._meta.verbose_name} “{thing}”" for thing in mentioned[:10])
    return (
        f"The number still stands in what your colleagues wrote, and in its history: {things}. Change it "
        "there, then forget the number once more."
    )
