"""Each text from the promise to the receipt, its sender, and who wants no more of them."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import cache
from typing import ClassVar, NamedTuple

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5, Now
from django.urls import reverse
from django.utils import timezone

from sms import numbers, suppression, text
from sms.models.profiles import SENDER_CHARACTERS, ProviderName, UserProfile
from sms.models.sendables import OnDoubt
from sms.models.templates import SmsTemplate
from sms.tracked import tracked

# A phone number in E.164 has at most 15 digits.
NUMBER_CHARACTERS = 16
# As many as a user's name has.
TESTER_CHARACTERS = 150
ERASED_BECAUSE_CHARACTERS = 100
FORGOTTEN = "a forgotten number"


class State(models.TextChoices):
    """Where a text stands. The drawing is in sms/outbox."""

    QUEUED = "queued", "Queued"
    HELD = "held", "Held"
    SUBMITTING = "submitting", "Being handed over"
    UNCONFIRMED = "unconfirmed", "Being checked"
    ACCEPTED = "accepted", "With the carrier"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    UNDELIVERED = "undelivered", "Not delivered"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"
    EXPIRED = "expired", "Expired"
    CANCELED = "canceled", "Canceled"
    BLOCKED = "blocked", "Blocked"


@tracked(
    only=("messages_per_second",),
    without=(
        "free_at", "paused_until", "held_at", "held_code", "held_because", "held_with_account", "told_at",
    ),
)  # fmt: skip
class Sender(models.Model):
    """One sender of one account: how fast it may send, and whether it is held back.

    Made when it is first promised with; sms/outbox changes all but the rate.
    """

    account_sid = models.CharField("Account SID", max_length=34)
    address = models.CharField("from", max_length=SENDER_CHARACTERS)
    messages_per_second = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)],
        help_text="What carriers take from this sender. Usual: 1 for a number, 3 for a toll-free one, 10 for "
        "letters, 100 for a short code or a Messaging Service.",
    )
    # Up to when its rate is used up: the theoretical arrival time of the generic cell rate algorithm.
    free_at = models.DateTimeField(default=timezone.now, editable=False)
    paused_until = models.DateTimeField(default=timezone.now, editable=False)
    held_at = models.DateTimeField("held since", null=True, blank=True, editable=False)
    held_code = models.PositiveIntegerField("error code", null=True, blank=True, editable=False)
    held_because = models.CharField(max_length=300, blank=True, editable=False)
    # Held for its account's sake: one text that another sender of the account gets rid of lifts it, too.
    held_with_account = models.BooleanField(default=False, editable=False)
    # When its owners were told that it is held.
    told_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["account_sid", "address"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_sid", "address"], name="sender_once")
        ]

    def __str__(self) -> str:
        return self.address

    @classmethod
    def held(cls, account_sid: str, address: str) -> str:
        """Why a sender is held back now, in plain words; "" if it is not, or if its next probe is due."""
        return (
            cls.objects.filter(
                account_sid=account_sid, address=address, held_at__isnull=False, paused_until__gt=Now()
            )
            .values_list("held_because", flat=True)
            .first()
            or ""
        )


class Message(models.Model):
    """One text, from the promise to the receipt.

    What was promised is a snapshot (body, sender, recipient, provider, account): editing a template or a
    profile never changes history. Rows change only in sms/outbox.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    tool = models.CharField(max_length=64, help_text="The tool that it was sent with.")
    # May have been deleted since: that changes no history, of which there may be a million texts.
    template = models.ForeignKey(
        SmsTemplate,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    provider = models.CharField(max_length=16, choices=ProviderName.choices)
    # Whose text, and whose credential but with the platform's own provider. The SID is the snapshot.
    # Not indexed: only whoever deletes a user asks for it, and each index is written with each text. Neither
    # this nor the template is a constraint in the database, which would lock their rows for each text: those
    # of one campaign, promised at once, wait for one another there, and all take a fifth longer.
    profile = models.ForeignKey(
        UserProfile,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    account_sid = models.CharField("Account SID", max_length=34)
    sender = models.CharField("from", max_length=SENDER_CHARACTERS)
    recipient = models.CharField("to", max_length=NUMBER_CHARACTERS)
    country = models.CharField(max_length=2, blank=True)
    body = models.TextField(max_length=text.MAX_BODY_CHARACTERS)
    segments = models.SmallIntegerField()
    # Who tried the template out with it, by the name to log in with; "" for a text of a call. With a default
    # in the database, so that processes of the version before may go on writing.
    tested_by = models.CharField(
        "sent as a test by", max_length=TESTER_CHARACTERS, blank=True, default="", db_default=""
    )
    # What a pause can name beside all texts, those of an account and those from a sender: see
    # sms/models/pauses.py. With a default in the database, so that processes of the version before may go on
    # writing.
    scopes = ArrayField(models.TextField(), default=list, db_default=[], blank=True, editable=False)
    # In a call 0; what nobody listens to comes later.
    priority = models.SmallIntegerField(default=0)

    attempt = models.SmallIntegerField(default=0)
    refusals = models.SmallIntegerField(default=0, help_text="How often the provider surely did not take it.")
    # Until when a tool call's answer waits for what becomes of it; null where none does.
    awaited_until = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # When nobody may be texted where the phone is (see sms.quiet), "" if always; and since or from when that
    # is so. From then on it is not handed over, whatever else happens to it.
    quiet_hours = models.CharField(max_length=11, blank=True, default="", db_default="")
    quiet_at = models.DateTimeField(null=True, blank=True)
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # How often the provider's list was read without finding an unconfirmed text.
    clean_listings = models.SmallIntegerField(default=0)
    # With a default in the database, so that processes of the version before may go on writing.
    on_doubt = models.CharField(
        max_length=8, choices=OnDoubt.choices, default=OnDoubt.RESEND, db_default=OnDoubt.RESEND.value
    )
    # When the provider was last asked about it.
    asked_at = models.DateTimeField(null=True, blank=True)

    provider_sid = models.CharField("Message SID", max_length=34, null=True, blank=True)  # noqa: DJ001
    error_code = models.IntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why, in plain words.")
    duplicate_detected = models.BooleanField(default=False)
    # When body and number were erased, and why. With defaults in the database, as above.
    erased_at = models.DateTimeField(null=True, blank=True)
    erased_because = models.CharField(
        max_length=ERASED_BECAUSE_CHARACTERS, blank=True, default="", db_default=""
    )

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            # One SID belongs to one text, which is found by it.
            models.UniqueConstraint(
                fields=["provider_sid", "account_sid"],
                condition=Q(provider_sid__isnull=False),
                name="message_by_sid",
            ),
            # Two equal texts in doubt could adopt each other's SID: one waits for the other.
            models.UniqueConstraint(
                "account_sid",
                "recipient",
                MD5("body"),
                condition=Q(state__in=["submitting", "unconfirmed"]),
                name="message_doubt_unique",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["account_sid", "sender", "priority", "next_attempt_at"],
                condition=Q(state="queued"),
                name="message_due",
            ),
            models.Index(
                fields=["account_sid", "sender", "created_at"],
                condition=Q(state="held"),
                name="message_held",
            ),
            models.Index(
                fields=["updated_at"],
                condition=Q(state__in=["accepted", "sent"]),
                name="message_silent",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["submitting", "unconfirmed"]),
                name="message_in_doubt",
            ),
            models.Index(fields=["-created_at"], name="message_newest"),
            models.Index(fields=["state", "-created_at"], name="message_by_state"),
            models.Index(fields=["recipient", "-created_at"], name="message_by_recipient"),
            # Written when the carrier has it: neither accepting nor claiming a text waits for it.
            models.Index(
                fields=["template", "-created_at"],
                condition=~Q(state__in=["queued", "held", "submitting", "unconfirmed"]),
                name="message_by_template",
            ),
            models.Index(
                fields=["tested_by", "-created_at"], condition=~Q(tested_by=""), name="message_tests"
            ),
            models.Index(
                fields=["-created_at"], condition=Q(duplicate_detected=True), name="message_doubled"
            ),
        ]

    def __str__(self) -> str:
        whom = numbers.mask(self.recipient) or "a number that was erased"
        return f"{self.tool} to {whom}"

    @property
    def quiet_until(self) -> datetime | None:
        """Until when quiet hours hold it; None if they do not."""
        is_held = self.state == State.HELD and self.quiet_at and self.next_attempt_at > timezone.now()
        return self.next_attempt_at if is_held else None


class Claimed(NamedTuple):
    """A text that is a worker's to hand over: what that needs of its row, as it was when it was claimed.

    No Message, which takes ten times as long to make; a worker makes thousands a second.

    `is_probe` is whether it finds out if a held sender works again, `seconds_left` how long it is worth
    sending from then on. `profile` has its user loaded.
    """

    profile: UserProfile | None
    pk: uuid.UUID
    provider: str
    account_sid: str
    sender: str
    recipient: str
    body: str
    attempt: int
    refusals: int
    claim_token: uuid.UUID
    is_probe: bool
    seconds_left: int

    def status_url(self) -> str:
        """The address that the carrier reports to. It carries our id, so that a report which comes before
        the carrier's answer finds its text."""
        return f"{settings.PUBLIC_URL}{_status_root()}{self.pk}/{self.attempt}"


@cache
def _status_root() -> str:
    # Reversing a URL takes longer than all else that is done to make a request of a message.
    path = reverse("twilio-status", args=[uuid.UUID(int=0), 0])
    return path.removesuffix(f"{uuid.UUID(int=0)}/0")


class MessageEvent(models.Model):
    """One step in the life of a message. Added and never changed: the database refuses each UPDATE but by the
    door in sms/erasing.py. It does not refuse DELETE, by which old messages go, nor TRUNCATE."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State.choices)
    attempt = models.SmallIntegerField(default=0)
    # What the provider said, in its own words; "" for our own steps.
    provider_status = models.CharField(max_length=20, blank=True)
    provider_sid = models.CharField(max_length=34, blank=True)
    error_code = models.IntegerField(null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            # A receipt that comes five times is one event.
            models.UniqueConstraint(
                fields=["message", "provider_sid", "provider_status", "error_code"],
                condition=~Q(provider_status=""),
                nulls_distinct=False,
                name="event_receipt_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} at {self.at:%H:%M:%S}"


class OptOut(models.Model):
    """A number that wants no more texts from this installation, by whichever sender.

    It outlives the number: of one that was forgotten its digest stands here (sms/suppression.py).
    """

    class Source(models.TextChoices):
        KEYWORD = "keyword", "The person texted STOP"
        CARRIER = "carrier", "The carrier said so (21610)"
        CALL = "call", "Said in a call"
        PERSON = "person", "Entered by hand"

    # Wider than E.164: what a person writes is cleaned after its length is looked at.
    recipient = models.CharField("number", max_length=32)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.PERSON)
    evidence = models.CharField(max_length=300, blank=True, help_text="What the person said or wrote.")
    created_at = models.DateTimeField("since", auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lifted_because = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "opt-out"
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recipient"],
                condition=Q(lifted_at=None),
                name="opt_out_once",
                violation_error_message="This number has opted out already.",
            )
        ]

    def __str__(self) -> str:
        return FORGOTTEN if self.is_forgotten else self.recipient

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody can read any more whose it is."""
        return suppression.is_digest(self.recipient)

    def clean(self) -> None:
        try:
            self.recipient = numbers.parse(self.recipient)
        except numbers.NotANumber as error:
            raise ValidationError({"recipient": str(error)}) from error

    @classmethod
    def stands_for(cls, recipient: str) -> bool:
        """Whether a number (E.164) has opted out, forgotten since or not."""
        return cls.objects.filter(recipient__in=suppression.known_as(recipient), lifted_at=None).exists()


class Forgotten(models.Model):
    """That a person's data were erased: when, by whom, why, and how much. Added and never changed.

    Whose they were nobody can read; whoever has the number can find out whether it was this one.
    """

    digest = models.CharField(max_length=suppression.DIGEST_CHARACTERS, db_index=True)
    at = models.DateTimeField(default=timezone.now)
    # The name to log in with.
    by = models.CharField(max_length=TESTER_CHARACTERS)
    because = models.CharField("reason", max_length=300)
    # How many of each, by the words for it.
    erased = models.JSONField(default=dict)

    class Meta:
        verbose_name = "forgotten person"
        verbose_name_plural = "forgotten people"
        ordering: ClassVar = ["-at"]
        default_permissions: ClassVar = ("add", "view")

    def __str__(self) -> str:
        return f"forgotten on {self.at:%d %b %Y}"

    @classmethod
    def of(cls, number: str) -> models.QuerySet[Forgotten]:
        """When a number (E.164) was forgotten, the last time first."""
        return cls.objects.filter(digest__in=suppression.known_as(number)[1:])
