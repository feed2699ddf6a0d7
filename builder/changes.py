"""The page of all that was changed: by whom, when, and what there is no longer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from sms import history
from sms.pages import Since, page_asked_for
from sms.roles import is_admin
from sms.tracked import DELETE, INSERT, TRACKED, UPDATE

if TYPE_CHECKING:
    from sms.pages import Page

    _UserPage = Page[Any]
else:
    _UserPage = object

MAX_NAME_CHARACTERS = 150


def _kinds() -> list[tuple[str, str]]:
    """What has a history of its own, by the words for it."""
    kinds = [
        (model._meta.label_lower, capfirst(str(tracked.model._meta.verbose_name_plural)))
        for model, tracked in TRACKED.items()
        if not tracked.part_of
    ]
    return sorted(kinds, key=lambda kind: kind[1])


class ChangesForm(forms.Form):
    """What to look for."""

    who = forms.CharField(
        label="Who",
        required=False,
        max_length=MAX_NAME_CHARACTERS,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "The name to log in with, or a command"}),
    )
    what = forms.ChoiceField(label="What", required=False, widget=UnfoldAdminSelectWidget)
    how = forms.ChoiceField(
        label="How",
        required=False,
        choices=[("", "Any way"), (INSERT, "Added"), (UPDATE, "Changed"), (DELETE, "Deleted or removed")],
        widget=UnfoldAdminSelectWidget,
    )
    since = forms.ChoiceField(
        label="Since",
        required=False,
        choices=[("", "Any time"), *((value, words) for value, (words, _) in Since.SPANS.items())],
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        what: Any = self.fields["what"]
        what.choices = [("", "Everything"), *_kinds()]

    def found(self, request: HttpRequest) -> history.Leaf:
        """What it finds; of a filter that is none, everything."""
        asked = self.cleaned_data if self.is_valid() else {}
        since: timedelta | None = Since.SPANS[asked["since"]][1] if asked.get("since") else None
        return history.of_all(
            request,
            page_asked_for(request),
            who=asked.get("who", ""),
            model=apps.get_model(asked["what"]) if asked.get("what") else None,
            label=asked.get("how", ""),
            since=timezone.now() - since if since else None,
        )


class ShowsChanges(_UserPage):
    """Beside the users: what each of them did to the configuration."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("changes/", wrap(self.changes), name="auth_user_changes"),
            path("changes/<str:kind>/<str:pk>/", wrap(self.changes_of), name="auth_user_changes_of"),
            *super().get_urls(),
        ]

    def changes(self, request: HttpRequest) -> HttpResponse:
        """All of it, narrowed by who, what, how and since."""
        _refuse_others(request)
        form = ChangesForm(request.GET)
        leaf = form.found(request)
        asked = {name: value for name, value in request.GET.items() if name in form.fields and value}
        context = {
            **self.admin_site.each_context(request),
            "place": "admin:auth_user_changes",
            "form": form,
            "leaf": leaf,
            "is_narrowed": bool(asked),
            "asked": f"{urlencode(asked)}&" if asked else "",
        }
        return render(request, "builder/changes.html", context)

    def changes_of(self, request: HttpRequest, kind: str, pk: str) -> HttpResponse:
        """That of one object, which may be gone."""
        _refuse_others(request)
        model = _model(kind)
        if not history.may_read(request, model, _key(pk)):
            raise Http404
        leaf = history.of_object(request, model, _key(pk), page_asked_for(request))
        name = history.last_name(model, _key(pk))
        if not name and not leaf.items:
            raise Http404
        thing = history.existing(request, model, _key(pk))
        noun = capfirst(str(TRACKED[model].model._meta.verbose_name))
        context = {
            **self.admin_site.each_context(request),
            "place": "admin:auth_user_changes",
            "crumb": f"{noun} “{name}”",
            "leaf": leaf,
            "thing": thing,
            "url": thing and reverse(f"admin:{kind.replace('.', '_')}_change", args=[thing.pk]),
            "back": reverse("admin:auth_user_changes"),
        }
        return render(request, "sms/history.html", context)


def _refuse_others(request: HttpRequest) -> None:
    if not is_admin(request.user):
        raise PermissionDenied


def _model(kind: str) -> type[Model]:
    found = {model._meta.label_lower: model for model in TRACKED}.get(kind)
    if found is None:
        raise Http404
    return found


def _key(pk: str) -> int:
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise Http404
    return int(pk)
