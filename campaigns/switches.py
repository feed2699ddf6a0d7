"""What can be paused, by whom, and who may let it go on. What a pause does stands in sms/outbox/pauses.py."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model

from builder.models import SmsAction
from campaigns.models import Campaign
from sms import doorbell, outbox
from sms.models import Pause, Sender, SmsTemplate
from sms.models.pauses import EVERYTHING, SENDER, TEMPLATE, account_scope, scope
from sms.roles import is_admin

CAMPAIGN, ACTION = "campaign", "action"
KINDS: dict[str, type[Model]] = {
    CAMPAIGN: Campaign,
    ACTION: SmsAction,
    TEMPLATE: SmsTemplate,
    SENDER: Sender,
}
ALL_TEXTS = "All texts"


def kind_of(thing: Model) -> str:
    """What a thing that can be paused is called in scopes and addresses; "" for any other."""
    return next((kind for kind, model in KINDS.items() if isinstance(thing, model)), "")


def scope_of(thing: Model | None) -> str:
    """The scope of all texts that pausing a thing stops; None is everything."""
    return scope(kind_of(thing), thing.pk) if thing else EVERYTHING


def called(thing: Model | None) -> str:
    """A thing as people call it: “The campaign “Booking line””."""
    return f"The {thing._meta.verbose_name} “{thing}”" if thing else ALL_TEXTS


def thing_of(pause: Pause) -> Any:
    """What is paused; None if that is everything, an account, or gone."""
    kind, _, key = pause.scope.partition(":")
    return KINDS[kind]._default_manager.filter(pk=key).first() if kind in KINDS else None


def may_pause(user: Any, thing: Model | None) -> bool:
    """Whether somebody may pause a thing (None: everything): their own, or, for an Admin, anything."""
    if is_admin(user):
        return True
    if thing is None or isinstance(thing, Sender):
        return False
    may_change = user.has_perm(f"{thing._meta.app_label}.change_{thing._meta.model_name}")
    return bool(may_change and getattr(thing, "owner_id", None) == user.pk)


def may_resume(user: Any, pause: Pause) -> bool:
    """Whether somebody may end a pause: an Admin any, others what they may pause and no Admin has paused."""
    if is_admin(user):
        return True
    by_others = pause.by not in ("", user.get_username())
    thing = thing_of(pause)
    return not by_others and thing is not None and may_pause(user, thing)


def pause(thing: Model | None, because: str, by: str) -> Pause | None:
    """Stop a thing's texts (None: all), those that wait too; None if it is paused already."""
    return outbox.suspend(scope_of(thing), called(thing)[:200], because, by)


def pause_account(account_sid: str, because: str) -> Pause | None:
    """Stop all texts of an account, by Midcall itself; None if it is paused already."""
    return outbox.suspend(account_scope(account_sid), f"The account {account_sid}", because)


def resume(pause: Pause, by: str, because: str = "") -> bool:
    """Let what was paused go on; False if somebody was faster."""
    ended = outbox.resume(pause, by, because)
    transaction.on_commit(doorbell.ring, robust=True)
    return ended
