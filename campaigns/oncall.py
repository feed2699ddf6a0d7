"""What happened: calls with their tool calls, consents, and messages with the call they belong to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from campaigns import safeguards
from campaigns.models import Call, Connection, Consent, ToolCall
from sms.admin import search_number
from sms.models import Message
from sms.oncall import MessageAdmin as BareMessageAdmin
from sms.oncall import state_label
from sms.pages import ReadOnlyPage, Since, label

MAX_TOOL_CALLS_SHOWN = 200


@admin.register(Message)
class MessageAdmin(BareMessageAdmin):
    """A text, and the tool call that asked for it."""

    def about(self, message: Message) -> dict[str, Any]:
        tool_call = (
            ToolCall.objects.filter(message=message)
            .select_related("call__connection__campaign", "consent")
            .first()
        )
        return {**super().about(message), "tool_call": tool_call}


class SinceCall(Since):
    field = "started_at"


@admin.register(Call)
class CallAdmin(ReadOnlyPage[Call]):
    list_display = ("started_at", "caller_number", "campaign", "connection", "fired", "external_id")
    list_filter = ("connection__campaign", SinceCall)
    list_select_related = ("connection__campaign",)
    search_fields = ("=external_id",)
    search_help_text = "The caller's whole number with + and country code, or the runtime's call id"
    sortable_by = ("started_at",)
    ordering = ("-started_at",)
    change_form_template = "campaigns/call.html"

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
        about = {"fired": _fired(call)} if call else {}
        return super().change_view(request, object_id, form_url, {**about, **(extra_context or {})})


class SinceConsent(Since):
    field = "given_at"


@admin.register(Consent)
class ConsentAdmin(ReadOnlyPage[Consent]):
    list_display = ("given_at", "recipient", "words", "campaign", "withdrawn_at")
    list_filter = ("campaign", SinceConsent)
    list_select_related = ("campaign",)
    search_fields = ("=recipient",)
    search_help_text = "A whole number with + and country code"
    sortable_by = ("given_at",)
    ordering = ("-given_at",)
    change_form_template = "campaigns/consent.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Consent], search_term: str
    ) -> tuple[QuerySet[Consent], bool]:
        return search_number(queryset, "recipient", search_term), False


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
