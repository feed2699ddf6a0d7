"""Atlas, as it is used and as it was found: the platform's own provider has no profile to keep that on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self

from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from sms.models.profiles import SENDER_CHARACTERS, ProviderName


def is_capped(provider: str) -> bool:
    """Whether the operator allows each user only so many texts a day through a provider."""
    return provider == ProviderName.ATLAS and settings.ATLAS_MAX_PER_DAY > 0


class AtlasDay(models.Model):
    """How many texts one user has sent through Atlas on one day (UTC); counted where there is a cap."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    texts = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "day"], name="atlas_day_once")]

    def __str__(self) -> str:
        return f"{self.texts} on {self.day}"

    @classmethod
    def take(cls, user_id: int) -> bool:
        """Count one more text of a user's, in the transaction that promises it; False, with nothing counted,
        if the day's are used up. Of many at once, exactly so many pass as may."""
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO sms_atlasday AS used (user_id, day, texts)
                VALUES (%s, (statement_timestamp() AT TIME ZONE 'UTC')::date, 1)
                ON CONFLICT (user_id, day) DO UPDATE SET texts = used.texts + 1 WHERE used.texts < %s
                """,
                [user_id, settings.ATLAS_MAX_PER_DAY],
            )
            return bool(cursor.rowcount)

    @classmethod
    def used_today(cls, user_ids: Iterable[int]) -> dict[int, int]:
        """How many texts each of these users has sent today; those who sent none are not in it."""
        today = cls.objects.filter(day=timezone.now().date(), user__in=list(user_ids))
        return dict(today.values_list("user_id", "texts"))


class AtlasCheck(models.Model):
    """What the carrier said of the operator's account when somebody asked. Added and never changed."""

    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)
    # As they were configured then.
    account_sid = models.CharField(max_length=34)
    sender = models.CharField(max_length=SENDER_CHARACTERS)
    account_name = models.CharField(max_length=64, blank=True)
    # The variable that is wrong, and why; without one, the carrier did not say.
    wrong = models.CharField(max_length=32, blank=True)
    problem = models.CharField(max_length=400, blank=True)
    may_list = models.BooleanField(null=True)
    # None if the carrier does not say which senders the account has, or lists none of this kind.
    owns_sender = models.BooleanField(null=True)

    class Meta:
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.at:%d %b %Y, %H:%M}"

    @classmethod
    def last(cls) -> Self | None:
        """The newest, if it is of what is configured now; None otherwise."""
        return (
            cls.objects.filter(account_sid=settings.ATLAS_ACCOUNT_SID, sender=settings.ATLAS_FROM)
            .order_by("-at")
            .first()
        )

    @property
    def is_refused(self) -> bool:
        """Whether the carrier said that something of it is wrong."""
        return bool(self.wrong) or self.owns_sender is False

    @property
    def works(self) -> bool:
        """Whether texts can leave."""
        return not self.problem and self.owns_sender is not False
