"""What is sent by nobody for now: paused by a person or a brake, or switched off on its own page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from sms.models.messages import Message, Sender
from sms.tracked import tracked

SCOPE_CHARACTERS = 64
# As many as a user's name has.
BY_CHARACTERS = 150
MAX_REASON_CHARACTERS = 300
# The widest scope: each text has it.
EVERYTHING = "everything"
# The kinds of what sms knows by itself; who promises texts adds others.
ACCOUNT, SENDER, TEMPLATE = "account", "sender", "template"


def scope(kind: str, key: object) -> str:
    """What stands for one thing in Message.scopes and in pauses, such as "template:12"."""
    return f"{kind}:{key}"


def account_scope(account_sid: str) -> str:
    """The scope of all texts that an account sends."""
    return scope(ACCOUNT, account_sid)


def sender_scope(sender: Sender) -> str:
    """The scope of all texts from one sender."""
    return scope(SENDER, sender.pk)


def template_scope(template: int) -> str:
    """The scope of all texts of a template, whatever they are sent with."""
    return scope(TEMPLATE, template)


@tracked()
class Pause(models.Model):
    """Something of which no text is sent for now: what is asked for is refused, what is queued waits.

    Begins and ends in outbox.suspend() and outbox.resume() alone, and stays on record.
    """

    scope = models.CharField(max_length=SCOPE_CHARACTERS, editable=False)
    about = models.CharField("what", max_length=200, help_text="What is paused, as people call it.")
    because = models.CharField(
        "why",
        max_length=MAX_REASON_CHARACTERS,
        help_text="It stands on top of every page, and on each text that waits.",
    )
    # By the name to log in with; "" for what Midcall paused by itself.
    by = models.CharField(max_length=BY_CHARACTERS, blank=True)
    since = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField("ended", null=True, blank=True)
    lifted_by = models.CharField("ended by", max_length=BY_CHARACTERS, blank=True)
    lifted_because = models.CharField("why it ended", max_length=MAX_REASON_CHARACTERS, blank=True)

    class Meta:
        ordering: ClassVar = ["-since", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope"], condition=Q(lifted_at=None), name="pause_once")
        ]

    def __str__(self) -> str:
        return self.about

    @property
    def who(self) -> str:
        """Who paused it, in plain words."""
        return self.by or "the automatic brake"

    @property
    def headline(self) -> str:
        """That it is paused, in a few words."""
        verb = "are" if self.scope == EVERYTHING else "is"
        return f"{self.about} {verb} paused"

    @property
    def words(self) -> str:
        """That it is paused, by whom and why, in one line for people."""
        return f"{self.headline} by {self.who}: {self.because}"

    @classmethod
    def standing(cls) -> models.QuerySet[Pause]:
        """Those that last, the widest first."""
        return cls.objects.filter(lifted_at=None).order_by(
            models.Case(models.When(scope=EVERYTHING, then=0), default=1), "since", "pk"
        )

    @classmethod
    def over(cls, message: Message) -> Pause | None:
        """The pause that a text waits for, or would; None if there is none."""
        return next(iter(cls._of(scopes_of(message))), None)

    @classmethod
    def against(cls, scopes: Iterable[str], account_sid: str, address: str) -> Pause | None:
        """The pause that a text of these scopes would meet, from one sender of an account; None if none."""
        sender = Sender.objects.filter(account_sid=account_sid, address=address).first()
        wider = [EVERYTHING, account_scope(account_sid), *([sender_scope(sender)] if sender else [])]
        return next(iter(cls._of([*scopes, *wider])), None)

    @classmethod
    def _of(cls, scopes: list[str]) -> models.QuerySet[Pause]:
        return cls.standing().filter(scope__in=scopes)[:1]


class SwitchedOff(models.Model):
    """What is switched off on its own page (`is_active`), so that what was promised with it waits.

    Written by triggers alone (migrations sms/0018, builder/0009, campaigns/0017): forms, imports and a hand
    on the database all switch things off.
    """

    scope = models.CharField(max_length=SCOPE_CHARACTERS, primary_key=True)
    about = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.about

    @property
    def words(self) -> str:
        """That it is switched off, in one line for people."""
        return f"“{self.about}” is switched off."


def scopes_of(message: Message) -> list[str]:
    """All scopes that a text has, the widest first."""
    senders = Sender.objects.filter(account_sid=message.account_sid, address=message.sender)
    return [
        EVERYTHING,
        account_scope(message.account_sid),
        *map(sender_scope, senders),
        *message.scopes,
    ]
