"""What SMS templates and SMS actions have in common: who sends them, who else may, and for how long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from sms.models.profiles import SENDER_CHARACTERS, ProviderName, UserProfile
from sms.roles import is_admin
from sms.terms import Terms
from sms.validators import tidied_sender, validate_sender

# The name of a tool as model vendors take it (OpenAI, Anthropic, MCP).
TOOL_NAME = r"[A-Za-z0-9_-]{1,64}"
TOOL_NAME_CHARACTERS = 64
# Tools that every campaign has.
RESERVED_NAMES = {"stop_texting", "get_sms_status"}
# Nobody wants the text of a call three hours later.
DEFAULT_SEND_WITHIN = timedelta(minutes=15)
# Twilio holds a text for at most ten hours (ValidityPeriod, 36,000 s).
MAX_SEND_WITHIN = timedelta(hours=10)


# As long as the reason for a text without consent may be.
REASON_CHARACTERS = 300


class OnDoubt(models.TextChoices):
    """What becomes of a text whose handing over broke off, and that the carrier's list does not hold."""

    RESEND = "resend", "Send it once more"
    UNKNOWN = "unknown", "Do not send it again"


class Wait(models.IntegerChoices):
    """For how many seconds, at most, a tool call's answer waits for what the carrier says. Runtimes give up
    after five."""

    NOT = 0, "No: the agent goes on at once"
    ONE_SECOND = 1, "A second at most"
    TWO_SECONDS = 2, "Two seconds at most"
    THREE_SECONDS = 3, "Three seconds at most"


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
    on_doubt = models.CharField(
        "if it gets lost on the way",
        max_length=8,
        choices=OnDoubt.choices,
        default=OnDoubt.RESEND,
        help_text="A connection can break while a text is handed over. Midcall then reads the carrier's "
        "list, twice, and a text that is not there was not sent. Should the carrier be minutes late, sending "
        "it once more makes it arrive twice, and not sending it again makes you ask the person.",
    )
    wait_seconds = models.PositiveSmallIntegerField(
        "wait for the carrier's answer",
        choices=Wait.choices,
        default=Wait.NOT.value,
        db_default=Wait.NOT.value,
        help_text="The caller hears silence meanwhile, and the agent can then say whether the carrier took "
        "the text. Without it the agent says that the text is on its way.",
    )
    transactional = models.BooleanField(
        "no consent needed",
        default=False,
        help_text="Only for texts that the caller has asked for by the purpose of the call itself. Otherwise "
        "the agent must ask first, and say what the caller answered.",
    )
    transactional_because = models.CharField(
        "why none is needed",
        max_length=REASON_CHARACTERS,
        blank=True,
        default="",
        db_default="",
        help_text="Whoever answers a complaint reads it: “The caller orders this text by calling the parcel "
        "line”.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="Without a tick agents do not have it, and texts that wait to be sent go on waiting. "
        "To stop it for a while, with the reason on every page, pause it instead.",
    )
    is_shared = models.BooleanField(
        "others may use it",
        default=False,
        db_default=False,
        help_text="Others may then put it in their topics, actions and campaigns, and its owner's account "
        "sends it there. Nobody sees the credentials, and only the owner or an Admin changes it. Without a "
        "tick it is sent in the owner's own campaigns only.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name.lower() in RESERVED_NAMES:
            raise ValidationError({"name": "Every campaign has a tool of this name already; choose another."})
        if not self.transactional:
            self.transactional_because = ""
        elif not self.transactional_because.strip():
            raise ValidationError(
                {"transactional_because": "Say why no consent is needed: somebody will ask."}
            )

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Django's; the sender is tidied, and the provider must be one that the owner may use."""
        without = set(exclude or ())
        if "sender" not in without:
            # A number of somebody's Twilio account is none of the platform's.
            self.sender = "" if self.provider == ProviderName.ATLAS else tidied_sender(self.sender)
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().clean_fields(exclude)
        except ValidationError as error:
            errors = error.update_error_dict({})
        if "provider" not in without | errors.keys() and self.owner_id is not None:
            provider = ProviderName(self.provider)
            if provider not in self.owner_profile().enabled_providers():
                name = provider.label.partition(" (")[0]
                errors["provider"] = [ValidationError(f"{name} is not enabled for {self.owner}.")]
        if errors:
            raise ValidationError(errors)

    @classmethod
    def usable_by(cls, user: Any) -> models.QuerySet[Self]:
        """What somebody may put to use: their own, what is shared and, for an Admin, all.

        What is in use already stays there when somebody else edits around it.
        """
        found = cls._default_manager.all()
        return found if is_admin(user) else found.filter(Q(owner=user) | Q(is_shared=True))

    @property
    def open_to(self) -> int | None:
        """The only user, by their key, whose things send it; None if it is shared with all."""
        return None if self.is_shared else self.owner_id

    def is_open_to(self, user_id: int | None) -> bool:
        """Whether what belongs to a user sends it."""
        return self.open_to in (None, user_id)

    def refusal(self, user: Any, owner: Any = None) -> str:
        """Why somebody may not put it to use, where `owner` is whose things are to send it, and what to do
        then; "" if they may."""
        if self.is_shared:
            return ""
        if self.owner_id != user.pk and not is_admin(user):
            return (
                f"“{self}” belongs to {self.owner}, who does not share it. Ask them to switch on “Others may "
                "use it” there, or leave it out."
            )
        if owner is not None and not self.is_open_to(owner.pk):
            return (
                f"“{self}” belongs to {self.owner} and is not shared, so nothing of {owner}'s sends it. "
                "Switch on “Others may use it” there first, or leave it out."
            )
        return ""

    def effective_sender(self) -> str:
        """The sender that a text leaves with; "" if none is set anywhere."""
        return self.sender or self.owner_profile().default_sender(self.provider)

    def sender_from(self, profile: UserProfile) -> str:
        """The sender that it keeps with another owner, whose profile that is; "" if their default takes its
        place, because their account is not known to have it."""
        is_number = self.sender.startswith(("+", "MG")) or self.sender.isdigit()
        is_same = profile.twilio_account_sid == self.owner_profile().twilio_account_sid
        is_theirs = is_same or self.sender in (profile.senders or {})
        return self.sender if is_theirs or not is_number else ""

    def owner_profile(self) -> UserProfile:
        """The owner's profile, made empty if the owner never had one."""
        try:
            return self.owner.sms_profile
        except UserProfile.DoesNotExist:
            profile, _ = UserProfile.objects.get_or_create(user_id=self.owner_id)
            return profile

    def obstacle(self) -> str:
        """Why a text of this cannot be sent now, in plain words for ops; "" if it can."""
        return f"“{self.name}” is switched off." if not self.is_active else self.lacks()

    def lacks(self) -> str:
        """What is missing for a text of this to be sent, whether it is switched on or not; "" if nothing."""
        return self.owner_profile().obstacle(self.provider) or (
            "" if self.effective_sender() else f"“{self.name}” has no sender, and no default is set."
        )

    def terms(self, template: int | None, scopes: Sequence[str] = (), tested_by: str = "") -> Terms:
        """What a text of this is promised with."""
        profile = self.owner_profile()
        return Terms(
            tool=self.name,
            provider=str(self.provider),
            profile=profile.pk,
            account_sid=profile.account_sid(self.provider),
            sender=self.effective_sender(),
            send_within=timedelta(seconds=self.send_within_seconds),
            on_doubt=str(self.on_doubt),
            template=template,
            scopes=scopes,
            tested_by=tested_by,
        )
