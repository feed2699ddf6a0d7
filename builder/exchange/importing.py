"""Carrying out an import, or doing so and undoing it again: the dry run is the import itself.

Everything happens in one transaction. What is in the file is compared with what is stored, checked by the
rules of the forms, and written only if nothing is wrong; then it stays or, for a dry run, goes again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import Any, Protocol

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.db import (
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import QuerySet
from django.db.models.functions import Upper

from builder import lint, linting
from builder.exchange.candidates import (
    Candidate,
    check_action,
    check_template,
    check_topic,
    write_parts,
)
from builder.exchange.document import Document, Entry, Kind, Level, Notice, Unreadable
from builder.exchange.plan import Plan, Status, Step, changes, differing, loosened
from builder.exchange.schema import MODELS, may, of_row, usual_values
from builder.linting import Known
from builder.models import NO_CONSENT_OF_OTHERS, SmsAction, Topic
from sms.models import SmsTemplate
from sms.roles import WAIVE_CONSENT, is_admin

# In the history of each thing.
HISTORY = "Imported."
# Looking at a file takes so long at most: what is compared with it is locked, and somebody waits.
MOST_SECONDS = 8
# Whoever has mended so many errors sees the rest.
MOST_ERRORS = 100

log = logging.getLogger(__name__)


class Around(Protocol):
    """Whoever knows where topics and actions are used: the page of topics, as campaigns registers it."""

    def reaches_of(self, topics: Sequence[Topic]) -> Mapping[int, Collection[lint.Reach]]:
        """The campaigns that stored topics stand in, by the topics' keys."""

    def clash(self, topics: Collection[Topic], actions: Collection[SmsAction]) -> str:
        """Which tools share a name in a campaign of these, as they are stored now; "" if none."""


def rehearse(document: Document, user: Any, around: Around) -> Plan:
    """What an import by a user would do. Nothing stays of it."""
    return carry_out(document, user, around, lambda plan: False)


def carry_out(document: Document, user: Any, around: Around, agrees: Callable[[Plan], bool]) -> Plan:
    """Import a file as a user, all of it or nothing: if there is no error, and `agrees` says so to the plan.

    Raises Unreadable if somebody else is at the same things at the same time, and if it takes too long.
    """
    until = monotonic() + MOST_SECONDS
    for _ in range(2):
        try:
            with transaction.atomic():
                plan = _Import(replace_notices(document), user, around, until).run()
                plan.is_applied = not plan.errors and plan.changes_something and agrees(plan)
                if not plan.is_applied:
                    transaction.set_rollback(True)
                return plan
        except IntegrityError:
            # Somebody took a name between the look and the write: what there is now is looked at anew.
            continue
        except (OperationalError, InterfaceError, InternalError) as error:
            log.warning("An import was broken off", exc_info=True)
            raise Unreadable(
                "The database broke it off: it took too long, or waited too long for somebody else. Nothing "
                "is half-imported. Try again; if it happens again, split the file."
            ) from error
    raise Unreadable("Somebody else saved things of these names at this very moment. Try again.")


def replace_notices(document: Document) -> Document:
    """The document with notices of its own: what is said of an entry here is not said of it twice."""
    entries = [
        replace(each, values=dict(each.values), places=dict(each.places), notices=list(each.notices))
        for each in document.entries
    ]
    return replace(document, entries=entries, notices=list(document.notices))


class _Import:
    """One run through a document."""

    def __init__(self, document: Document, user: Any, around: Around, until: float) -> None:
        self.document = document
        self.user = user
        self.around = around
        self.until = until
        self.wrong = sum(each.count(Level.ERROR) for each in document.entries)
        self.skips = False
        self.plan = Plan(document.format, notices=list(document.notices))
        self.candidates: dict[Kind, list[Candidate]] = {kind: [] for kind in Kind}
        self.met: dict[tuple[Kind, int], int] = {}

    def run(self) -> Plan:
        for kind in (Kind.TEMPLATE, Kind.ACTION, Kind.TOPIC):
            entries = [entry for entry in self.document.entries if entry.kind is kind]
            if entries:
                self._compare(kind, entries)
        self._check()
        if self.skips:
            self.plan.notices.append(Notice(Level.ERROR, 0, _MORE))
        for entry in self.document.entries:
            self.plan.notices += entry.notices
        if not any(each.level == Level.ERROR for each in self.plan.notices):
            self._write()
        return self.plan

    # --- What is new, and what differs ----------------------------------------------------------------------

    def _compare(self, kind: Kind, entries: list[Entry]) -> None:
        uppers = _uppers([entry.name for entry in entries])
        stored: dict[str, list[Any]] = {}
        for row in _stored(kind, set(uppers.values())):
            stored.setdefault(row.upper_name, []).append(row)
        seen: dict[tuple[str, str], int] = {}
        for entry in entries:
            self._refuse_late()
            upper = uppers[entry.name]
            first = seen.setdefault((upper, entry.values.get("owner", "")), entry.line)
            if entry.name and first != entry.line:
                entry.refuse(f"There are two of this name; the first is in line {first}. Keep one.", "name")
            if not entry.is_broken:
                self._compare_one(entry, stored.get(upper, []))

    def _compare_one(self, entry: Entry, rows: list[Any]) -> None:
        kind = entry.kind
        owner = self._owner(entry, rows)
        row = _chosen(entry, rows, self.user, owner) if kind is Kind.ACTION else next(iter(rows), None)
        if entry.is_broken:
            return
        if row is None:
            self._add(entry, owner or self.user)
            return
        first = self.met.setdefault((kind, row.pk), entry.line)
        if first != entry.line:
            entry.refuse(f"This is the same {kind} as in line {first}. Keep one.", "name")
            return
        if not may(self.user, "view", kind):
            entry.refuse(f"There is one already, and you may not see the {kind}s that there are.", "name")
            return
        if row.name != entry.name and kind is not Kind.TOPIC:
            entry.refuse(f"It is called “{row.name}” here, and references must match. Write it so.", "name")
            return
        before = of_row(kind, row)
        changed = differing(kind, before, entry.values)
        if not changed:
            # What an import would bring along does not matter where it brings nothing.
            entry.notices = [each for each in entry.notices if each.level != Level.WARNING]
            self.plan.steps.append(Step(kind, row.name, entry.line, Status.UNCHANGED, pk=row.pk))
        elif self._may_change(entry, row):
            self._take(Candidate(entry, row, changed), Status.CHANGED, before)

    def _owner(self, entry: Entry, rows: list[Any]) -> Any:
        """The owner that a file names; None if it names none.

        Whoever may not add things for others is not told who there is, beyond the owners of what they see.
        """
        name = entry.values.get("owner", "")
        if not name:
            return None
        if name == self.user.get_username():
            return self.user
        if not is_admin(self.user):
            seen = rows if may(self.user, "view", entry.kind) else []
            owner = next((row.owner for row in seen if row.owner.get_username() == name), None)
            if owner is None:
                self._refuse_for_others(entry)
            return owner
        owner = get_user_model().objects.filter(username=name).first()
        if owner is None:
            entry.refuse(
                f"There is no user “{name}” here. Leave the owner out, and it will be yours.", "owner"
            )
        return owner

    def _add(self, entry: Entry, owner: Any) -> None:
        if not may(self.user, "add", entry.kind):
            entry.refuse(f"You may not add {entry.kind}s.")
            return
        if owner != self.user and not is_admin(self.user):
            self._refuse_for_others(entry)
            return
        for key, (value, warning) in entry.instead.items():
            if not entry.values.get(key):
                entry.values[key] = value
                entry.say(Level.WARNING, warning)
        row = MODELS[entry.kind](owner=owner)
        before = usual_values(entry.kind)
        self._take(Candidate(entry, row, [key for key in entry.values if key != "owner"]), Status.NEW, before)

    def _refuse_for_others(self, entry: Entry) -> None:
        entry.refuse(f"You may not add {entry.kind}s for others. Leave the owner out.", "owner")

    def _may_change(self, entry: Entry, row: Any) -> bool:
        kind = entry.kind
        if not may(self.user, "change", kind):
            entry.refuse(f"It differs from what is stored here, and you may not change {kind}s.")
            return False
        # Topics are everybody's; what is sent is sent from somebody's account.
        if kind is not Kind.TOPIC and not (row.owner_id == self.user.pk or is_admin(self.user)):
            entry.refuse(
                f"It differs from what is stored here and belongs to {row.owner}, so only they or an "
                "administrator may change it. Leave it out, or give yours another name."
            )
            return False
        return True

    def _take(self, candidate: Candidate, status: Status, before: dict[str, Any]) -> None:
        entry = candidate.entry
        shown = changes(
            entry.kind, before, {key: entry.values[key] for key in candidate.changed if key in entry.values}
        )
        for key, message in loosened(before, entry.values):
            if key == "transactional" and not self.user.has_perm(WAIVE_CONSENT):
                entry.refuse("Only an administrator may decide that no consent is needed. Leave it out.", key)
            without = before.get("transactional") and entry.values.get("transactional", True)
            if key == "recipient" and without and not self.user.has_perm(WAIVE_CONSENT):
                entry.refuse(f"{NO_CONSENT_OF_OTHERS} Leave it out, or have the agent ask.", key)
            entry.say(Level.WARNING, message, key, is_grave=True)
        because = "transactional_because"
        if because in candidate.changed and not self.user.has_perm(WAIVE_CONSENT) and entry.values[because]:
            entry.refuse("Only an administrator says why no consent is needed. Leave it out.", because)
        pk = candidate.row.pk
        self.plan.steps.append(Step(entry.kind, entry.name, entry.line, status, shown, pk))
        self.candidates[entry.kind].append(candidate)

    # --- What is wrong --------------------------------------------------------------------------------------

    def _refuse_late(self) -> None:
        if monotonic() > self.until:
            raise Unreadable(_TOO_MUCH)

    def _each(self, kind: Kind) -> Iterator[Candidate]:
        """The candidates of a kind, for as long as there is time and not too much is wrong already."""
        for each in self.candidates[kind]:
            self._refuse_late()
            if self.wrong >= MOST_ERRORS:
                self.skips = True
                return
            yield each
            self.wrong += each.entry.count(Level.ERROR)

    def _check(self) -> None:
        templates = {each.row.name: each for each in self._each(Kind.TEMPLATE) if check_template(each)}
        self._check_actions({name: each.row for name, each in templates.items()})
        topics = self.candidates[Kind.TOPIC]
        if not topics:
            return
        for each in topics:
            each.row.edited_by(self.user)
            each.assign()
        known = Known.of((each.row.actions for each in topics), self.user)
        # Those that are wrong themselves are named already: here they count as if they were right.
        wrong = {
            entry.name: lint.Template(entry.name)
            for entry in self.document.entries
            if entry.kind is Kind.TEMPLATE and entry.is_broken
        }
        known = Known(
            {
                **known.templates,
                **wrong,
                **{name: linting.facts(each.row) for name, each in templates.items()},
            },
            list(dict.fromkeys((*known.names, *wrong, *templates))),
            known.refused,
        )
        reaches = self.around.reaches_of([each.row for each in topics if each.was_stored])
        for each in self._each(Kind.TOPIC):
            check_topic(each, reaches.get(each.row.pk, ()), known)

    def _check_actions(self, templates: dict[str, SmsTemplate]) -> None:
        candidates = self.candidates[Kind.ACTION]
        named = {each.entry.values.get("template", "") for each in candidates}
        stored = {
            each.name: each for each in SmsTemplate.objects.filter(name__in=named).select_related("owner")
        }
        broken = {entry.name for entry in self.document.entries if entry.is_broken}
        for each in self._each(Kind.ACTION):
            check_action(each, {**stored, **templates}, broken, self.user)

    # --- Doing it -------------------------------------------------------------------------------------------

    def _write(self) -> None:
        for kind in (Kind.TEMPLATE, Kind.ACTION, Kind.TOPIC):
            candidates = self.candidates[kind]
            for each in candidates:
                # A template that came with the same file has its key only now.
                each.settle_references()
            new = [each.row for each in candidates if not each.was_stored]
            old = [each.row for each in candidates if each.was_stored]
            MODELS[kind]._default_manager.bulk_create(new)
            touched = {name for each in candidates if each.was_stored for name in each.attributes()}
            # They are there, and locked: one statement that stores them all over.
            MODELS[kind]._default_manager.bulk_create(
                old,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=sorted({*touched, "updated_at"}),
            )
            if kind is Kind.TEMPLATE:
                write_parts(candidates)
            self._remember(new, ADDITION)
            self._remember(old, CHANGE)
        topics = [each.row for each in self.candidates[Kind.TOPIC] if each.was_stored]
        # A template that is switched on becomes a tool wherever a topic refers to it.
        by_reference = Topic.by_reference() if self.candidates[Kind.TEMPLATE] else {}
        topics += [
            topic for each in self.candidates[Kind.TEMPLATE] for topic in by_reference.get(each.row.name, [])
        ]
        actions = [each.row for each in self.candidates[Kind.ACTION] if each.was_stored]
        clash = self.around.clash(topics, actions) if topics or actions else ""
        if clash:
            self.plan.notices.append(Notice(Level.ERROR, 0, clash))

    def _remember(self, rows: list[Any], flag: int) -> None:
        if rows:
            LogEntry.objects.log_actions(self.user.pk, rows, flag, HISTORY)


_TOO_MUCH = (
    "There is more in the file than can be looked at in one go. Split it, and import the parts in turn."
)
_MORE = "What comes after these was not looked at: mend them first, then look again."


def _chosen(entry: Entry, rows: list[Any], user: Any, owner: Any) -> Any:
    """The stored action that an entry means; None if it is a new one."""
    if owner is not None:
        return next((row for row in rows if row.owner_id == owner.pk), None)
    own = [row for row in rows if row.owner_id == user.pk]
    if not own and len(rows) > 1:
        owners = ", ".join(str(row.owner) for row in rows)
        entry.refuse(
            f"Several people have an action of this name ({owners}). Say whose it is: owner: …", "name"
        )
    return next(iter(own or rows), None)


def _uppers(names: Iterable[str]) -> dict[str, str]:
    """The names as the database compares them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, upper(name) FROM unnest(%s::text[]) AS name", [list(set(names))])
        return dict(cursor.fetchall())


def _stored(kind: Kind, uppers: set[str]) -> QuerySet[Any]:
    """The rows of these names, which nobody else changes from now on. No text that is sent waits for it."""
    rows: QuerySet[Any] = MODELS[kind]._default_manager.annotate(upper_name=Upper("name"))
    rows = rows.filter(upper_name__in=uppers).order_by("pk").select_for_update(no_key=True, of=("self",))
    if kind is Kind.TOPIC:
        return rows
    rows = rows.select_related("owner__sms_profile")
    if kind is Kind.ACTION:
        return rows.select_related("template")
    return rows.prefetch_related("typed_variables", "translations")
