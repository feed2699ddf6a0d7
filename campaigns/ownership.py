"""Handing over what somebody owns: what would change, and doing it.

What would change is found by doing it and undoing it again, so nothing else happens then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now

from builder.models import SmsAction, Topic
from campaigns import tools
from campaigns.models import Campaign
from sms.models import ProviderName, Sendable, SmsTemplate, UserProfile
from sms.roles import is_admin

KINDS: dict[str, type[Model]] = {
    "template": SmsTemplate,
    "action": SmsAction,
    "topic": Topic,
    "campaign": Campaign,
}
# So many are handed over at once.
MOST_AT_ONCE = 300
# In the history of each thing.
HISTORY = "Handed over from {} to {}."


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one thing: whose account sends it, from which sender, and what a person should know."""

    thing: Any
    noun: str
    account: str = ""
    sender: str = ""
    notes: tuple[str, ...] = ()
    obstacle: str = ""


@dataclass(slots=True)
class Plan:
    """What handing over does: to each thing, and to what campaigns send. `errors` are why it is not done."""

    changes: list[Change] = field(default_factory=list)
    # Campaigns with what stops there, and what is sent there again.
    effects: list[tuple[Campaign, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    is_done: bool = False

    @property
    def digest(self) -> str:
        """The same for as long as the same would be done, with the same effects."""
        changes = [
            (key(each.thing), each.account, each.sender, each.notes, each.obstacle) for each in self.changes
        ]
        effects = [(campaign.pk, words) for campaign, words in self.effects]
        return hashlib.sha256(repr((changes, effects, self.errors)).encode()).hexdigest()


def key(thing: Model) -> str:
    """What a thing is called in a form: "template:3"."""
    return f"{next(kind for kind, model in KINDS.items() if isinstance(thing, model))}:{thing.pk}"


def owned(owner: Any, by: Any) -> list[Any]:
    """What belongs to a user and somebody may hand over.

    A campaign sends what its owner may use, so whoever gives one away gives that away, too: only Admins do.
    """
    kinds = [kind for kind in KINDS.values() if kind is not Campaign or is_admin(by)]
    if owner != by and not is_admin(by):
        return []
    return [thing for kind in kinds for thing in kind._default_manager.filter(owner=owner).order_by("name")]


def recipients(owner: Any) -> QuerySet[Any]:
    """To whom a user's things may be handed over: whoever could have added them."""
    users: Any = get_user_model()._default_manager
    found: QuerySet[Any] = users.with_perm("sms.add_smstemplate").exclude(pk=owner.pk).order_by("username")
    return found


def rehearse(things: Iterable[Any], to: Any, by: Any) -> Plan:
    """What handing things over would do. Nothing stays of it."""
    return hand_over(things, to, by, lambda plan: False)


def hand_over(things: Iterable[Any], to: Any, by: Any, agrees: Callable[[Plan], bool]) -> Plan:
    """Give things to another owner, all of them or none: if nothing is wrong, and `agrees` says so.

    What somebody who is no Admin gives away arrives switched off and unshared: nobody else's account begins
    to send it before they have looked at it.
    """
    things = list(things)
    profile, _ = UserProfile.objects.get_or_create(user=to)
    with transaction.atomic():
        plan = Plan()
        reached = _reached(things)
        before = _sent(reached)
        for thing in things:
            if error := _give(thing, to, profile, goes_on=is_admin(by)):
                plan.errors.append(error)
            else:
                plan.changes.append(_change(thing, to))
        plan.effects = list(_effects(before, _sent(reached)))
        plan.is_done = not plan.errors and bool(plan.changes) and agrees(plan)
        if not plan.is_done:
            transaction.set_rollback(True)
    return plan


def _give(thing: Any, to: Any, profile: UserProfile, goes_on: bool) -> str:
    """Change the owner, if it is still the one that is known; why that cannot be, or ""."""
    fields: dict[str, Any] = {"owner": to, "updated_at": Now()}
    if isinstance(thing, Sendable):
        fields["sender"] = thing.sender_from(profile)
        if not goes_on:
            fields |= {"is_active": False, "is_shared": False}
    rows = type(thing)._default_manager.filter(pk=thing.pk, owner=thing.owner_id)
    try:
        with transaction.atomic():
            if rows.update(**fields):
                return ""
    except IntegrityError:
        return f"{to} has {_noun(thing)} called “{thing}” already. Rename one of the two first."
    return f"“{thing}” does not belong to {thing.owner} any more: somebody was faster."


def _change(thing: Any, to: Any) -> Change:
    if not isinstance(thing, Sendable):
        notes = ["What it refers to stays whose it is."]
        if isinstance(thing, Campaign):
            notes = [f"It sends what is shared, and what belongs to {to}."]
        return Change(thing, str(thing._meta.verbose_name), notes=tuple(notes))
    given: Any = type(thing)._default_manager.select_related("owner__sms_profile").get(pk=thing.pk)
    notes = []
    if thing.sender and not given.sender:
        notes.append(f"The account is not known to have {thing.sender}, so the default is used.")
    if thing.is_active and not given.is_active:
        notes.append(f"It arrives switched off, until {to} switches it on.")
    if thing.is_shared and not given.is_shared:
        notes.append("It is not shared any more.")
    account = "the platform's own account (Atlas)"
    if thing.provider != ProviderName.ATLAS:
        account = f"{to}'s Twilio account, in place of {thing.owner}'s"
    old, new = thing.effective_sender() or "none", given.effective_sender() or "none"
    return Change(
        thing,
        str(thing._meta.verbose_name),
        account,
        new if old == new else f"{new}, in place of {old}",
        tuple(notes),
        given.lacks(),
    )


def _reached(things: Iterable[Any]) -> list[Campaign]:
    """The campaigns that send something else, or do not, once things have another owner."""
    by_reference = Topic.by_reference()
    templates = [thing for thing in things if isinstance(thing, SmsTemplate)]
    actions = [thing.pk for thing in things if isinstance(thing, SmsAction)]
    topics = [topic.pk for template in templates for topic in by_reference.get(template.name, [])]
    found = Campaign.objects.filter(
        Q(pk__in=[thing.pk for thing in things if isinstance(thing, Campaign)])
        | Q(actions__in=actions)
        | Q(actions__template__in=templates)
        | Q(topics__in=topics)
    )
    return list(found.distinct())


def _sent(campaigns: Iterable[Campaign]) -> dict[Campaign, dict[str, str]]:
    """The tools of campaigns as they are stored now, each with why it cannot be sent."""
    stored = Campaign.objects.select_related("owner").in_bulk([campaign.pk for campaign in campaigns])
    return {
        campaign: {tool.name: tool.obstacle for tool in tools.of(stored[campaign.pk])}
        for campaign in campaigns
    }


def _effects(
    before: dict[Campaign, dict[str, str]], after: dict[Campaign, dict[str, str]]
) -> Iterable[tuple[Campaign, str]]:
    for campaign, sent in before.items():
        for name, obstacle in sent.items():
            later = after[campaign].get(name, "It is switched off.")
            if not obstacle and later:
                yield campaign, f"“{name}” stops: {later}"
            elif obstacle and not later:
                yield campaign, f"“{name}” is sent again."


def _noun(thing: Model) -> str:
    words = str(thing._meta.verbose_name)
    return f"an {words}" if words[0] in "aeiouS" else f"a {words}"
