"""How far what is too old was erased."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaigns.models.campaigns import Campaign


class Purged(models.Model):
    """Up to which id one kind of a campaign's rows has been erased, so that none is looked at again.

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
    up_to_id = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["campaign", "kind"], nulls_distinct=False, name="purged_once")
        ]
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.kind} up to {self.up_to_id}"

    def reach(self, pk: int) -> bool:
        """Look at nothing up to this id any more; never back. Whether that is further than before."""
        if pk <= self.up_to_id:
            return False
        self.up_to_id = pk
        self.save(update_fields=["up_to_id"])
        return True
