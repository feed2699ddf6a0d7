"""The automatic brake: from when on a campaign, or an account, is paused by itself, and who is told."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from campaigns.models.campaigns import Campaign
from sms.fields import SecretField
from sms.models import Pause
from sms.tracked import tracked

MAX_TEXTS = 1_000_000


def _at_least(least: int) -> list[Any]:
    return [MinValueValidator(least), MaxValueValidator(MAX_TEXTS)]


@tracked(part_of="campaign")
class Brake(models.Model):
    """When a campaign is paused by itself. Of one that has none of its own, the defaults hold."""

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="brake")
    is_on = models.BooleanField(
        "pause it by itself",
        default=True,
        help_text="Somebody is told each time, and a person lets it go on. Without a tick, only people pause "
        "the campaign.",
    )
    times_usual = models.PositiveSmallIntegerField(
        "so many times the usual",
        default=5,
        validators=[MinValueValidator(2), MaxValueValidator(1000)],
        help_text="Usual is the mean of the ten-minute spans of the last 24 hours in which it sent anything.",
    )
    texts = models.PositiveIntegerField(
        "texts in ten minutes, at the least",
        default=200,
        validators=_at_least(10),
        help_text="Up to so many never pause it, however few are usual.",
    )
    texts_abroad = models.PositiveIntegerField(
        "to one other country, at the least",
        default=20,
        validators=_at_least(3),
        help_text="The same for the texts to any one country that is not the campaign's own.",
    )
    failed_percent = models.PositiveSmallIntegerField(
        "percent that fail",
        default=50,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Of the texts of the last ten minutes, what the carrier refused or could not deliver.",
    )
    failed = models.PositiveIntegerField(
        "failed texts, at the least",
        default=20,
        validators=_at_least(5),
        help_text="Fewer failures never pause it, whatever their share.",
    )

    class Meta:
        verbose_name = "automatic brake"
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return "on" if self.is_on else "off"

    @classmethod
    def of(cls, campaign: Campaign) -> Brake:
        """A campaign's; one with the defaults, not stored, if it has none of its own."""
        return cls.objects.filter(campaign=campaign).first() or cls(campaign=campaign)


class Span(models.Model):
    """How many texts a campaign promised to one country in ten minutes: from these follows what is usual."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+", db_index=False)
    begins = models.DateTimeField()
    country = models.CharField(max_length=2, blank=True)
    texts = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["begins", "campaign", "country"], name="span_once")
        ]

    def __str__(self) -> str:
        return f"{self.texts} from {self.begins:%H:%M} on"


@tracked(secrets={"secret": "webhook secret"})
class Alarm(models.Model):
    """One row: whom the brake tells beside owners and Admins, and when it pauses an account."""

    URL_CHARACTERS = 500

    url = models.URLField("webhook", max_length=URL_CHARACTERS, blank=True)
    secret = SecretField("webhook secret", null=True, blank=True, bound_to="id")
    is_on = models.BooleanField(
        "pause accounts by itself",
        default=True,
        help_text="All texts of an account, where as many fail as is said below.",
    )
    failed_percent = models.PositiveSmallIntegerField(
        "percent that fail", default=50, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    failed = models.PositiveIntegerField("failed texts, at the least", default=50, validators=_at_least(5))

    class Meta:
        verbose_name = "automatic brake"

    def __str__(self) -> str:
        return "Webhook and accounts"

    @classmethod
    def load(cls) -> Alarm:
        """The row; with the defaults, not stored, if nobody has decided anything."""
        return cls.objects.first() or cls(pk=1)

    @staticmethod
    def key(secret: str) -> bytes:
        """The bytes that a webhook secret ("whsec_" and Base64) stands for. Raises ValidationError."""
        try:
            key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except (ValueError, binascii.Error):
            key = b""
        if not (secret.startswith(SECRET_PREFIX) and 24 <= len(key) <= 64):
            raise ValidationError(
                "A secret is whsec_ and 32 to 88 characters of Base64. Make one with: "
                'echo "whsec_$(openssl rand -base64 32)"'
            )
        return key


# As Standard Webhooks has it.
SECRET_PREFIX = "whsec_"


class Notice(models.Model):
    """That the brake paused something: told once by e-mail and once by the webhook, with a few tries each.

    Written with the pause; sent from campaigns/alarms.py, in no transaction.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # None is a test of the webhook.
    pause = models.ForeignKey(Pause, on_delete=models.CASCADE, null=True, related_name="notices")
    kind = models.CharField(max_length=32)
    figures = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    # When people were told by e-mail, how often that was tried, and when it is next: null once it is over.
    mailed_at = models.DateTimeField(null=True)
    mail_tries = models.SmallIntegerField(default=0, db_default=0)
    next_mail_at = models.DateTimeField(null=True)
    # The same of the webhook.
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        default_permissions: ClassVar = ()
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="notice_due"
            )
        ]

    def __str__(self) -> str:
        return self.kind
