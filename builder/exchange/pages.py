"""Import and Export on the lists of templates, topics and SMS actions.

A file that was given is kept beside the session until it is imported or another one is given, so that the
page of differences can be loaded again, and what is wrong can be mended without giving it anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from builder import exchange
from builder.exchange.differences import MOST_SHOWN, Differences
from builder.exchange.document import MAX_BYTES, Document, Unreadable, decoded
from builder.exchange.exporting import FORMATS, Format, export
from builder.exchange.importing import carry_out, rehearse
from builder.exchange.plan import Plan
from builder.exchange.schema import MODELS
from builder.lint import Reach
from builder.models import SmsAction, Topic

if TYPE_CHECKING:
    from sms.pages import Page

    _AnyPage = Page[Any]
else:
    _AnyPage = object

KEPT_FOR = timedelta(hours=8)
_KEPT_UNDER = "build_import"
# So many notices of a level are shown, and so much of a text can be mended on the page.
MOST_NOTICES = 200
MAX_MENDED_CHARACTERS = 200_000


class FileForm(forms.Form):
    """A file, or its text."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text="CSV or YAML, up to 2 MB and 2,000 entries.",
        widget=forms.FileInput(
            attrs={"accept": ".csv,.yaml,.yml,.txt", "class": "mc-file", "aria-describedby": "about_file"}
        ),
    )
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12, "spellcheck": "false", "class": "mc-mono"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("file") and cleaned.get("text", "").strip():
            raise forms.ValidationError("There is a file and a text: give one of them.")
        if not cleaned.get("file") and not cleaned.get("text", "").strip():
            raise forms.ValidationError("Choose a file, or paste its text.")
        return cleaned

    def data_given(self) -> bytes:
        """The bytes of what was given; of a file too large, enough to see that."""
        file = self.cleaned_data["file"]
        if file:
            return bytes(file.read(MAX_BYTES + 1))
        return str(self.cleaned_data["text"]).encode("utf-8", "surrogatepass")


class Kept:
    """The text that somebody is about to import, in a row of the session's table of its own."""

    def __init__(self, request: HttpRequest) -> None:
        self.session = request.session
        self.user = request.user.pk
        self._store = import_module(settings.SESSION_ENGINE).SessionStore

    def text(self) -> str:
        """What is kept; "" if nothing is."""
        key = self.session.get(_KEPT_UNDER)
        kept: dict[str, Any] = self._store(session_key=key).get(_KEPT_UNDER, {}) if key else {}
        return str(kept["text"]) if kept.get("user") == self.user else ""

    def keep(self, text: str) -> None:
        self.forget()
        store = self._store()
        store[_KEPT_UNDER] = {"user": self.user, "text": text}
        store.set_expiry(KEPT_FOR)
        store.create()
        self.session[_KEPT_UNDER] = store.session_key

    def forget(self) -> None:
        if key := self.session.pop(_KEPT_UNDER, None):
            self._store(session_key=key).delete()


class Exchanged(_AnyPage):
    """The list's two buttons and what they open."""

    change_list_template = "builder/exchange_list.html"

    def reaches_of(self, topics: Sequence[Topic]) -> Mapping[int, Collection[Reach]]:
        """The campaigns that stored topics stand in, by the topics' keys; whoever knows of them says it."""
        return {}

    def clash(self, topics: Collection[Topic], actions: Collection[SmsAction]) -> str:
        """Which tools share a name in a campaign of these; whoever knows of campaigns says it."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        pages = {"import": self.import_file, "import/check": self.check_file, "export": self.export_file}
        return [
            *(
                path(f"{where}/", self.admin_site.admin_view(view), name=self._named(where))
                for where, view in pages.items()
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "import_url": self._url("import") if self.may_import(request) else "",
            "export_url": self._url("export") if self.has_view_permission(request) else "",
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def may_import(self, request: HttpRequest) -> bool:
        """Whether the button is there: what of a file somebody may import is decided entry by entry."""
        return self.has_add_permission(request) or self.has_change_permission(request)

    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Take a file, and go on to what it would change."""
        if not self.may_import(request):
            raise PermissionDenied
        kept = Kept(request)
        given = None
        if request.method == "POST":
            form = FileForm(request.POST, request.FILES)
            if form.is_valid():
                given = form.data_given()
                try:
                    exchange.read(given)
                    kept.keep(decoded(given))
                    return HttpResponseRedirect(self._url("import/check"))
                except Unreadable as error:
                    where = f"Line {error.line}: " if error.line else ""
                    form.add_error(None, f"{where}{error}")
        else:
            again = kept.text() if "again" in request.GET else ""
            form = FileForm(initial={"text": again if len(again) <= MAX_MENDED_CHARACTERS else ""})
        return self._page(
            request, "import", {"form": form, "crumb": "Import", "text": _mendable(form, given)}
        )

    def check_file(self, request: HttpRequest) -> HttpResponse:
        """What the kept file would change; posted, that it should."""
        if not self.may_import(request):
            raise PermissionDenied
        kept = Kept(request)
        text = kept.text()
        if not text:
            self.message_user(
                request, "There is no file to import any more: choose it again.", messages.WARNING
            )
            return HttpResponseRedirect(self._url("import"))
        try:
            document = exchange.read(text.encode())
            plan, said = self._planned(request, document)
        except Unreadable as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(f"{self._url('import')}?again=1")
        if plan.is_applied:
            kept.forget()
            self.message_user(request, _done(plan), messages.SUCCESS)
            return HttpResponseRedirect(reverse(f"admin:{self._changelist}"))
        page = request.GET.get("page", "")
        shown = Differences(plan, request.user, int(page) if page.isdecimal() and len(page) < 6 else 1)
        context = {
            "plan": plan,
            "said": said,
            "crumb": "Import",
            "shown": shown,
            "sections": list(shown.sections()),
            "most_shown": MOST_SHOWN,
            "most_notices": MOST_NOTICES,
            "import_url": self._url("import"),
            "can_mend": len(text) <= MAX_MENDED_CHARACTERS,
        }
        return self._page(request, "check", context)

    def _planned(self, request: HttpRequest, document: Document) -> tuple[Plan, str]:
        """The plan, carried out if it was seen and agreed to as it is; and what to say if it was not."""
        around: Any = self.admin_site.get_model_admin(Topic)
        if request.method != "POST":
            return rehearse(document, request.user, around), ""
        seen, accepts = request.POST.get("seen", ""), "accept" in request.POST
        plan = carry_out(
            document,
            request.user,
            around,
            lambda plan: plan.digest == seen and (accepts or not plan.warnings),
        )
        if plan.is_applied or not plan.changes_something:
            return plan, ""
        if plan.digest == seen and plan.errors:
            return plan, "Nothing was imported: mend the errors first."
        if plan.digest != seen:
            return plan, (
                "Nothing was imported: since you looked, something changed here. This is what the import "
                "would do now."
            )
        return plan, "Nothing was imported yet: accept the warnings first, or mend the file."

    def export_file(self, request: HttpRequest) -> HttpResponse:
        """The choice of formats, or a file of the one that was chosen."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        offered = [format for format in FORMATS.values() if self._suits(format)]
        chosen = request.GET.get("format")
        if chosen is None:
            return self._page(request, "export", {"formats": offered, "crumb": "Export"})
        format = next((each for each in offered if each.name == chosen), None)
        if format is None:
            return HttpResponseNotFound("There is no such format here.", content_type="text/plain")
        response = HttpResponse(
            export(format, request.user), content_type=f"{format.content_type}; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{format.file_name}"'
        response["Cache-Control"] = "no-store"
        return response

    def _suits(self, format: Format) -> bool:
        own = next(kind for kind, model in MODELS.items() if model is self.model)
        return own in format.kinds

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        whole = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "back": reverse(f"admin:{self._changelist}"),
        }
        request.current_app = self.admin_site.name
        return render(request, f"builder/exchange_{name}.html", {**whole, **context})

    @property
    def _changelist(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_changelist"

    def _named(self, where: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{where.replace('/', '_')}"

    def _url(self, where: str) -> str:
        return reverse(f"admin:{self._named(where)}")


def _mendable(form: FileForm, given: bytes | None) -> str:
    """The text of a file that could not be read, so that it can be mended on the page."""
    if given is None or form["text"].value():
        return ""
    text = given[: MAX_MENDED_CHARACTERS + 1].decode("utf-8", "replace").strip()
    return text if len(text) <= MAX_MENDED_CHARACTERS else ""


def _done(plan: Plan) -> str:
    return f"Imported: {plan.new} added, {plan.changed} changed, {plan.unchanged} as they were."
