"""Which SMS actions fire in which campaign, who decided that and when, and who has heard of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from builder.models import SmsAction
from campaigns.models.campaigns import Campaign
from campaigns.models.connections import Connection
from sms.tracked import tracked

# As many as a user's name has.
USER_CHARACTERS = 150


@tracked(part_of="campaign", called="action", without=("attached_at",))
class ToolAttachment(models.Model):
    """An SMS action attached to a campaign: from then on it fires there, and nowhere else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="attachments")
    action = models.ForeignKey(SmsAction, on_delete=models.PROTECT, related_name="attachments")
    attached_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    attached_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "attached tool"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "action"],
                name="attached_once",
                violation_error_message="This action is attached already.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} in {self.campaign}"

    @classmethod
    def attach(cls, campaign: Campaign, actions: Iterable[SmsAction], by: Any) -> list[ToolChange]:
        """Attach actions that are not attached; what is noted of it."""
        actions = list(actions)
        with transaction.atomic():
            ToolAttachment.objects.bulk_create(
                ToolAttachment(campaign=campaign, action=each, attached_by=by) for each in actions
            )
            return ToolChange.note(campaign, ToolChange.What.ATTACHED, actions, by)

    @classmethod
    def detach(cls, campaign: Campaign, actions: Iterable[SmsAction], by: Any) -> list[ToolChange]:
        """Detach actions; what is noted of it."""
        actions = list(actions)
        with transaction.atomic():
            cls.objects.filter(campaign=campaign, action__in=actions).delete()
            return ToolChange.note(campaign, ToolChange.What.DETACHED, actions, by)


class ToolChange(models.Model):
    """An action that was attached or detached, when and by whom. Added and never changed: the database
    refuses each UPDATE. It keeps the names of those who may be gone since."""

    class What(models.TextChoices):
        ATTACHED = "attached", "Attached"
        DETACHED = "detached", "Detached"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tool_changes")
    # May have been deleted since: that changes no history.
    action = models.ForeignKey(
        SmsAction,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    tool = models.CharField(max_length=64)
    owner = models.CharField(max_length=USER_CHARACTERS)
    what = models.CharField(max_length=8, choices=What.choices)
    by = models.CharField(max_length=USER_CHARACTERS, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(what__in=["attached", "detached"]), name="tool_change_known")
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.what}"

    @classmethod
    def note(cls, campaign: Campaign, what: str, actions: Iterable[SmsAction], by: Any) -> list[ToolChange]:
        """Write down what somebody did to a campaign's tools."""
        return ToolChange.objects.bulk_create(
            ToolChange(
                campaign=campaign,
                action=each,
                tool=each.name,
                owner=each.owner.get_username(),
                what=what,
                by=by.get_username() if by else "",
            )
            for each in actions
        )


class Fetched(models.Model):
    """Which version of its campaign's tools a runtime got last, and since when it has that.

    Not a part of Connection, each change of which makes all processes compile their toolsets anew.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="fetched"
    )
    version = models.CharField(max_length=12)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.version

    @classmethod
    def note(cls, connection: Connection, version: str) -> None:
        """Remember what a runtime has got. Written only where it is another version than before."""
        if not cls.objects.filter(connection=connection, version=version).exists():
            cls.objects.update_or_create(
                connection=connection, defaults={"version": version, "at": timezone.now()}
            )
