"""The way from a half-written topic to a new SMS template and back, on which nothing that was typed is lost.

Leaving a topic keeps its form as a draft in the session. Every page that is rendered has a token of its own,
under which its draft is kept, so tabs do not mix. Saving the template writes a reference to it into the draft
and goes back to the topic's page with `?draft=<token>`; cancelling goes back there with the draft as it was.
A draft stays until its topic is saved or it is thrown away, and the topic's pages offer it until then.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils.datastructures import MultiValueDict

from builder import prompt
from builder.models import Topic
from sms import text
from sms.models import SmsTemplate

if TYPE_CHECKING:
    from sms.pages import Page

    _TopicPage = Page[Topic]
    _TemplatePage = Page[SmsTemplate]
else:
    _TopicPage = _TemplatePage = object

# A session is read with every request; the oldest draft makes room.
MAX_DRAFTS = 10
_SESSION_KEY = "topic_drafts"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(slots=True)
class Draft:
    """A topic's form as it was left.

    `address` is that of the topic's page, `fields` what was typed, `caret` the place in the Actions field
    (None if unknown), `kept_at` in seconds since 1970.
    """

    token: str
    address: str
    fields: dict[str, list[str]]
    caret: int | None
    kept_at: float

    def __str__(self) -> str:
        return self.value("name").strip() or "a topic without a name"

    @property
    def url(self) -> str:
        """Where its form is shown again."""
        parameters = QueryDict(self.address.partition("?")[2], mutable=True)
        parameters["draft"] = self.token
        return f"{self.page}?{parameters.urlencode()}"

    @property
    def page(self) -> str:
        return self.address.partition("?")[0]

    @property
    def since(self) -> datetime:
        return datetime.fromtimestamp(self.kept_at, UTC)

    @property
    def data(self) -> MultiValueDict[str, str]:
        return MultiValueDict(self.fields)

    def value(self, name: str) -> str:
        return self.fields.get(name, [""])[-1]


class Drafts:
    """The drafts of one session, the newest first."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    def __iter__(self) -> Iterator[Draft]:
        return (Draft(**kept) for kept in reversed(self._kept().values()))

    def get(self, token: str | None) -> Draft | None:
        kept = self._kept().get(token or "")
        return Draft(**kept) if kept else None

    def of(self, page: str) -> list[Draft]:
        """Those of one topic's page, or of new topics, by its path."""
        return [draft for draft in self if draft.page == page]

    def keep(self, draft: Draft) -> None:
        self.forget(draft.token)
        kept = {**self._kept(), draft.token: asdict(draft)}
        self.session[_SESSION_KEY] = dict(list(kept.items())[-MAX_DRAFTS:])

    def forget(self, token: str | None) -> None:
        kept = self._kept()
        if token in kept:
            self.session[_SESSION_KEY] = {other: draft for other, draft in kept.items() if other != token}

    def _kept(self) -> dict[str, Any]:
        kept: dict[str, Any] = self.session.get(_SESSION_KEY, {})
        return kept


def _new_token() -> str:
    return secrets.token_urlsafe(16)


def _shown(request: HttpRequest) -> Draft | None:
    draft = Drafts(request.session).get(request.GET.get("draft"))
    return draft if draft and draft.page == request.path else None


class LeavesForTemplate(_TopicPage):
    """The topic's side: leaves with the form kept, and shows it again."""

    list_before_template = "builder/drafts.html"
    change_form_outer_before_template = "builder/drafts.html"
    change_form_before_template = "builder/leaving.html"

    def get_urls(self) -> list[URLPattern]:
        discard = self.admin_site.admin_view(self.discard)
        return [
            path("drafts/<str:token>/discard/", discard, name="builder_topic_discard"),
            *super().get_urls(),
        ]

    def get_form(
        self, request: HttpRequest, obj: Topic | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry what belongs to the request.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        form.draft = _shown(request)
        return form

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"drafts": list(Drafts(request.session)), **(extra_context or {})}
        return super().changelist_view(request, context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method == "POST" and "_add_template" in request.POST:
            return self._leave(request, is_new=object_id is None)
        shown = _shown(request)
        context = {
            "drafts": [draft for draft in Drafts(request.session).of(request.path) if draft != shown],
            # Of this page, should it be left; not of the draft that it shows.
            "token": _new_token(),
            **(extra_context or {}),
        }
        if request.method == "GET" and "draft" in request.GET and shown is None:
            gone = "The draft that you came for was saved or thrown away; this is the topic without it."
            self.message_user(request, gone, messages.WARNING)
        return super().changeform_view(request, object_id, form_url, context)

    def _leave(self, request: HttpRequest, is_new: bool) -> HttpResponse:
        may_write = self.has_add_permission(request) if is_new else self.has_change_permission(request)
        if not (may_write and request.user.has_perm("sms.add_smstemplate")):
            raise PermissionDenied
        token = request.POST.get("_token", "")
        address = QueryDict(request.GET.urlencode(), mutable=True)
        came_from = address.pop("draft", [None])[-1]
        caret = request.POST.get("_caret", "")
        draft = Draft(
            token=token if _TOKEN.fullmatch(token) else _new_token(),
            address=f"{request.path}?{address.urlencode()}".rstrip("?"),
            # A browser sends lines with two characters at their ends; the caret counts one.
            fields={
                name: [text.one_line_break(value) for value in values]
                for name, values in request.POST.lists()
                if not name.startswith("_") and name != "csrfmiddlewaretoken"
            },
            caret=int(caret) if caret.isascii() and caret.isdigit() and len(caret) < 9 else None,
            kept_at=time.time(),
        )
        drafts = Drafts(request.session)
        drafts.forget(came_from)
        drafts.keep(draft)
        return HttpResponseRedirect(f"{reverse('admin:sms_smstemplate_add')}?topic={draft.token}")

    def discard(self, request: HttpRequest, token: str) -> HttpResponse:
        """Throw away a draft."""
        if request.method == "POST":
            Drafts(request.session).forget(token)
        return HttpResponseRedirect(reverse("admin:builder_topic_changelist"))

    def response_add(
        self, request: HttpRequest, obj: Topic, post_url_continue: str | None = None
    ) -> HttpResponse:
        Drafts(request.session).forget(request.GET.get("draft"))
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Topic) -> HttpResponse:
        Drafts(request.session).forget(request.GET.get("draft"))
        return super().response_change(request, obj)


class ReturnsToTopic(_TemplatePage):
    """The template's side: says whither one goes back, and goes there."""

    change_form_outer_before_template = "builder/returning.html"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        draft = Drafts(request.session).get(request.GET.get("topic"))
        context = dict(extra_context or {})
        if draft:
            context |= {"draft": draft, "show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, context)

    def response_add(
        self, request: HttpRequest, obj: SmsTemplate, post_url_continue: str | None = None
    ) -> HttpResponse:
        drafts = Drafts(request.session)
        draft = drafts.get(request.GET.get("topic"))
        if draft is None:
            return super().response_add(request, obj, post_url_continue)
        actions, draft.caret = prompt.insert(draft.value("actions"), obj.name, draft.caret)
        draft.fields["actions"] = [actions]
        drafts.keep(draft)
        self.message_user(
            request,
            f"The template “{obj}” is saved, and Actions refers to it. The topic itself is not saved yet.",
            messages.SUCCESS,
        )
        return HttpResponseRedirect(draft.url)
