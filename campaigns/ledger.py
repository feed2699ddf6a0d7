"""The ledger of consents: searched, each on a page of its own, and as an evidence pack."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns import evidence
from campaigns.known import Known
from campaigns.models import Campaign, Consent, ToolCall
from campaigns.person import WRITTEN_CHARACTERS, readings
from campaigns.safeguards.consent import NoConsent
from sms import numbers
from sms.cells import in_portions
from sms.models import OptOut
from sms.oncall import state_label
from sms.pages import may_see

if TYPE_CHECKING:
    from sms.pages import Page

    _Page = Page[Consent]
else:
    _Page = object


class EvidenceForm(forms.Form):
    """Of whom, of which campaign, and of when."""

    number = forms.CharField(
        required=False,
        max_length=WRITTEN_CHARACTERS,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "All numbers", "inputmode": "tel"}),
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.all(), required=False, empty_label="All campaigns", widget=UnfoldAdminSelectWidget
    )
    since = forms.DateField(
        required=False, label="From", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label="To", widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )

    def clean_number(self) -> str:
        written = str(self.cleaned_data["number"]).strip()
        if not written:
            return ""
        try:
            meant = readings(written)
        except numbers.NotANumber as error:
            raise forms.ValidationError(str(error)) from error
        if len(meant) > 1:
            raise forms.ValidationError(
                f"That could be {' or '.join(meant)}: write it with + and the country code."
            )
        return meant[0]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "It ends before it begins.")
        return cleaned

    def found(self) -> QuerySet[Consent]:
        """What it asks for, the newest first."""
        asked = self.cleaned_data
        rows = evidence.consents(Consent.objects.order_by("-pk"))
        if asked["number"]:
            rows = rows.filter(recipient=asked["number"])
        if asked["campaign"]:
            rows = rows.filter(campaign=asked["campaign"])
        if asked["since"]:
            rows = rows.filter(given_at__gte=_begin(asked["since"]))
        if asked["until"]:
            rows = rows.filter(given_at__lt=_begin(asked["until"]) + timedelta(days=1))
        return rows


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class ProvesConsent(_Page):
    """The way from the ledger to its evidence pack."""

    def get_urls(self) -> list[URLPattern]:
        pack = self.admin_site.admin_view(self.evidence)
        return [path("evidence/", pack, name="campaigns_consent_evidence"), *super().get_urls()]

    def evidence(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """The evidence that is asked for: to be printed, or as a sheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = {name: value for name, value in request.GET.items() if name in EvidenceForm.base_fields}
        form = EvidenceForm(asked)
        is_valid = form.is_valid()
        if is_valid and request.GET.get("format") == "csv":
            rows = in_portions(form.found())
            response = StreamingHttpResponse(evidence.sheet(rows), content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = 'attachment; filename="consents.csv"'
            response["Cache-Control"] = "no-store"
            return response
        found = list(form.found()[: evidence.MOST_PRINTED + 1]) if is_valid else []
        number = form.cleaned_data.get("number", "") if is_valid else ""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "crumb": "Evidence",
            "form": form,
            "is_valid": is_valid,
            "number": number,
            "rows": [
                {
                    "consent": each,
                    "state": each.tool_call.message and state_label(each.tool_call.message.state),
                }
                for each in found[: evidence.MOST_PRINTED]
            ],
            "has_more": len(found) > evidence.MOST_PRINTED,
            "query": urlencode({**asked, "format": "csv"}),
            "produced_at": timezone.now(),
            "produced_by": request.user,
            "opt_outs": list(Known(number).opt_outs()) if number and may_see(request.user, OptOut) else [],
            "refused": self._refused(request, number),
        }
        request.current_app = self.admin_site.name
        page = render(request, "campaigns/evidence.html", context)
        page["Cache-Control"] = "no-store"
        return page

    def _refused(self, request: HttpRequest, number: str) -> list[ToolCall]:
        """The texts to a number that were refused because nobody had agreed."""
        if not number or not request.user.has_perm("campaigns.view_call"):
            return []
        rows = Known(number).tool_calls().filter(refusal=NoConsent.code)
        return list(rows.select_related("call").order_by("-at")[: evidence.MOST_PRINTED])
