"""How far what is too old was erased."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.timezone import make_aware

from campaigns.models.campaigns import Campaign

_BEGINNING = make_aware(datetime(2000, 1, 1))


def beginning() -> datetime:
    """Before all calls."""
    return _BEGINNING


class Purged(models.Model):
    """Up to when one kind of a campaign's rows has been erased, so that none is looked at again.

    Without a campaign: of what is kept for the same time in all of them.
    """

    class Kind(models.TextChoices):
        TOOL_CALLS = "tool calls", "Tool calls, with their texts"
        CALLS = "calls", "Calls"
        CONSENTS = "consents", "Consents"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    up_to = models.DateTimeField(default=beginning)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "kind"], nulls_distinct=False, name="purged_once")
        ]
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.kind} up to {self.up_to:%d %b %Y}"

    def reach(self, at: datetime) -> None:
        """Look at nothing from before `at` any more; never back."""
        if at > self.up_to:
            self.up_to = at
            self.save(update_fields=["up_to"])
