"""How many texts have been promised, and how many may be, where limits are shared by many calls.

The SQL that takes from them stands in campaigns/counting.py.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from campaigns.models.campaigns import Campaign
from sms.models import NUMBER_CHARACTERS
from sms.models.profiles import SENDER_CHARACTERS
from sms.models.sendables import TOOL_NAME_CHARACTERS


class Allowance(models.Model):
    """The texts of one campaign, tool, sender and country in one hour (UTC): how many have been promised,
    and up to how many may be without looking at any limit.

    What is granted, over all rows that a limit counts, never exceeds the limit. Several rows of the same kind
    (`shard`), so that texts which are promised in one instant do not wait for each other's commit.
    """

    # No constraint, which would lock the campaign's row for each text.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="allowances", db_index=False, db_constraint=False
    )
    hour = models.DateTimeField()
    tool = models.CharField(max_length=TOOL_NAME_CHARACTERS)
    account_sid = models.CharField(max_length=34)
    sender = models.CharField(max_length=SENDER_CHARACTERS)
    country = models.CharField(max_length=2, blank=True)
    shard = models.SmallIntegerField()
    texts = models.IntegerField()
    segments = models.IntegerField()
    texts_granted = models.IntegerField()
    segments_granted = models.IntegerField()

    class Meta:
        default_permissions: ClassVar = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "hour", "tool", "account_sid", "sender", "country", "shard"],
                name="allowance_once",
            ),
            models.CheckConstraint(
                condition=Q(texts__lte=F("texts_granted"), segments__lte=F("segments_granted")),
                name="allowance_not_exceeded",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["account_sid", "sender", "hour"], name="allowance_by_sender"),
            models.Index(fields=["hour"], name="allowance_oldest"),
        ]

    def __str__(self) -> str:
        return f"{self.tool}, {self.hour:%d %b %Y, %H:%M}"


class TextedNumber(models.Model):
    """How many texts calls have promised to a number on its newest day (UTC), from whichever campaign.

    Texts to one number are promised one after the other, by the lock on its row. `at` is of the newest one,
    so that a statement knows whether what it read of the number before is still true.
    """

    number = models.CharField(max_length=NUMBER_CHARACTERS, primary_key=True)
    day = models.DateField()
    texts = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.texts} on {self.day}"
