"""The Build room: managed topics, and the global SMS actions."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Upper

from builder import prompt
from sms.models import Sendable, SmsTemplate

MAX_QUESTIONS = 20


class Topic(models.Model):
    """What an agent knows about one subject, and what it may do there.

    `actions` is a prompt in which {{name}} stands for the SMS template of that name; nowhere else does a
    reference mean anything.
    """

    name = models.CharField(max_length=100)
    questions = ArrayField(
        models.CharField(max_length=300),
        size=MAX_QUESTIONS,
        default=list,
        blank=True,
        verbose_name="sample questions",
        help_text="How callers ask about it, in their words; three or more help the agent find the topic.",
    )
    content = models.TextField(max_length=10_000, blank=True, help_text="What the agent may say about it.")
    actions = models.TextField(
        max_length=10_000,
        blank=True,
        help_text="When and how the agent sends a text: “Offer to text the caller the directions. If they "
        "agree, call {{directions}}.” Always have the agent ask first.",
    )
    is_active = models.BooleanField("active", default=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="topics")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "managed topic"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("name"),
                name="topic_name_unique",
                violation_error_message="A topic of this name exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def references(self) -> list[str]:
        """The names of the templates that the Actions field refers to."""
        return prompt.references(self.actions)

    @classmethod
    def by_reference(cls) -> dict[str, list[Topic]]:
        """The topics that refer to a template, by its name."""
        found: dict[str, list[Topic]] = {}
        for topic in cls.objects.filter(actions__contains="{{").only("name", "actions"):
            for name in topic.references:
                found.setdefault(name, []).append(topic)
        return found

    @classmethod
    def rename_reference(cls, old: str, new: str) -> list[Topic]:
        """Have all topics follow a template to its new name. The topics that did."""
        followed = cls.by_reference().get(old, [])
        for topic in followed:
            topic.actions = prompt.resolve(
                topic.actions, lambda name: f"{{{{{new if name == old else name}}}}}"
            )
            topic.save(update_fields=["actions", "updated_at"])
        return followed

    def clean(self) -> None:
        known = set(SmsTemplate.objects.filter(name__in=self.references).values_list("name", flat=True))
        unknown = [name for name in self.references if name not in known]
        if unknown:
            raise ValidationError(
                {
                    "actions": f"There is no SMS template called {', '.join(unknown)}. Add it under "
                    "Build > SMS, or correct the name."
                }
            )


class SmsAction(Sendable):
    """A global action that texts during a call, in every campaign that it is attached to."""

    class Recipient(models.TextChoices):
        CALLER = "caller", "The caller"
        ANYONE = "anyone", "Anyone: the agent asks for the number"

    template = models.ForeignKey(
        SmsTemplate,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="actions",
        help_text="Fixes what is sent. Without one, the agent writes the text.",
    )
    recipient = models.CharField(
        max_length=8,
        choices=Recipient.choices,
        default=Recipient.CALLER,
        help_text="“The caller” texts the number that the call comes from; nothing the agent hears can "
        "change it.",
    )

    class Meta:
        verbose_name = "SMS action"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("name"),
                "owner",
                name="action_name_unique",
                violation_error_message="You have an action of this name already.",
            )
        ]
