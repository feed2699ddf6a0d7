"""Gathering what goes into a file: what whoever asks may view, in an order that no database decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from builder.exchange import adk, midcall, sheet
from builder.exchange.document import Kind
from builder.exchange.schema import KEYS, MODELS, may, of_row

Things = Mapping[Kind, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be written, of which kinds of things, and how people choose it."""

    name: str
    title: str
    purpose: str
    kinds: tuple[Kind, ...]
    file_name: str
    content_type: str
    write: Callable[[Things], str]


FORMATS = {
    each.name: each
    for each in (
        Format(
            "midcall",
            "Everything under Build, as YAML",
            "Templates with their variables and translations, topics and SMS actions: to keep in git, or to "
            "move to another installation.",
            (Kind.TEMPLATE, Kind.ACTION, Kind.TOPIC),
            "build.yaml",
            "application/yaml",
            midcall.write,
        ),
        Format(
            "csv",
            "Topics as CSV",
            "For a spreadsheet, with the columns of PolyAI's Agent Studio. What a spreadsheet would take for "
            "a formula has an apostrophe in front, which goes again when it is imported here.",
            (Kind.TOPIC,),
            "topics.csv",
            "text/csv",
            lambda things: sheet.write(things[Kind.TOPIC]),
        ),
        Format(
            "adk",
            "SMS templates for PolyAI's developer kit",
            "config/sms_templates.yaml: names, texts and senders of the templates that are switched on. The "
            "kit knows no more of them.",
            (Kind.TEMPLATE,),
            "sms_templates.yaml",
            "application/yaml",
            lambda things: adk.write_templates(things[Kind.TEMPLATE]),
        ),
    )
}


def export(format: Format, user: Any = None) -> str:
    """A file of all that a user may view; of all there is, if nobody is named."""
    kinds = [kind for kind in format.kinds if user is None or may(user, "view", kind)]
    return format.write({kind: _values(kind) for kind in kinds})


def _values(kind: Kind) -> list[dict[str, Any]]:
    rows: Any = MODELS[kind]._default_manager.all()
    if kind is Kind.TEMPLATE:
        rows = rows.prefetch_related("typed_variables", "translations")
    elif kind is Kind.ACTION:
        rows = rows.select_related("template", "owner")
    found = [(of_row(kind, row), row) for row in rows]
    if kind is Kind.ACTION:
        found = _with_owners(found)
    ordered = sorted(
        found, key=lambda each: (each[0]["name"].lower(), each[0]["name"], each[0].get("owner", ""))
    )
    return [values for values, _ in ordered]


def _with_owners(found: Collection[tuple[dict[str, Any], Any]]) -> list[tuple[dict[str, Any], Any]]:
    """Actions of one name are told apart by their owners; the others are whoever's that imports them."""
    counts = Counter(values["name"].upper() for values, _ in found)
    return [
        (
            {
                key.name: row.owner.get_username() if key.name == "owner" else values[key.name]
                for key in KEYS[Kind.ACTION]
                if key.name != "owner" or counts[values["name"].upper()] > 1
            },
            row,
        )
        for values, row in found
    ]
