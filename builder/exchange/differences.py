"""What the page of differences shows of a plan: every entry by its name, and a hundred at a time in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from builder.exchange.plan import Plan, Status, Step
from builder.exchange.schema import MODELS, may
from sms.changes import Comparing, Pieces

# So many entries are shown in full on one page; the others with what changes in them.
MOST_SHOWN = 100
# So many changed entries are shown unfolded.
_MOST_OPEN = 20


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
    comparing: Comparing = field(default_factory=Comparing)

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
        pieces = tuple(change.new() if is_new else self.comparing.compared(change) for change in changes)
        return Shown(step, number, what, page, url, is_open, pieces)


def _listed(labels: list[str], most: int = 6) -> str:
    rest = len(labels) - most
    return ", ".join(labels[:most]) + (f" and {rest} more" if rest > 0 else "")
