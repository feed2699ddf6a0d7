"""The Messages pages: why a text did not arrive, within a minute, on one page."""

from __future__ import annotations

import re
import uuid
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sms import outbox, suppression
from sms.admin import search_number
from sms.erasing import ERASED
from sms.forms import CancelForm
from sms.models import Message, OptOut, Pause, Sender, State
from sms.pages import Page, ReadOnlyPage, Since, first_words, label
from sms.providers import codes

_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")

# As many as their ids have room for in an address.
MAX_CANCELED_AT_ONCE = 50

TONES = {
    State.QUEUED: "info",
    State.HELD: "warn",
    State.SUBMITTING: "info",
    State.UNCONFIRMED: "warn",
    State.ACCEPTED: "info",
    State.SENT: "info",
    State.DELIVERED: "good",
    State.UNDELIVERED: "bad",
    State.FAILED: "bad",
    State.UNKNOWN: "bad",
    State.EXPIRED: "bad",
    State.CANCELED: "plain",
    State.BLOCKED: "plain",
}

# What a state means, and what a person can do about it.
MEANINGS = {
    State.QUEUED: (
        "It waits for a worker, or for its next try.",
        "If it waits longer than a minute, no worker is running: start one.",
    ),
    State.HELD: (
        "It is held back, and goes on by itself once the reason is gone.",
        "See to the reason; if nobody does before it expires, it is dropped.",
    ),
    State.SUBMITTING: (
        "A worker is handing it to the carrier right now.",
        "Nothing. If the worker died, it is looked up at the carrier by itself.",
    ),
    State.UNCONFIRMED: (
        "The carrier may have it or not: the answer was lost.",
        "Nothing. The carrier's list is read until it is certain; sending it again could text twice.",
    ),
    State.ACCEPTED: (
        "The carrier has it and will send it.",
        "Wait for the receipt. Without one, receipts do not reach PUBLIC_URL, or the carrier is slow.",
    ),
    State.SENT: (
        "The carrier has sent it. Not every network reports arrival.",
        "Nothing, unless the person says that it never came: then ask the carrier, by the Message SID.",
    ),
    State.DELIVERED: ("It is on the phone.", "Nothing."),
    State.UNDELIVERED: (
        "The carrier could not deliver it.",
        "Check the number with the person: a landline, a phone that is off, or a network that filters.",
    ),
    State.FAILED: (
        "It was refused, and will not be tried again.",
        "Mend what the reason names; the next text will go. This one can be asked for again in a call.",
    ),
    State.UNKNOWN: (
        "Nobody can tell whether it was sent, and it is not sent again on a guess.",
        "Ask the person, or look for the number in the carrier's own log.",
    ),
    State.EXPIRED: (
        "It could not be sent while it was worth sending, so it was dropped.",
        "See why it waited: the steps below say. If it never left the queue, no worker was running.",
    ),
    State.CANCELED: (
        "It was taken back before it was sent.",
        "Nothing. It can be asked for again in a call.",
    ),
    State.BLOCKED: (
        "The number has opted out, so it was not sent.",
        "Nothing, unless the person wants texts again: then lift the opt-out.",
    ),
}
QUIET = (
    "It waits for the morning where the phone is, and goes out by itself then.",
    "Nothing. Which texts wait so, and when, is set on the campaign's page, under Who may be texted.",
)


@admin.register(Sender)
class SenderAdmin(Page[Sender]):
    """How fast each sender may send, and which are held back and why."""

    list_display = ("address", "account_sid", "standing", "messages_per_second")
    list_filter = (("held_at", admin.EmptyFieldListFilter),)
    search_fields = ("=address", "=account_sid")
    search_help_text = "A whole sender or Account SID"
    fields = (
        "address", "account_sid", "standing", "held_because", "held_code", "held_at", "messages_per_second",
    )  # fmt: skip
    readonly_fields = ("address", "account_sid", "standing", "held_because", "held_code", "held_at")

    @admin.display(description="State")
    def standing(self, obj: Sender) -> SafeString:
        return label("held", "warn") if obj.held_at else label("sends", "good")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        release = self.admin_site.admin_view(self.release)
        return [path("<int:pk>/release/", release, name="sms_sender_release"), *super().get_urls()]

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a held sender send again, and what waits for it go."""
        sender = get_object_or_404(Sender, pk=pk)
        if request.method != "POST" or not self.has_change_permission(request, sender):
            raise PermissionDenied
        outbox.release(sender.account_sid, sender.address)
        self.log_change(request, sender, "Released.")
        self.message_user(request, f"{sender} sends again.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:sms_sender_change", args=[pk]))


class Tests(admin.SimpleListFilter):
    """The texts that somebody tried a template out with; the few that there are have an index."""

    title = "tests"
    parameter_name = "tests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Tests only")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.exclude(tested_by="") if self.value() == "yes" else queryset


class MessageAdmin(ReadOnlyPage[Message]):
    """Every text with its reason. Searches and filters go by an index: the table grows without bound."""

    list_display = ("created_at", "whom", "sent_with", "words", "standing", "reason")
    list_filter = ("state", "provider", "duplicate_detected", Tests, Since)
    search_fields = ("=id",)
    search_help_text = "A whole number with + and country code, a message's id, or a Message SID"
    sortable_by = ("created_at",)
    ordering = ("-created_at",)
    change_form_template = "sms/message.html"
    actions = ("cancel_texts",)
    # How many there are in all is not counted, and so many are not canceled at once.
    list_disable_select_all = True

    @admin.display(description="To")
    def whom(self, obj: Message) -> str:
        return obj.recipient if not obj.erased_at else ERASED

    @admin.display(description="Tool")
    def sent_with(self, obj: Message) -> SafeString | str:
        return format_html("{} {}", obj.tool, label("test", "plain")) if obj.tested_by else obj.tool

    @admin.display(description="Text")
    def words(self, obj: Message) -> str:
        return first_words(obj.body) if not obj.erased_at else ERASED

    @admin.display(description="State")
    def standing(self, obj: Message) -> SafeString:
        state = state_label(obj.state)
        return format_html("{} {}", state, label("sent twice", "bad")) if obj.duplicate_detected else state

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        term = search_term.strip()
        if _SID.fullmatch(term):
            return queryset.filter(provider_sid=term), False
        try:
            return queryset.filter(pk=uuid.UUID(term)), False
        except ValueError:
            return search_number(queryset, "recipient", term), False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may take texts back. Nobody changes anything else of them."""
        return request.user.has_perm("sms.change_message")

    @admin.action(description="Cancel these texts…", permissions=["cancel"])
    def cancel_texts(self, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse:
        chosen = [str(pk) for pk in queryset.values_list("pk", flat=True)[:MAX_CANCELED_AT_ONCE]]
        return HttpResponseRedirect(f"{reverse('admin:sms_message_cancel')}?texts={','.join(chosen)}")

    def get_urls(self) -> list[URLPattern]:
        cancel = self.admin_site.admin_view(self.cancel)
        return [path("cancel/", cancel, name="sms_message_cancel"), *super().get_urls()]

    def cancel(self, request: HttpRequest) -> HttpResponse:
        """Take texts back that still wait, with the reason on record."""
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        chosen = list(Message.objects.filter(pk__in=_ids(request.GET.get("texts", ""))))
        waiting = [message for message in chosen if message.state in outbox.WAITING]
        back = reverse("admin:sms_message_changelist")
        if len(chosen) == 1:
            back = reverse("admin:sms_message_change", args=[chosen[0].pk])
        form = CancelForm(request.POST or None)
        if request.method == "POST" and waiting and form.is_valid():
            self._cancel(request, waiting, form.cleaned_data["because"])
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "crumb": "Cancel",
            "form": form,
            "rows": [
                {"message": message, "label": self.standing(message), "words": self.words(message)}
                for message in chosen
            ],
            "waiting": waiting,
            "back": back,
        }
        return render(request, "admin/sms/message/cancel.html", context)

    def _cancel(self, request: HttpRequest, waiting: list[Message], because: str) -> None:
        ids = [message.pk for message in waiting]
        canceled = outbox.cancel(ids, request.user.get_username(), because)
        for message in waiting:
            if message.pk in canceled:
                self.log_change(request, message, f"Canceled: {because}")
        if canceled:
            words = "The text is canceled." if len(canceled) == 1 else f"{len(canceled)} texts are canceled."
            self.message_user(request, words, messages.SUCCESS)
        if left := len(ids) - len(canceled):
            words = "One text had left already." if left == 1 else f"{left} texts had left already."
            self.message_user(request, words, messages.WARNING)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        message = self.get_object(request, object_id)
        about = self.about(message) if message else {}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})

    def about(self, message: Message) -> dict[str, Any]:
        """What the page shows beside the row itself."""
        sender = Sender.objects.filter(account_sid=message.account_sid, address=message.sender).first()
        meaning, advice = explained(message, sender)
        return {
            "cancelable": message.state in outbox.WAITING,
            "label": self.standing(message),
            "meaning": meaning,
            "advice": advice,
            "steps": steps_of(message),
            "sender": sender,
            "pause": Pause.over(message) if message.state in outbox.WAITING else None,
            "opt_out": OptOut.objects.filter(
                recipient__in=suppression.known_as(message.recipient), lifted_at=None
            ).first()
            if message.recipient
            else None,
        }


def _ids(listed: str) -> list[uuid.UUID]:
    """The message ids in a list with commas; what is none is left out."""
    found = []
    for each in listed.split(",")[:MAX_CANCELED_AT_ONCE]:
        with suppress(ValueError):
            found.append(uuid.UUID(each))
    return found


def state_label(state: str) -> SafeString:
    """A state in plain words, coloured by what it means to a person."""
    return label(State(state).label, TONES[State(state)])


def explained(message: Message, sender: Sender | None) -> tuple[str, str]:
    """What the state of a text means, and what a person can do about it."""
    meaning, advice = MEANINGS[State(message.state)]
    if message.quiet_until:
        return QUIET
    code = message.error_code
    if message.state == State.HELD and sender:
        code = sender.held_code or code
    return meaning, codes.meaning(code).remedy if code else advice


def steps_of(message: Message) -> list[dict[str, Any]]:
    """The life of a text, each step with the time since the one before."""
    steps = [{"at": message.created_at, "label": label("Promised", "plain"), "event": None}]
    steps += [
        {"at": event.at, "label": state_label(event.state), "event": event}
        for event in message.events.order_by("at", "id")
    ]
    before = message.created_at
    for step in steps:
        at: Any = step["at"]
        step["after"] = f"+{(at - before).total_seconds():.3f} s"
        before = at
    return steps
