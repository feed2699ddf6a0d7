"""What all admin pages have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.paginator import InfinitePaginator

from sms import history
from sms.roles import is_admin

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin as Unfold

    class ModelAdmin(Unfold):
        """unfold's, which can be written with a model as Django's typed one is."""

        def __class_getitem__(cls, model: object) -> type:
            return cls


M = TypeVar("M", bound=Model)

FIRST_WORDS = 70


class Page(ModelAdmin[M]):
    """A list and a form, as ops staff see them."""

    compressed_fields = True
    warn_unsaved_form = True
    list_filter_sheet = False
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> Any:
        context = {"show_history": history.is_tracked(self.model), **context}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who changed what of it, when, from what to what."""
        if not history.is_tracked(self.model):
            return super().history_view(request, object_id, extra_context)
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined, no-any-return]
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": obj,
            "crumb": "History",
            "leaf": history.of_object(request, self.model, obj.pk, page_asked_for(request)),
            **(extra_context or {}),
        }
        return render(request, "sms/history.html", context)


class OwnedPage(Page[M]):
    """Of what is sent from somebody's own account: only its owner and Admins may change it.

    Only Admins choose the owner; else it is whoever adds it, whatever a request says. Who saves one that
    cannot be sent yet is told what is missing; who adds one that can, what to do next.
    """

    next_step = ""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"owner": request.user.pk, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if is_admin(request.user):
            return fieldsets
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "owner"]})
            for title, options in fieldsets
        ]

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry whose request it is.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        return form

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def response_add(
        self, request: HttpRequest, obj: M, post_url_continue: str | None = None
    ) -> HttpResponse:
        response = super().response_add(request, obj, post_url_continue)
        if not self._say_what_lacks(request, obj) and self.next_step:
            self.message_user(request, self.next_step, messages.INFO)
        return response

    def response_change(self, request: HttpRequest, obj: M) -> HttpResponse:
        response = super().response_change(request, obj)
        self._say_what_lacks(request, obj)
        return response

    def _say_what_lacks(self, request: HttpRequest, obj: M) -> bool:
        # Read anew, with what was just stored of its owner's credentials.
        stored: Any = type(obj)._default_manager.get(pk=obj.pk)
        if lacks := stored.lacks():
            self.message_user(request, f"“{obj}” cannot be sent yet. {lacks}", messages.WARNING)
        return bool(lacks)


class ReadOnlyPage(Page[M]):
    """Of what happened: to be read, by nobody to be changed. The tables grow without bound."""

    # Counting a table that grows takes longer than reading a page of it.
    paginator = InfinitePaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().change_view(
            request, object_id, form_url, {"show_history": False, **(extra_context or {})}
        )


class Since(admin.SimpleListFilter):
    """Narrows a list to what is new. Subclasses name the field, which has an index."""

    title = "time"
    parameter_name = "since"
    field = "created_at"

    SPANS = {
        "1h": ("Last hour", timedelta(hours=1)),
        "24h": ("Last 24 hours", timedelta(hours=24)),
        "7d": ("Last 7 days", timedelta(days=7)),
        "30d": ("Last 30 days", timedelta(days=30)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, words) for value, (words, _) in self.SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in self.SPANS:
            return queryset
        _, span = self.SPANS[str(self.value())]
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - span})


def page_asked_for(request: HttpRequest) -> int:
    """The number of the page that a request asks for; 1 if it does not say."""
    asked = request.GET.get("page", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1


def label(words: str, tone: str = "plain") -> SafeString:
    """A coloured label. `tone` is plain, info, good, warn or bad."""
    return format_html('<span class="mc-label mc-{}">{}</span>', tone, words)


def links_to(things: Any) -> SafeString | str:
    """Things as links to their pages; a dash if there are none."""
    shown = [
        (reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk]), thing)
        for thing in things
    ]
    return format_html_join(", ", '<a class="mc-link" href="{}">{}</a>', shown) or "–"


def may_see(user: Any, model: type[Model]) -> bool:
    """Whether a user may open the pages of a model. Whoever may change a thing sees it."""
    app, name = model._meta.app_label, model._meta.model_name
    return any(user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def first_words(text: str) -> str:
    """As much of a text as a list has room for."""
    line = " ".join(text.split())
    return line if len(line) <= FIRST_WORDS else line[: FIRST_WORDS - 1].rstrip() + "…"


def _may_touch(request: HttpRequest, obj: Any) -> bool:
    return obj is None or obj.owner_id == request.user.pk or is_admin(request.user)
