"""Everything that is known of one phone number, wherever it stands."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform

from campaigns.models import RECIPIENT, Call, Consent, ToolCall
from sms import suppression
from sms.models import Forgotten, Message, OptOut


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a number (E.164): each by an index, the newest first."""

    number: str

    def texts(self) -> QuerySet[Message]:
        """The texts to it."""
        return Message.objects.filter(recipient=self.number).order_by("-created_at")

    def calls(self) -> QuerySet[Call]:
        """The calls that came from it."""
        return Call.objects.filter(caller_number=self.number).order_by("-started_at")

    def tool_calls(self) -> QuerySet[ToolCall]:
        """The tool calls that came from it, or were to text it."""
        named = ToolCall.objects.annotate(named=KeyTextTransform(RECIPIENT, "parameters"))
        asked = named.filter(parameters__has_key=RECIPIENT, named=self.number).values("pk")
        own = ToolCall.objects.filter(call__in=self.calls().order_by().values("pk")).values("pk")
        texts = ToolCall.objects.filter(message__in=self.texts().order_by().values("pk")).values("pk")
        # Read at once: asked for the newest, PostgreSQL would look for these among all that there are.
        found = own.order_by().union(asked.order_by(), texts.order_by()).values_list("pk", flat=True)
        return ToolCall.objects.filter(pk__in=list(found))

    def consents(self) -> QuerySet[Consent]:
        """What it agreed to, and what its caller said of other numbers."""
        own = Consent.objects.filter(recipient=self.number).order_by().values("pk")
        said = Consent.objects.filter(tool_call__in=self.tool_calls().order_by()).order_by().values("pk")
        found = own.union(said).values_list("pk", flat=True)
        return Consent.objects.filter(pk__in=list(found)).order_by("-given_at")

    def opt_outs(self) -> QuerySet[OptOut]:
        """Its opt-outs, forgotten since or not."""
        return OptOut.objects.filter(recipient__in=suppression.known_as(self.number)).order_by("-created_at")

    def forgotten(self) -> QuerySet[Forgotten]:
        """When it was forgotten."""
        return Forgotten.of(self.number).order_by("-at")

    @property
    def opt_out(self) -> OptOut | None:
        """The opt-out that stands."""
        return self.opt_outs().filter(lifted_at=None).first()
