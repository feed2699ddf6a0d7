"""Who sends, what is sent, and each text from the promise to the receipt."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5, Now, Upper
from django.urls import reverse
from django.utils import timezone

from sms import numbers, text
from sms.fields import SecretField
from sms.validators import validate_body, validate_sender

# The name of a tool as model vendors take it (OpenAI, Anthropic, MCP).
TOOL_NAME = r"[A-Za-z0-9_-]{1,64}"
# Tools that every campaign has.
RESERVED_NAMES = {"stop_texting", "get_sms_status"}
# A phone number in E.164 has at most 15 digits; senders may also be alphanumeric (11) or MG + 32 hex.
SENDER_CHARACTERS = 40
NUMBER_CHARACTERS = 16

# Nobody wants the text of a call three hours later.
DEFAULT_SEND_WITHIN = timedelta(minutes=15)
# Twilio holds a text for at most ten hours (ValidityPeriod, 36,000 s).
MAX_SEND_WITHIN = timedelta(hours=10)


class ProviderName(models.TextChoices):
    """Who carries a text."""

    TWILIO = "twilio", "Twilio (the owner's own account)"
    ATLAS = "atlas", "Atlas (the platform's own)"


class UserProfile(models.Model):
    """A user's own Twilio account, entered once and shared by all of that user's actions and templates."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sms_profile"
    )
    twilio_enabled = models.BooleanField(
        "may use Twilio", default=True, help_text="Texts go through the user's own Twilio account."
    )
    atlas_enabled = models.BooleanField(
        "may use Atlas",
        default=True,
        help_text="Texts go through the platform's own provider; no account is needed.",
    )
    twilio_account_sid = models.CharField(
        "Account SID",
        max_length=34,
        blank=True,
        validators=[
            RegexValidator(
                r"\AAC[0-9a-f]{32}\Z",
                "An Account SID is AC followed by 32 of the characters 0-9 and a-f. It stands on the first "
                "page of the Twilio console.",
            )
        ],
        help_text="AC and 32 characters, from the first page of the Twilio console.",
    )
    twilio_auth_token = SecretField("Auth Token", null=True, blank=True)
    # While a token is being rotated at Twilio, webhooks may be signed with either.
    twilio_secondary_token = SecretField("secondary Auth Token", null=True, blank=True)
    twilio_from = models.CharField(
        "default From",
        max_length=SENDER_CHARACTERS,
        blank=True,
        validators=[validate_sender],
        help_text="The sender where a template or an action names none: a number of the account, such as "
        "+13125550100, or a Messaging Service.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "user profile"

    def __str__(self) -> str:
        return self.user.get_username()

    def clean(self) -> None:
        if self.twilio_account_sid and self.twilio_account_sid == settings.ATLAS_ACCOUNT_SID:
            raise ValidationError(
                {"twilio_account_sid": "This is the platform's own account; choose Atlas to send with it."}
            )

    @classmethod
    def of(cls, user: Any) -> UserProfile:
        """The user's profile; an empty one, not stored, if they never had one."""
        return cls.objects.filter(user=user).first() or cls(user=user)

    def enabled_providers(self) -> list[ProviderName]:
        """The providers that this user may choose from."""
        enabled = {
            ProviderName.TWILIO: self.twilio_enabled,
            ProviderName.ATLAS: self.atlas_enabled and bool(settings.ATLAS_ACCOUNT_SID),
        }
        return [provider for provider in ProviderName if enabled[provider]]

    def default_sender(self, provider: str) -> str:
        """The sender that a provider uses for this user where nothing else is named; "" if none is set."""
        return settings.ATLAS_FROM if provider == ProviderName.ATLAS else self.twilio_from

    def account_sid(self, provider: str) -> str:
        """The account that carries this user's texts with a provider."""
        return settings.ATLAS_ACCOUNT_SID if provider == ProviderName.ATLAS else self.twilio_account_sid

    def obstacle(self, provider: str) -> str:
        """Why this user cannot send through a provider, in plain words for ops; "" if they can."""
        if provider == ProviderName.ATLAS:
            if not self.atlas_enabled:
                return "Atlas is not enabled for the owner of this text."
            if not settings.ATLAS_ACCOUNT_SID:
                return "Atlas is not set up on this installation (ATLAS_ACCOUNT_SID in the environment)."
            return ""
        if not self.twilio_enabled:
            return "Twilio is not enabled for the owner of this text."
        if not (self.twilio_account_sid and self.twilio_auth_token):
            return "The owner of this text has no Twilio credentials on their profile."
        return ""


class Sendable(models.Model):
    """What an SMS template and an SMS action have in common: how, by whom and for how long a text is sent."""

    name = models.CharField(
        max_length=64,
        validators=[
            RegexValidator(
                rf"\A{TOOL_NAME}\Z", "Use letters, digits, _ and - only, up to 64, without spaces."
            )
        ],
        help_text="The tool's name, as the agent sees it: letters, digits, _ and -.",
    )
    description = models.TextField(
        max_length=1000,
        help_text="When the agent should send it. Be specific: “Use this to send a booking confirmation "
        "after the caller agrees to a time.”",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        help_text="Whose Twilio account sends it.",
    )
    provider = models.CharField(max_length=16, choices=ProviderName.choices, default=ProviderName.TWILIO)
    sender = models.CharField(
        "From",
        max_length=SENDER_CHARACTERS,
        blank=True,
        validators=[validate_sender],
        help_text="Leave empty for the provider's default. A number (+13125550100), a short code, an "
        "alphanumeric id or a Messaging Service.",
    )
    send_within_seconds = models.PositiveIntegerField(
        "send within (seconds)",
        default=int(DEFAULT_SEND_WITHIN.total_seconds()),
        validators=[MinValueValidator(60), MaxValueValidator(int(MAX_SEND_WITHIN.total_seconds()))],
        help_text="A text that could not be sent in this time is dropped: nobody wants it hours after the "
        "call. 900 is 15 minutes.",
    )
    transactional = models.BooleanField(
        "no consent needed",
        default=False,
        help_text="Only for texts that the caller has asked for by the purpose of the call itself. Otherwise "
        "the agent must ask first, and say what the caller answered.",
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name.lower() in RESERVED_NAMES:
            raise ValidationError({"name": "Every campaign has a tool of this name already; choose another."})

    def effective_sender(self) -> str:
        """The sender that a text leaves with; "" if none is set anywhere."""
        return self.sender or self.owner_profile().default_sender(self.provider)

    def owner_profile(self) -> UserProfile:
        """The owner's profile, made empty if the owner never had one."""
        try:
            return self.owner.sms_profile
        except UserProfile.DoesNotExist:
            profile, _ = UserProfile.objects.get_or_create(user_id=self.owner_id)
            return profile

    def obstacle(self) -> str:
        """Why a text of this cannot be sent now, in plain words for ops; "" if it can."""
        if not self.is_active:
            return f"“{self.name}” is switched off."
        return self.owner_profile().obstacle(self.provider) or (
            "" if self.effective_sender() else f"“{self.name}” has no sender, and no default is set."
        )


class SmsTemplate(Sendable):
    """A text with placeholders, written by people; its name is the name of the tool that sends it."""

    body = models.TextField(
        max_length=text.MAX_BODY_CHARACTERS,
        validators=[validate_body],
        help_text="What the caller receives. {{ name }} is filled by the agent.",
    )

    class Meta:
        verbose_name = "SMS template"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            # {{name}} means one template, whoever reads it; "A" and "a" would be one to a person.
            models.UniqueConstraint(
                Upper("name"),
                name="template_name_unique",
                violation_error_message="A template of this name exists already (capitals do not count).",
            )
        ]

    @property
    def variables(self) -> list[str]:
        """The names of the body's placeholders, in the order of their first use."""
        return text.placeholders(self.body)


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
    template = models.ForeignKey(
        SmsTemplate, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    provider = models.CharField(max_length=16, choices=ProviderName.choices)
    # Whose credential; null with the platform's own provider. The SID is the snapshot.
    profile = models.ForeignKey(
        UserProfile, on_delete=models.PROTECT, null=True, blank=True, related_name="messages"
    )
    account_sid = models.CharField("Account SID", max_length=34)
    sender = models.CharField("from", max_length=SENDER_CHARACTERS)
    recipient = models.CharField("to", max_length=NUMBER_CHARACTERS)
    country = models.CharField(max_length=2, blank=True)
    body = models.TextField(max_length=text.MAX_BODY_CHARACTERS)
    segments = models.PositiveSmallIntegerField()
    # In a call 0; what nobody listens to comes later.
    priority = models.PositiveSmallIntegerField(default=0)

    attempt = models.PositiveSmallIntegerField(default=0)
    refusals = models.PositiveSmallIntegerField(
        default=0, help_text="How often the provider surely did not take it."
    )
    next_attempt_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # How often the provider's list was read without finding an unconfirmed text.
    clean_listings = models.PositiveSmallIntegerField(default=0)
    # When the provider was last asked about it.
    asked_at = models.DateTimeField(null=True, blank=True)

    provider_sid = models.CharField("Message SID", max_length=34, null=True, blank=True)  # noqa: DJ001
    error_code = models.PositiveIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why, in plain words.")
    duplicate_detected = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    # From promise() to outbox.accept(): how long from then on it is worth sending.
    send_within = DEFAULT_SEND_WITHIN
    # Set by outbox.claim(): whether it is to find out if a held sender works again, and how long it is worth
    # sending from then on.
    is_probe = False
    seconds_left = 0

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            # One SID belongs to one text. NULLs do not collide.
            models.UniqueConstraint(fields=["account_sid", "provider_sid"], name="message_sid_unique"),
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
            models.Index(fields=["provider_sid"], name="message_by_sid"),
        ]

    def __str__(self) -> str:
        return f"{self.tool} to {numbers.mask(self.recipient)}"

    @classmethod
    def promise(cls, *, send_within_seconds: int, **fields: Any) -> Message:
        """A new queued text for outbox.accept(), worth sending for so long from then on.

        Its times are set there, by the database, as hosts may disagree.
        """
        message = cls(**fields)
        message.send_within = timedelta(seconds=send_within_seconds)
        return message

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
    """One step in the life of a message. Append-only."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=12, choices=State.choices)
    attempt = models.PositiveSmallIntegerField(default=0)
    # What the provider said, in its own words; "" for our own steps.
    provider_status = models.CharField(max_length=20, blank=True)
    provider_sid = models.CharField(max_length=34, blank=True)
    error_code = models.PositiveIntegerField(null=True, blank=True)
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
    """A number that wants no more texts from this installation, by whichever sender."""

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
        return self.recipient

    def clean(self) -> None:
        try:
            self.recipient = numbers.parse(self.recipient)
        except numbers.NotANumber as error:
            raise ValidationError({"recipient": str(error)}) from error

    @classmethod
    def stands_for(cls, recipient: str) -> bool:
        """Whether a number (E.164) has opted out."""
        return cls.objects.filter(recipient=recipient, lifted_at=None).exists()
