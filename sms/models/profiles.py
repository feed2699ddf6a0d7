"""Who sends: the providers, and a user's own account at one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from sms.fields import SecretField
from sms.roles import ADMINISTER, WAIVE_CONSENT
from sms.tracked import tracked
from sms.validators import validate_sender

# Senders may be numbers in E.164, alphanumeric (11) or MG + 32 hex.
SENDER_CHARACTERS = 40
REASON_CHARACTERS = 400


class ProviderName(models.TextChoices):
    """Who carries a text."""

    TWILIO = "twilio", "Twilio (the owner's own account)"
    ATLAS = "atlas", "Atlas (the platform's own)"


@tracked(
    called="user",
    secrets={
        "twilio_auth_token": "Auth Token",
        "twilio_secondary_token": "secondary Auth Token",
        "twilio_api_secret": "API key secret",
    },
    # What Twilio said is nobody's decision.
    without=("verified_at", "refused_because", "account_name", "account_status", "may_list", "senders"),
)
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
    # Sends in the token's place; webhooks are signed with the token all the same.
    twilio_api_key = models.CharField(
        "API key",
        max_length=34,
        blank=True,
        default="",
        db_default="",
        validators=[
            RegexValidator(
                r"\ASK[0-9a-fA-F]{32}\Z",
                "An API key is SK followed by 32 of the characters 0-9 and a-f: the SID of the key.",
            )
        ],
        help_text="SK and 32 characters. Optional: texts are then sent with the key, which can be revoked by "
        "itself.",
    )
    twilio_api_secret = SecretField("API key secret", null=True, blank=True)
    twilio_from = models.CharField(
        "default From",
        max_length=SENDER_CHARACTERS,
        blank=True,
        validators=[validate_sender],
        help_text="The sender where a template or an action names none: a number of the account, such as "
        "+13125550100, or a Messaging Service.",
    )
    # What Twilio said of the account when these credentials were verified; None while they are not.
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Why it did not accept them, where they were stored while it could not be asked; "" if it did not say so.
    refused_because = models.CharField(
        max_length=REASON_CHARACTERS, blank=True, default="", db_default="", editable=False
    )
    account_name = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    account_status = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    may_list = models.BooleanField(null=True, blank=True, editable=False)
    # The addresses that it may text from, with what people call them; None if that is not known.
    senders = models.JSONField(null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "user profile"
        permissions: ClassVar = [
            (ADMINISTER.partition(".")[2], "Can look after what belongs to others"),
            (WAIVE_CONSENT.partition(".")[2], "Can have texts sent without asking the caller first"),
        ]

    def __str__(self) -> str:
        return self.user.get_username()

    def clean(self) -> None:
        if self.twilio_account_sid and self.twilio_account_sid == settings.ATLAS_ACCOUNT_SID:
            raise ValidationError(
                {"twilio_account_sid": "This is the platform's own account; choose Atlas to send with it."}
            )

    @property
    def has_credentials(self) -> bool:
        """Whether there is something to send with."""
        secret = self.twilio_auth_token or (self.twilio_api_key and self.twilio_api_secret)
        return bool(self.twilio_account_sid and secret)

    @classmethod
    def of(cls, user: Any) -> UserProfile:
        """The user's profile; an empty one, not stored, if they never had one."""
        return cls.objects.select_related("user").filter(user=user).first() or cls(user=user)

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

    def deactivated(self) -> str:
        """That nothing is sent for a deactivated user, in plain words, and what to do; "" for others."""
        if self.user.is_active:
            return ""
        return (
            f"{self.user} is deactivated, so nothing is sent for them. An Admin can hand over what is "
            "theirs, under Account > Users."
        )

    def obstacle(self, provider: str) -> str:
        """Why this user cannot send through a provider, in plain words for ops; "" if they can."""
        if deactivated := self.deactivated():
            return deactivated
        if provider == ProviderName.ATLAS:
            if not self.atlas_enabled:
                return "Atlas is not enabled for the owner of this text."
            if not settings.ATLAS_ACCOUNT_SID:
                return "Atlas is not set up on this installation (ATLAS_ACCOUNT_SID in the environment)."
            return ""
        if not self.twilio_enabled:
            return "Twilio is not enabled for the owner of this text."
        if not self.has_credentials:
            return (
                "The owner of this text has no Twilio credentials on their profile. They enter them under "
                "Account > My profile."
            )
        return ""
