"""The history of the configuration, as people read it: who changed what, when, from what to what.

Whoever may see an object may see its history; of what it refers to, they read the names of what they may see.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Exists, Field, ForeignKey, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.text import capfirst

from sms.changes import Change, Comparing, Pieces
from sms.tracked import BEGAN, DELETE, ENTERED, INSERT, SECRET, TRACKED, UPDATE, WAS, Tracked

# So many on a page; and so many pages back, beyond which a filter finds more than leafing does.
SIZE = 30
MOST_PAGES = 500
NOT_SEEN = "one that you may not see"
# A statement without a known author that writes a row and its secret does so within this.
_AT_ONCE = timedelta(seconds=1)
# What names people and what they may do is shown wherever they did something.
_SEEN_BY_ALL: tuple[type[Model], ...] = (User, Group, Permission)

VERBS = {INSERT: "added", UPDATE: "changed", DELETE: "deleted", BEGAN: "was there"}
TONES = {"added": "good", "changed": "info", "deleted": "bad", "removed": "bad", "was there": "plain"}


@dataclass(frozen=True)
class Item:
    """One step in the life of an object. `changes` are labels with the pieces before and after; of a secret
    that changed there is no more than its name."""

    at: datetime
    who: str
    verb: str
    what: str
    model: type[Model]
    pk: Any
    context: Any
    # Whose page it stands on: the object itself, or what it is a part of, with its name then.
    of_model: type[Model]
    of_pk: Any
    of: str = ""
    changes: list[tuple[str, Pieces, Pieces]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    is_of_secret: bool = False

    @property
    def kind(self) -> str:
        """The model of that object, as addresses have it."""
        return self.of_model._meta.label_lower

    @property
    def tone(self) -> str:
        return TONES[self.verb]

    @property
    def is_change(self) -> bool:
        """Whether something was before and something else is now; else the row came or went."""
        return self.verb == "changed"

    @property
    def began(self) -> bool:
        return self.verb == VERBS[BEGAN]

    def goes_with(self, other: Item) -> bool:
        """Whether both are of one statement, which wrote a secret beside what can be read."""
        return (
            (self.is_of_secret or other.is_of_secret)
            and self.verb == other.verb
            and (self.model, self.pk, self.context) == (other.model, other.pk, other.context)
            and abs(self.at - other.at) < _AT_ONCE
        )


@dataclass(frozen=True)
class Leaf:
    """One page of a history, the newest first."""

    items: list[Item]
    number: int
    has_more: bool

    @property
    def newer(self) -> int:
        return self.number - 1

    @property
    def older(self) -> int:
        return self.number + 1 if self.has_more else 0


def of_object(request: HttpRequest, model: type[Model], pk: Any, number: int = 1) -> Leaf:
    """What became of one object, and of its parts."""
    tracked = TRACKED[model]
    sources: list[QuerySet[Any]] = [tracked.events.objects.filter(pgh_obj_id=pk)]
    sources += [
        part.events.objects.filter(**{part.part_of: pk}) for part in TRACKED.values() if part.parent is model
    ]
    return _leaf(request, sources, number)


def of_all(
    request: HttpRequest,
    number: int = 1,
    who: str = "",
    model: type[Model] | None = None,
    label: str = "",
    since: datetime | None = None,
) -> Leaf:
    """What was changed anywhere: by one person or command, of one kind with its parts, in one way, since."""
    sources: list[QuerySet[Any]] = [
        each.events.objects.exclude(pgh_label=BEGAN).filter(_readable(request, each))
        for each in TRACKED.values()
        if model is None or model in (_concrete(each.model), each.parent)
    ]
    if who:
        by = Q(pgh_context__name=who) | Q(pgh_context__command=who)
        sources = [each.filter(by) for each in sources]
    if label:
        sources = [each.filter(pgh_label=label) for each in sources]
    if since:
        sources = [each.filter(pgh_created_at__gte=since) for each in sources]
    return _leaf(request, sources, number)


def _readable(request: HttpRequest, tracked: Tracked) -> Q:
    """Which events are of what somebody may open, or what there is no longer."""
    whole = tracked.parent or _concrete(tracked.model)
    key = f"{tracked.part_of or 'pgh_obj'}_id"
    page = admin.site._registry.get(whole)
    if page is None or not page.has_view_permission(request):
        return Q(pk__in=[])
    open_to = page.get_queryset(request).order_by().values("pk")
    return Q(**{f"{key}__in": open_to}) | Q(~Exists(whole._base_manager.filter(pk=OuterRef(key))))


def may_read(request: HttpRequest, model: type[Model], pk: Any) -> bool:
    """Whether somebody may read the history of an object: they may open it, or it is gone."""
    page = admin.site._registry.get(model)
    if page is None or not page.has_view_permission(request):
        return False
    is_there = model._base_manager.filter(pk=pk).exists()
    return not is_there or existing(request, model, pk) is not None


def is_tracked(model: type[Model]) -> bool:
    """Whether there is a history of a model's objects."""
    return model in TRACKED


def last_name(model: type[Model], pk: Any) -> str:
    """What an object was called when it was last written; "" if it is not known."""
    tracked = TRACKED.get(model)
    event = tracked and tracked.events.objects.filter(pgh_obj_id=pk).order_by("-pgh_id").first()
    if not tracked or not event:
        return ""
    if tracked.called:
        # A link is called what it leads to.
        related: Any = model._meta.get_field(tracked.called).related_model
        return last_name(related, getattr(event, f"{tracked.called}_id"))
    return str(_as_written(tracked, event))


def _leaf(request: HttpRequest, sources: Sequence[QuerySet[Any]], number: int) -> Leaf:
    number = max(1, min(number, MOST_PAGES))
    first = (number - 1) * SIZE
    found = sorted(
        (
            (at, pk, source.model)
            for source in sources
            for at, pk in source.exclude(pgh_label=WAS)
            .order_by("-pgh_created_at", "-pgh_id")
            .values_list("pgh_created_at", "pgh_id")[: first + SIZE + 1]
        ),
        key=lambda each: each[:2],
        reverse=True,
    )
    shown = found[first : first + SIZE]
    by_model: dict[type[Any], list[int]] = defaultdict(list)
    for _, pk, model in shown:
        by_model[model].append(pk)
    events = {model: model.objects.in_bulk(pks) for model, pks in by_model.items()}
    before = {model: _before(model, pks) for model, pks in by_model.items()}
    reading = _Reading(request, [*_flat(events), *_flat(before)])
    items = [reading.item(events[model][pk], before[model].get(pk)) for _, pk, model in shown]
    return Leaf(list(_together(items)), number, len(found) > first + SIZE and number < MOST_PAGES)


def _flat(events: dict[type[Any], dict[int, Any]]) -> Iterable[Any]:
    return (event for found in events.values() for event in found.values())


def _before(events: type[Any], pks: list[int]) -> dict[int, Any]:
    """The events that stand before these in the lives of their objects, by the ids of these."""
    earlier = (
        events.objects.filter(pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id"))
        .exclude(pgh_label__startswith=SECRET)
        .order_by("-pgh_id")
        .values("pgh_id")[:1]
    )
    pairs = dict(
        events.objects.filter(pk__in=pks, pgh_label=UPDATE)
        .annotate(earlier=Subquery(earlier))
        .values_list("pgh_id", "earlier")
    )
    found = events.objects.in_bulk([pk for pk in pairs.values() if pk])
    return {pk: found[earlier] for pk, earlier in pairs.items() if earlier in found}


def _together(items: list[Item]) -> Iterable[Item]:
    """The items, each with the secrets that were written in the same statement."""
    pending: Item | None = None
    for item in items:
        if pending and pending.goes_with(item):
            whole, secret = (item, pending) if pending.is_of_secret else (pending, item)
            pending = replace(
                whole,
                at=max(whole.at, secret.at),
                secrets=sorted({*whole.secrets, *secret.secrets}),
            )
            continue
        if pending:
            yield pending
        pending = item
    if pending:
        yield pending


class _Reading:
    """Events in words: what they refer to by its name, as far as whoever reads them may see that."""

    def __init__(self, request: HttpRequest, events: Iterable[Any]) -> None:
        self._request = request
        self._comparing = Comparing()
        self._names: dict[type[Model], dict[Any, str]] = {}
        wanted: dict[type[Model], set[Any]] = defaultdict(set)
        for event in events:
            for each in _fields(event):
                if isinstance(each, ForeignKey):
                    wanted[_related(each)].add(getattr(event, each.attname))
        for model, pks in wanted.items():
            self._names[model] = self._named(model, {pk for pk in pks if pk is not None})

    def item(self, event: Any, before: Any) -> Item:
        """What an event says, given the one before it."""
        tracked = TRACKED[_concrete(event.pgh_tracked_model)]
        is_link = bool(tracked.part_of and tracked.called)
        label = str(event.pgh_label)
        secret = ""
        if label.startswith(SECRET):
            is_new = label.startswith(ENTERED)
            secret = label.removeprefix(ENTERED if is_new else SECRET)
            label = INSERT if is_new else UPDATE
        return Item(
            at=event.pgh_created_at,
            who=author(event.pgh_context),
            verb="removed" if is_link and label == DELETE else VERBS[label],
            what=self._what(tracked, event),
            model=_concrete(tracked.model),
            pk=event.pgh_obj_id,
            context=event.pgh_context_id,
            of_model=tracked.parent or _concrete(tracked.model),
            of_pk=getattr(event, f"{tracked.part_of}_id") if tracked.part_of else event.pgh_obj_id,
            of=self._whole(tracked, event),
            changes=[] if secret or is_link or label == BEGAN else self._changes(tracked, event, before),
            secrets=[capfirst(tracked.secrets[secret])] if secret else [],
            is_of_secret=bool(secret),
        )

    def _what(self, tracked: Tracked, event: Any) -> str:
        noun = capfirst(str(tracked.model._meta.verbose_name))
        if not tracked.called:
            return f"{noun} “{_as_written(tracked, event)}”"
        link = tracked.model._meta.get_field(tracked.called)
        return f"{noun} “{self._said(link, getattr(event, f'{tracked.called}_id'))}”"

    def _whole(self, tracked: Tracked, event: Any) -> str:
        if not tracked.part_of:
            return ""
        link: Any = tracked.model._meta.get_field(tracked.part_of)
        noun = link.related_model._meta.verbose_name
        return f"{noun} “{self._said(link, getattr(event, link.attname))}”"

    def _changes(self, tracked: Tracked, event: Any, before: Any) -> list[tuple[str, Pieces, Pieces]]:
        changes = []
        for each in _fields(event):
            if each.name == tracked.part_of:
                continue
            was = getattr(before, each.attname) if before else None
            now = getattr(event, each.attname)
            if was == now and before:
                continue
            label = capfirst(str(tracked.model._meta.get_field(each.name).verbose_name))  # type: ignore[union-attr]
            change = Change(label, self._said(each, was) if before else "", self._said(each, now))
            if before:
                changes.append(self._comparing.compared(change))
            elif change.after:
                changes.append(change.new())
        return changes

    def _said(self, of: Any, value: Any) -> str:
        """A value as people read it; "" if there is none."""
        if value is None or value in ("", [], {}):
            return ""
        if isinstance(of, ForeignKey):
            return self._names[_related(of)].get(value, NOT_SEEN)
        if of.flatchoices:
            return str(dict(of.flatchoices).get(value, value))
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, datetime):
            return date_format(value, "DATETIME_FORMAT")
        if isinstance(value, list):
            return "\n".join(map(str, value))
        if isinstance(value, dict):
            return "\n".join(f"{key}: {said}" for key, said in value.items())
        return str(value)

    def _named(self, model: type[Model], pks: set[Any]) -> dict[Any, str]:
        page = admin.site._registry.get(model)
        names: dict[Any, str] = {}
        if model in _SEEN_BY_ALL:
            names = {each.pk: str(each) for each in model._base_manager.filter(pk__in=pks)}
        elif page and page.has_view_permission(self._request):
            names = {each.pk: str(each) for each in page.get_queryset(self._request).filter(pk__in=pks)}
        if model in _SEEN_BY_ALL or (page and page.has_view_permission(self._request)):
            there = set(model._base_manager.filter(pk__in=pks).values_list("pk", flat=True))
            for pk in pks - there:
                names[pk] = f"{last_name(model, pk) or 'one'} (deleted)"
        return names


def author(context: dict[str, Any] | None) -> str:
    """Who or what made a change, in plain words."""
    if not context:
        return "Outside the admin"
    if context.get("name"):
        return str(context["name"])
    if context.get("command"):
        return f"Command line: {context['command']}"
    return "Nobody who was logged in"


def _fields(event: Any) -> list[Field[Any, Any]]:
    """What an event holds of its row; not of itself, nor the row's number."""
    return [
        each
        for each in event._meta.concrete_fields
        if not each.name.startswith("pgh_") and each.name != event.pgh_tracked_model._meta.pk.name
    ]


def _as_written(tracked: Tracked, event: Any) -> Model:
    """The object as an event holds it. It is never stored."""
    values = {each.attname: getattr(event, each.attname) for each in _fields(event)}
    return _concrete(tracked.model)(**values)


def _related(link: Any) -> type[Model]:
    return _concrete(link.related_model)


def _concrete(model: Any) -> type[Model]:
    found: type[Model] = model._meta.concrete_model
    return found


def existing(request: HttpRequest, model: type[Model], pk: Any) -> Model | None:
    """The object, if it is still there and has a page that may be opened."""
    page = admin.site._registry.get(model)
    if page is None:
        return None
    try:
        found: Model = page.get_queryset(request).get(pk=pk)
    except (ObjectDoesNotExist, ValueError):
        return None
    return found if page.has_view_permission(request, found) else None
