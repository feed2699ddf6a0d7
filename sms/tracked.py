"""What of the configuration has a history, and how it is written.

By triggers of the database (django-pghistory), because forms are not the only writers: an import, a
conditional UPDATE, the shell and a hand on the database count, too. Calls, texts and consents are history
themselves and have none, so that nobody waits for it in a call. It is read in sms/history.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pghistory
import pgtrigger
from django.db import models
from pghistory.core import Tracker

M = TypeVar("M", bound=models.Model)

INSERT, UPDATE, DELETE = "insert", "update", "delete"
# As a row was when its history began; before an UPDATE of a row that has no other past.
BEGAN, WAS = "began", "was"
# Before the name of the field: that it changed, or came with its row, is known, and nothing else of it.
SECRET = "secret_"
ENTERED = "secret_entered_"
# What every row has, and nobody decides.
_AUTOMATIC = ("created_at", "updated_at")


@dataclass(frozen=True)
class Tracked:
    """How the history of a model reads.

    `part_of` is the foreign key to the object on whose page it stands, if it has no page of its own; `called`
    the one that names it there, if it is a link between two. `secrets` are the names of secrets by field.
    """

    model: type[models.Model]
    part_of: str = ""
    called: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def events(self) -> type[Any]:
        """Its events, of which each is the row as it was written."""
        found: Any = self.model
        events: type[Any] = next(iter(found.pgh_event_models.values()))
        return events

    @property
    def parent(self) -> type[models.Model] | None:
        """What it is a part of."""
        if not self.part_of:
            return None
        related: Any = self.model._meta.get_field(self.part_of).related_model
        return related  # type: ignore[no-any-return]


# By the model whose table it is.
TRACKED: dict[type[models.Model], Tracked] = {}


def tracked(
    *,
    part_of: str = "",
    called: str = "",
    secrets: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> Callable[[type[M]], type[M]]:
    """Give a model a history: each insert, update and delete, field by field but for those in `without`.

    With `only`, just what people change of a row that the engine writes all the time: its triggers are asked
    where one of these columns is written, and nowhere else.
    """

    def register(model: type[M]) -> type[M]:
        found = Tracked(model, part_of, called, secrets or {})
        pghistory.track(
            *(_changes_of(only) if only else _all_changes(model, found.secrets)),
            exclude=[*_AUTOMATIC, *without, *found.secrets],
            obj_field=pghistory.ObjForeignKey(related_name="+", related_query_name="+"),
            # With each event: who did it is written once more, and nothing is to be looked up.
            context_field=pghistory.ContextJSONField(),
            append_only=True,
            meta={
                "default_permissions": (),
                "indexes": [models.Index(fields=["-pgh_created_at"])],
            },
        )(model)
        TRACKED[model._meta.concrete_model or model] = found
        return model

    return register


def _all_changes(model: type[models.Model], secrets: Mapping[str, str]) -> list[Tracker]:
    trackers: list[Tracker] = [
        pghistory.InsertEvent(INSERT),
        pghistory.UpdateEvent(UPDATE),
        pghistory.DeleteEvent(DELETE),
        pghistory.ManualEvent(BEGAN),
    ]
    for name in secrets:
        column = model._meta.get_field(name).column  # type: ignore[union-attr]
        changed = pgtrigger.Condition(f'OLD."{column}" IS DISTINCT FROM NEW."{column}"')
        entered = pgtrigger.Condition(f'NEW."{column}" IS NOT NULL')
        trackers += [
            pghistory.UpdateEvent(SECRET + name, condition=changed),
            pghistory.InsertEvent(ENTERED + name, condition=entered),
        ]
    return trackers


def _changes_of(only: tuple[str, ...]) -> list[Tracker]:
    # Before the row as it is, the row as it was: PostgreSQL fires triggers in the order of their names.
    return [
        pghistory.UpdateEvent(
            label,
            row=row,
            operation=pgtrigger.UpdateOf(*only),
            condition=pgtrigger.AnyChange(*only),
            trigger_name=f"{order}_{label}",
        )
        for order, label, row in (("1", WAS, "OLD"), ("2", UPDATE, "NEW"))
    ]


def unnoted(model: type[models.Model]) -> str:
    """What pgtrigger.ignore is to be set to in a transaction whose changes of secrets are not to be noted."""
    registered: Any = pgtrigger.registered()
    triggers = [
        trigger.get_pgid(owner)
        for owner, trigger in registered
        if owner is model and str(trigger.name).startswith(SECRET)
    ]
    return f"{{{','.join(triggers)}}}"
