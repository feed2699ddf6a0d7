"""What the page of differences shows of a plan: every entry by its name, and a hundred at a time in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from builder.exchange.plan import MAX_EFFORT, Change, Plan, Status, Step
from builder.exchange.schema import MODELS, may

# So many entries are shown in full on one page; the others with what changes in them.
MOST_SHOWN = 100
# Of a page: values are compared for as long as this lasts, then shown before and after.
_MOST_EFFORT = 10 * MAX_EFFORT
# So many changed entries are shown unfolded.
_MOST_OPEN = 20
# Of what stays the same in a text, so much around what does not; and so much of what comes or goes.
_AROUND = 120
_MOST_OF_NEW = 2000

Pieces = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as the page shows it. `changes` are labels with the pieces before and after; of a step that
    stands in full on another `page`, there are none."""

    step: Step
    number: int
    what: str
    page: int
    url: str = ""
    is_open: bool = False
    changes: tuple[tuple[str, Pieces, Pieces], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """What is new, or what is changed: in full, and on which other pages the rest is."""

    heading: str
    count: int
    here: list[Shown]
    elsewhere: list[Shown]


@dataclass(slots=True)
class Differences:
    """A plan, a page at a time."""

    plan: Plan
    user: Any
    page: int
    left: int = _MOST_EFFORT

    def __post_init__(self) -> None:
        self.page = max(1, min(self.page, len(self.pages)))

    @property
    def pages(self) -> range:
        return range(1, -(-(self.plan.new + self.plan.changed) // MOST_SHOWN) + 1)

    def sections(self) -> Iterator[Section]:
        """What is changed and what is new, each with all its entries."""
        before = 0
        for status, heading in ((Status.CHANGED, "Changed"), (Status.NEW, "New")):
            steps = [step for step in self.plan.steps if step.status is status]
            is_open = status is Status.CHANGED and len(steps) <= _MOST_OPEN
            shown = [self._shown(step, number, is_open) for number, step in enumerate(steps, before)]
            before += len(steps)
            if steps:
                here = [each for each in shown if each.page == self.page]
                yield Section(heading, len(steps), here, [each for each in shown if each.page != self.page])

    def _shown(self, step: Step, number: int, is_open: bool) -> Shown:
        page = number // MOST_SHOWN + 1
        is_new = step.status is Status.NEW
        # The name of a new thing stands above it.
        changes = step.changes[1:] if is_new else step.changes
        what = _listed([change.label for change in changes])
        if page != self.page:
            return Shown(step, number, what, page)
        options = MODELS[step.kind]._meta
        url = (
            reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[step.pk])
            if step.pk and may(self.user, "view", step.kind)
            else ""
        )
        pieces = tuple(_new(change) if is_new else self._compared(change) for change in changes)
        return Shown(step, number, what, page, url, is_open, pieces)

    def _compared(self, change: Change) -> tuple[str, Pieces, Pieces]:
        most = min(self.left, MAX_EFFORT)
        self.left -= min(change.effort, most)
        pieces = [
            (sign, _shortened(piece, _AROUND if sign == "=" else _MOST_OF_NEW // 2))
            for sign, piece in change.pieces(most)
        ]
        before = [piece for piece in pieces if piece[0] != "+"] if change.before else []
        after = [piece for piece in pieces if piece[0] != "-"] if change.after else []
        return change.label, before, after


def _new(change: Change) -> tuple[str, Pieces, Pieces]:
    return change.label, [], [("=", _shortened(change.after, _MOST_OF_NEW // 2))]


def _listed(labels: list[str], most: int = 6) -> str:
    rest = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {rest} more" if rest > 0 else "")


def _shortened(piece: str, around: int) -> str:
    return piece if len(piece) <= 3 * around else f"{piece[:around]} […] {piece[-around:]}"
