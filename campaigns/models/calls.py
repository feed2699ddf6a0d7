"""What happened in calls: who called, what was fired, and what the caller agreed to."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import connection as database
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact, IsNull
from django.utils import timezone

from builder.models import SmsAction
from campaigns.models.campaigns import Campaign
from campaigns.models.connections import Connection
from sms.models import NUMBER_CHARACTERS, Message, OptOut

ID_CHARACTERS = 255
# The parameter that says whom to text.
RECIPIENT = "to"
LONGEST_CALL = timedelta(hours=4)


class CallNumberChanged(ValueError):
    """A request names another caller's number than the call had before."""


class Call(models.Model):
    """One phone call as the runtime names it, with the caller's number from the runtime's envelope."""

    # Found by the constraint call_once. No constraint of its own: see Message.profile.
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="calls", db_index=False, db_constraint=False
    )
    external_id = models.CharField("call id", max_length=ID_CHARACTERS)
    caller_number = models.CharField(max_length=NUMBER_CHARACTERS, blank=True)
    caller_name = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField("first seen", default=timezone.now)
    # When the caller's number and name were erased.
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # As they were seen. A B-tree of moments would be written with each tool call.
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="call_once")
        ]
        indexes: ClassVar = [
            BrinIndex(fields=["started_at"], name="call_since", autosummarize=True),
            models.Index(fields=["caller_number"], name="call_by_number"),
        ]

    def __str__(self) -> str:
        return self.external_id

    @classmethod
    def noted(
        cls, connection: Connection, external_id: str, caller_number: str, caller_name: str
    ) -> tuple[Call, bool]:
        """The call of that id, and whether it is new, in one statement that locks it until the transaction
        ends: tool calls of one call are decided one after the other.

        The first number that the runtime gives for a call stands. Raises CallNumberChanged for another one.
        What was erased of a call that goes on is known again, and to be erased again.
        """
        with database.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO campaigns_call AS call
                    (connection_id, external_id, caller_number, caller_name, started_at)
                VALUES (%s, %s, %s, %s, statement_timestamp())
                ON CONFLICT (connection_id, external_id) DO UPDATE SET
                    caller_number = COALESCE(NULLIF(call.caller_number, ''), EXCLUDED.caller_number),
                    caller_name = COALESCE(NULLIF(call.caller_name, ''), EXCLUDED.caller_name),
                    -- An id that is used again after that: whose it is now has not been erased.
                    erased_at = CASE
                        WHEN EXCLUDED.caller_number || EXCLUDED.caller_name = '' THEN call.erased_at END
                RETURNING id, caller_number, caller_name, started_at, xmax = 0
                """,
                [connection.pk, external_id, caller_number, caller_name],
            )
            pk, number, name, started_at, is_new = cursor.fetchone()
        if caller_number and number != caller_number:
            raise CallNumberChanged
        if not caller_number and timezone.now() - started_at > LONGEST_CALL:
            # A runtime that uses an id again after so long means another call.
            number = ""
        call = cls(
            pk=pk,
            connection=connection,
            external_id=external_id,
            caller_number=number,
            caller_name=name,
            started_at=started_at,
        )
        call._state.adding = False
        return call, is_new


class ToolCall(models.Model):
    """One firing of a tool in a call: what was asked, what was decided, and what was answered."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        DONE = "done", "Done, without a text"

    # Found by the constraint tool_call_once. Neither this nor the message is a constraint in the database: it
    # looks each up again, though one statement writes all three, and nothing deletes any of them.
    call = models.ForeignKey(
        Call, on_delete=models.PROTECT, related_name="tool_calls", db_index=False, db_constraint=False
    )
    # The runtime's tool call id, or one of ours: a second request with it gets the first answer.
    key = models.CharField(max_length=ID_CHARACTERS)
    # SHA-256 of what was asked.
    fingerprint = models.CharField(max_length=64, editable=False)
    tool = models.CharField(max_length=64)
    # Found by the index tool_call_by_action. No constraint: see Message.profile.
    action = models.ForeignKey(
        SmsAction,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tool_calls",
        db_index=False,
        db_constraint=False,
    )
    parameters = models.JSONField(default=dict, help_text="As the agent wrote them.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    refusal = models.CharField(max_length=32, blank=True, help_text="The rule that refused, by its code.")
    say = models.TextField(help_text="What the agent was told to say.")
    message = models.OneToOneField(
        Message,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tool_call",
        db_constraint=False,
    )
    at = models.DateTimeField(default=timezone.now)
    # When what was asked and answered was erased.
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "key"], name="tool_call_once"),
            # Briefly: each statement that writes here reads it anew.
            models.CheckConstraint(
                condition=Exact(Exact(F("outcome"), "accepted"), IsNull(F("message"), False)),
                name="promise_has_message",
            ),
        ]
        indexes: ClassVar = [
            BrinIndex(fields=["at"], name="tool_call_since", autosummarize=True),
            models.Index(
                fields=["action", "-at"], condition=Q(action__isnull=False), name="tool_call_by_action"
            ),
            # Whom the agent was told to text, which may have been refused.
            models.Index(
                KeyTextTransform(RECIPIENT, "parameters"),
                condition=Q(parameters__has_key=RECIPIENT),
                name="tool_call_by_recipient",
            ),
        ]

    def __str__(self) -> str:
        return self.tool


class Consent(models.Model):
    """What a caller said when asked whether they may be texted, for one text.

    The database refuses each change and DELETE (migration 0017), but for its withdrawal, once, and by the
    door in sms/erasing.py. A number's opt-out, whoever enters it, withdraws all its consents, by a trigger.
    """

    recipient = models.CharField("number", max_length=NUMBER_CHARACTERS)
    # As the runtime gave it, and "" where it did not: the call's own may be erased sooner.
    caller_name = models.CharField("name", max_length=100, blank=True, default="", db_default="")
    words = models.CharField("in their words", max_length=500)
    tool_call = models.OneToOneField(
        ToolCall, on_delete=models.PROTECT, related_name="consent", db_constraint=False
    )
    # Found by the index consent_by_campaign. No constraint: see Message.profile.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="consents", db_index=False, db_constraint=False
    )
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    # Which kind of opt-out withdrew it (sms.models.OptOut.Source).
    withdrawn_by = models.CharField(
        max_length=8, choices=OptOut.Source.choices, blank=True, default="", db_default=""
    )
    # When number, name and words were erased.
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["recipient", "-given_at"], name="consent_by_number"),
            models.Index(fields=["campaign", "-id"], name="consent_by_campaign"),
            BrinIndex(fields=["given_at"], name="consent_since", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.recipient or 'A number that was erased'}, {self.given_at:%d %b %Y}"
