"""What happened: calls with their tool calls, consents, and messages with the call they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from builder.models import SmsAction
from campaigns import evidence, retention, safeguards
from campaigns.ledger import ProvesConsent
from campaigns.models import Call, Connection, Consent, ToolCall
from campaigns.person import ShowsPeople
from sms.admin import search_number
from sms.erasing import ERASED
from sms.models import Message, OptOut, SmsTemplate
from sms.oncall import MessageAdmin as BareMessageAdmin
from sms.oncall import state_label
from sms.pages import ReadOnlyPage, Since, first_words, label

MAX_TOOL_CALLS_SHOWN = 200


@admin.register(Message)
class MessageAdmin(ShowsPeople, BareMessageAdmin):
    """A text, and the tool call that asked for it."""

    def about(self, message: Message) -> dict[str, Any]:
        tool_call = (
            ToolCall.objects.filter(message=message)
            .select_related("call__connection__campaign", "consent", "action")
            .first()
        )
        return {
            **super().about(message),
            "tool_call": tool_call,
            "waived": _why_no_consent(message, tool_call),
            "kept_days": retention.kept_days(tool_call.call.connection.campaign if tool_call else None),
        }


def _why_no_consent(message: Message, tool_call: ToolCall | None) -> str:
    """Why a text needed no consent, as it is said now of what sends it; "" if nobody says."""
    # Either may have been deleted since, which leaves the texts as they are.
    action = SmsAction.objects.filter(pk=(tool_call and tool_call.action_id) or 0).first()
    source = action or SmsTemplate.objects.filter(pk=message.template_id or 0).first()
    return source.transactional_because if source else ""


class SinceCall(Since):
    field = "started_at"


@admin.register(Call)
class CallAdmin(ReadOnlyPage[Call]):
    list_display = ("first_seen", "caller_number", "campaign", "connection", "fired", "external_id")
    list_filter = ("connection__campaign", SinceCall)
    list_select_related = ("connection__campaign",)
    search_fields = ("=external_id",)
    search_help_text = "The caller's whole number with + and country code, or the runtime's call id"
    sortable_by = ("first_seen",)
    change_form_template = "campaigns/call.html"

    @admin.display(description="First seen", ordering="pk")
    def first_seen(self, obj: Call) -> datetime:
        return obj.started_at

    @admin.display(description="Campaign")
    def campaign(self, obj: Call) -> str:
        return str(obj.connection.campaign)

    @admin.display(description="Tool calls")
    def fired(self, obj: Any) -> int:
        return int(obj.fired)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Call]:
        # Counted for the rows that are shown, not joined with all that there are.
        fired = ToolCall.objects.filter(call=OuterRef("pk")).order_by().values("call")
        count = Subquery(fired.annotate(count=Count("*")).values("count"))
        return super().get_queryset(request).annotate(fired=Coalesce(count, 0))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Call], search_term: str
    ) -> tuple[QuerySet[Call], bool]:
        # Calls are indexed by connection and id together: naming all connections keeps to that index.
        ways_in = list(Connection.objects.values_list("pk", flat=True))
        by_id = queryset.filter(connection__in=ways_in, external_id=search_term.strip())
        if search_term.strip() and by_id.exists():
            return by_id, False
        return search_number(queryset, "caller_number", search_term), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        call = self.get_object(request, object_id)
        about: dict[str, Any] = {"fired": _fired(call)} if call else {}
        if call and call.caller_number:
            about["opted_out"] = OptOut.stands_for(call.caller_number)
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})


class Withdrawn(admin.SimpleListFilter):
    title = "state"
    parameter_name = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Given"), ("yes", "Withdrawn")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Consent]) -> QuerySet[Consent]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() == "no")


class SinceConsent(Since):
    field = "given_at"


@admin.register(Consent)
class ConsentAdmin(ProvesConsent, ReadOnlyPage[Consent]):
    """The ledger: who agreed to which text, in which words."""

    list_display = ("given", "number", "said", "campaign", "tool", "standing")
    list_filter = ("campaign", Withdrawn, SinceConsent)
    list_select_related = ("campaign", "tool_call")
    search_fields = ("=recipient",)
    search_help_text = "A whole number with + and country code"
    sortable_by = ("given",)
    change_form_template = "campaigns/consent.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Consent], search_term: str
    ) -> tuple[QuerySet[Consent], bool]:
        return search_number(queryset, "recipient", search_term), False

    @admin.display(description="Given at", ordering="pk")
    def given(self, obj: Consent) -> datetime:
        return obj.given_at

    @admin.display(description="Number")
    def number(self, obj: Consent) -> str:
        return obj.recipient or ERASED

    @admin.display(description="In their words")
    def said(self, obj: Consent) -> str:
        return first_words(obj.words) or ERASED

    @admin.display(description="For")
    def tool(self, obj: Consent) -> str:
        return obj.tool_call.tool

    @admin.display(description="State")
    def standing(self, obj: Consent) -> SafeString:
        return label("withdrawn", "plain") if obj.withdrawn_at else label("given", "good")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        consent = evidence.consents(Consent.objects.all()).filter(pk=_pk(object_id)).first()
        text = consent and consent.tool_call.message
        about = {"evidence": consent, "state": state_label(text.state) if text else ""}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})


def _pk(object_id: str) -> int:
    return int(object_id) if object_id.isascii() and object_id.isdecimal() and len(object_id) < 19 else 0


def outcome_label(tool_call: ToolCall) -> SafeString:
    """What was decided, in words."""
    tones = {ToolCall.Outcome.ACCEPTED: "good", ToolCall.Outcome.REFUSED: "warn"}
    outcome = ToolCall.Outcome(tool_call.outcome)
    return label(outcome.label, tones.get(outcome, "plain"))


def _fired(call: Call) -> list[dict[str, Any]]:
    rows = call.tool_calls.select_related("message").order_by("at", "pk")[:MAX_TOOL_CALLS_SHOWN]
    return [
        {
            "row": row,
            "outcome": outcome_label(row),
            "why": safeguards.PLAIN.get(row.refusal, row.refusal),
            "state": state_label(row.message.state) if row.message else "",
        }
        for row in rows
    ]
