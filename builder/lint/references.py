"""Rules on references: to no template, in a spelling that is none, or where they do nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from builder import prompt
from builder.lint import near
from builder.lint.facts import Mend, Spot
from builder.lint.reading import Reading


def unknown_template(reading: Reading) -> Iterator[Spot]:
    """A reference to no template."""
    for each in reading.references:
        if reading.template(each) is None:
            yield Spot(
                each.start,
                each.end,
                f"There is no SMS template called “{each.name}”. Correct the name, or add the template under "
                "Build > SMS.",
                near.mend(reading, each),
            )


def refused_template(reading: Reading) -> Iterator[Spot]:
    """A reference, which was not there before, to what belongs to somebody else and is not shared."""
    for each in reading.references:
        if reason := reading.text.refused.get(each.name):
            yield Spot(each.start, each.end, reason, template=each.name)


def broken_reference(reading: Reading) -> Iterator[Spot]:
    """What is meant as a reference beyond doubt, and is none."""
    for each in near.found(reading):
        if each.kind or each.is_bare:
            continue
        written = reading.text.actions[each.start : each.end].strip()
        how = f"{{{{{near.meant(reading, each.name) or 'its_name'}}}}}"
        yield Spot(
            each.start,
            each.end,
            f"“{written}” refers to nothing as it is written. Write a template's name between double braces: "
            f"{how}.",
            near.mend(reading, each),
        )


def bare_name(reading: Reading) -> Iterator[Spot]:
    """A template's name without braces, which makes it no tool."""
    named = set(prompt.references(reading.text.actions))
    for each in near.found(reading):
        name = reading.spelt(each.name)
        if each.is_bare and name not in named:
            yield Spot(
                each.start,
                each.end,
                f"“{name}” is a template's name, but without double braces the agent does not get it as a "
                "tool.",
                near.mend(reading, each),
            )


def foreign_reference(reading: Reading) -> Iterator[Spot]:
    """A reference of another builder to something that is no text."""
    for each in near.found(reading):
        if each.kind:
            written = reading.text.actions[each.start : each.end]
            yield Spot(
                each.start,
                each.end,
                f"“{written}” is no reference to a template, so the agent reads it as it stands.",
            )


def inactive_template(reading: Reading) -> Iterator[Spot]:
    """A reference to a template that is switched off."""
    for each in reading.references:
        template = reading.template(each)
        if template and not template.is_active:
            yield Spot(
                each.start,
                each.end,
                f"The template “{each.name}” is switched off, so the agent cannot send it. Switch it on, or "
                "take it out here.",
                template=template.name,
            )


def reference_in_content(reading: Reading) -> Iterator[Spot]:
    """A reference where it does nothing."""
    for each in prompt.located(reading.text.content):
        written = reading.text.content[each.start : each.end]
        end = each.end
        # A space on either side would be two.
        if reading.text.content[: each.start][-1:].isspace() and reading.text.content[end : end + 1] == " ":
            end += 1
        yield Spot(
            each.start,
            each.end,
            f"“{written}” does nothing in Content: the agent reads it as it stands. Refer to templates in "
            "Actions.",
            Mend("Take it out", each.start, end, ""),
            field="content",
        )
