"""Campaigns, and by what is known whether something compiled from one still holds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from builder.lint import Reach
from builder.models import SmsAction, Topic
from sms import countries, languages
from sms.models import CAMPAIGN_CHARACTERS
from sms.quiet import QuietHours
from sms.tracked import tracked

# As many as a small integer holds, nearly: ninety years.
MAX_KEEP_DAYS = 32_000
MOST_TEXTS = 10_000_000


def _limit(name: str, default: int, why: str = "") -> Any:
    """A limit of a campaign; None is no limit."""
    return models.PositiveIntegerField(
        name,
        default=default,
        db_default=default,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TEXTS)],
        help_text=f"{why} Empty: no limit.".strip(),
    )


@tracked()
class Campaign(models.Model):
    """What an agent is running: instructions, topics and attached tools."""

    name = models.CharField(max_length=CAMPAIGN_CHARACTERS, unique=True)
    instructions = models.TextField(
        max_length=20_000,
        blank=True,
        help_text="Who the agent is and how it speaks; it opens the agent's system prompt.",
    )
    topics = models.ManyToManyField(Topic, blank=True, related_name="campaigns")
    actions = models.ManyToManyField(
        SmsAction, through="ToolAttachment", blank=True, related_name="campaigns"
    )
    country = models.CharField(
        max_length=2,
        default="US",
        help_text="Where callers are: local numbers are read in this country (two letters, such as US or "
        "GB).",
    )
    other_countries = ArrayField(
        models.CharField(max_length=2),
        default=list,
        db_default=[],
        blank=True,
        verbose_name="other countries",
        help_text="Texts go to numbers of the campaign's own country, and of these. A caller from elsewhere "
        "is told that their number cannot be texted: some networks charge a lot for a text, and whoever "
        "shares in that can call from there.",
    )
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS,
        default=languages.DEFAULT,
        help_text="Texts are sent in this language, such as en, es or pt-BR, unless the runtime names the "
        "call's. Where a template has no text in it, the template's own is sent.",
    )
    keep_days = models.PositiveSmallIntegerField(
        "days to keep texts and numbers",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_KEEP_DAYS)],
        help_text="After so many days what was texted, to whom, and what the agent wrote is erased. How "
        "many texts there were and what became of them stays; what callers agreed to is kept for its own "
        "time.",
    )
    is_active = models.BooleanField(
        "active",
        default=True,
        help_text="It was switched off before campaigns could be paused. Tick it to let it go on.",
    )
    # Off unless somebody wants it: a text that the caller has just asked for is awaited, at night, too.
    has_quiet_hours = models.BooleanField(
        "quiet hours",
        default=False,
        db_default=False,
        help_text="A text that would arrive at night, where the recipient's phone is, waits until the "
        "morning, and the agent says so. Usually off: whoever has just asked for a text is awake.",
    )
    quiet_from = models.TimeField(
        default=time(21), db_default=time(21), help_text="By the clock where the phone is."
    )
    quiet_until = models.TimeField(
        default=time(8), db_default=time(8), help_text="What has waited goes out then, by itself."
    )
    # Of a call centre in which some thousand callers a day want a text. With defaults in the database, so
    # that processes of the version before may go on writing.
    texts_per_call = _limit("texts in one call", 3)
    texts_per_number = _limit(
        "texts to one number a day", 5, "From all campaigns together: it is one person who gets them."
    )
    texts_per_tool = _limit("texts of one tool a day", 2_000)
    texts_per_day = _limit("texts of the campaign a day", 3_000)
    texts_per_sender = _limit(
        "texts from one sender a day", 3_000, "From all campaigns together that send from it."
    )
    texts_per_country = _limit(
        "texts to one country an hour",
        500,
        "Calls that make the agent text dear numbers abroad come in numbers; this ends it within the hour.",
    )
    segments_per_day = _limit(
        "segments a day", 6_000, "What carriers charge for: a text of up to 160 plain characters is one."
    )
    minutes_before_repeat = models.PositiveSmallIntegerField(
        "minutes before the same text goes out again",
        default=10,
        db_default=10,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="The same text to the same number within this time is not sent: the agent says that it was "
        "sent already. Empty: it is sent as often as it is asked for.",
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def texts(self, country: str) -> bool:
        """Whether numbers of a country (ISO 3166) are texted; "" is none."""
        return bool(country) and (country == self.country or country in self.other_countries)

    @property
    def quiet_hours(self) -> QuietHours | None:
        """When its texts wait, by the recipient's clock; None if they never do."""
        return QuietHours(self.quiet_from, self.quiet_until) if self.has_quiet_hours else None

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Django's; each of the other countries is one, and stands there once."""
        self.other_countries = sorted({each.strip().upper() for each in self.other_countries})
        super().clean_fields(exclude)

    def clean(self) -> None:
        self.country = self.country.upper()
        errors: dict[str, str] = {}
        if self.country not in countries.NAMES:
            errors["country"] = "Write the country as two letters, such as US, GB or DE."
        if unknown := set(self.other_countries) - countries.NAMES.keys():
            errors["other_countries"] = f"There is no country {', '.join(sorted(unknown))}."
        if self.has_quiet_hours and self.quiet_from == self.quiet_until:
            errors["quiet_until"] = "Quiet hours must end at another time than they begin."
        try:
            self.language = languages.parse(self.language)
        except languages.NotALanguage as error:
            errors["language"] = str(error)
        if errors:
            raise ValidationError(errors)


@tracked(part_of="campaign", called="topic")
class CampaignTopic(Campaign.topics.through):  # type: ignore[misc, name-defined]
    """A topic in a campaign, as the history knows it."""

    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "topic"


def reaches(topic: Topic) -> list[Reach]:
    """The campaigns that a stored topic stands in, as the linter looks at them."""
    return [Reach(campaign.name, campaign.country, campaign.owner_id) for campaign in topic.campaigns.all()]


class Revision(models.Model):
    """One row whose number changes with every change of the configuration, by triggers (migration 0002).

    Whoever keeps something compiled from the configuration knows by it whether that is still true.
    """

    number = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.number)
