"""What is sent: SMS templates, and what they have in common with SMS actions."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Upper

from sms import text
from sms.models.profiles import SENDER_CHARACTERS, ProviderName, UserProfile
from sms.validators import validate_body, validate_sender

# The name of a tool as model vendors take it (OpenAI, Anthropic, MCP).
TOOL_NAME = r"[A-Za-z0-9_-]{1,64}"
# Tools that every campaign has.
RESERVED_NAMES = {"stop_texting", "get_sms_status"}
# Nobody wants the text of a call three hours later.
DEFAULT_SEND_WITHIN = timedelta(minutes=15)
# Twilio holds a text for at most ten hours (ValidityPeriod, 36,000 s).
MAX_SEND_WITHIN = timedelta(hours=10)


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
