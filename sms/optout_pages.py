"""Import and Export on the list of opt-outs.

What is to be imported is shown first, and stays in the page until somebody agrees: it is kept nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import phonenumbers
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from sms import optout_files, outbox
from sms.cells import in_portions
from sms.models import OptOut
from sms.optout_files import MAX_BYTES, MAX_ROWS, Listed, Unreadable

if TYPE_CHECKING:
    from sms.pages import Page

    _Page = Page[OptOut]
else:
    _Page = object

IMPORTED = "Imported from a list"


class ListForm(forms.Form):
    """A list of numbers: a file, or its text; and the country in which local ones are read."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text=f"CSV or plain text, up to {MAX_ROWS:,} numbers and {MAX_BYTES // 1000} KB.",
        widget=forms.FileInput(
            attrs={"accept": ".csv,.txt", "class": "mc-file", "aria-describedby": "about_file"}
        ),
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="One number a line, or a sheet whose first line names the columns: Number, What they said.",
    )
    country = forms.CharField(
        label="Country of local numbers",
        required=False,
        max_length=2,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "such as US or GB"}),
        help_text="Numbers with + and country code need none.",
    )

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and country not in phonenumbers.SUPPORTED_REGIONS:
            raise forms.ValidationError("Write the country as two letters, such as US, GB or DE.")
        return country

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if bool(file) == bool(text.strip()):
            raise forms.ValidationError("Choose a file, or paste its text: one of the two.")
        data = file.read(MAX_BYTES + 1) if file else text.encode("utf-8", "surrogatepass")
        try:
            cleaned["text"] = optout_files.decoded(data)
            cleaned["listed"] = optout_files.read(cleaned["text"], cleaned["country"])
        except Unreadable as error:
            raise forms.ValidationError(str(error)) from error
        return cleaned


class ExchangesOptOuts(_Page):
    """The list's two buttons and what they open."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_list), name="sms_optout_import"),
            path("export/", wrap(self.export_list), name="sms_optout_export"),
            *super().get_urls(),
        ]

    def import_list(self, request: HttpRequest) -> HttpResponse:
        """Show what a list would do; posted again, do it, all or nothing."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ListForm(request.POST or None, request.FILES or None)
        listed: Listed | None = None
        if request.method == "POST" and form.is_valid():
            listed = form.cleaned_data["listed"]
            assert listed
            if "confirmed" in request.POST and not listed.errors and listed.new:
                return self._import(request, listed)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "crumb": "Import",
            "form": form,
            "listed": listed,
            "text": form.cleaned_data["text"] if listed else "",
            "country": form.cleaned_data["country"] if listed else "",
        }
        return render(request, "admin/sms/optout/import.html", context)

    def _import(self, request: HttpRequest, listed: Listed) -> HttpResponse:
        added = outbox.opt_out_all(
            {number: said or IMPORTED for number, said in listed.new.items()},
            OptOut.Source.PERSON,
            request.user,
        )
        words = "One number has opted out." if added == 1 else f"{added:,} numbers have opted out."
        self.message_user(request, words, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:sms_optout_changelist"))

    def export_list(self, request: HttpRequest) -> StreamingHttpResponse:
        """All of them as a sheet."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = in_portions(OptOut.objects.select_related("created_by", "lifted_by"))
        response = StreamingHttpResponse(optout_files.write(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="opt-outs.csv"'
        response["Cache-Control"] = "no-store"
        return response
