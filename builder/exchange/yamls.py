"""YAML as we read and write it: texts, lists and mappings, with their lines, and nothing else.

Nothing is constructed from a file and no anchor is followed, so a file can neither run anything nor grow when
it is read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from builder.exchange.document import Place, Unreadable

MAX_DEPTH = 8
MAX_NODES = 100_000

_NOTHING = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text as it is written, whatever YAML would take it for: `no` is Norwegian, not false."""

    text: str
    place: Place
    is_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapping:
    place: Place
    pairs: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)


Node = Scalar | Listing | Mapping


def documents(text: str) -> list[Node]:
    """The documents of a YAML text, of which most have one. Raises Unreadable."""
    try:
        return list(_built(yaml.parse(text, Loader=yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, (error.context, error.problem)))
        raise Unreadable(
            f"This cannot be read as YAML ({what}). Look at the quotes, the brackets and the indentation "
            "here and just above.",
            mark.line + 1 if mark else 0,
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable("There is a control character, which YAML does not take.", line) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, Unreadable):
            raise
        # PyYAML lets the errors through that Python has for "\UFFFFFFFF" and the like.
        raise Unreadable("This cannot be read as YAML: it holds a character that there is not.") from error


def _built(events: Iterator[Event]) -> Iterator[Node]:
    """The documents, built without recursion from what the parser meets: depth and size are bounded."""
    open_ones: list[Listing | Mapping] = []
    waiting: list[tuple[str, Place]] = []
    count = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 0
        _refuse_foreign(event, line)
        node: Node
        if isinstance(event, (SequenceStartEvent, MappingStartEvent)):
            if len(open_ones) == MAX_DEPTH:
                raise Unreadable("This is nested deeper than any file of ours.", line)
            is_list = isinstance(event, SequenceStartEvent)
            open_ones.append(Listing(Place(line)) if is_list else Mapping(Place(line)))
            continue
        if isinstance(event, ScalarEvent):
            node = _scalar(event, line)
        elif isinstance(event, (SequenceEndEvent, MappingEndEvent)):
            node = open_ones.pop()
        else:
            continue
        count += 1
        if count > MAX_NODES:
            raise Unreadable("There is more in it than in any file of ours. Split it.", line)
        if not open_ones:
            yield node
            continue
        inside = open_ones[-1]
        if isinstance(inside, Listing):
            inside.items.append(node)
        elif len(waiting) < sum(isinstance(each, Mapping) for each in open_ones):
            waiting.append(_key(node, inside))
        else:
            key, place = waiting.pop()
            inside.pairs[key], inside.keys[key] = node, place


def _refuse_foreign(event: Event, line: int) -> None:
    if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
        raise Unreadable(
            "Anchors and aliases (& and *) are not read: write the text out, or between quotes.", line
        )
    if getattr(event, "tag", None):
        raise Unreadable("Tags (!) are not read: leave it out, or write the text between quotes.", line)


def _scalar(event: ScalarEvent, line: int) -> Scalar:
    text: str = event.value
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unreadable("The text holds a character that cannot be stored (NUL or half a character).", line)
    # The lines of a block begin below its mark.
    is_block = event.style == "|"
    place = Place(line + is_block, is_verbatim=is_block)
    return Scalar(text, place, is_nothing=event.style is None and text in _NOTHING)


def _key(node: Node, inside: Mapping) -> tuple[str, Place]:
    if not isinstance(node, Scalar):
        raise Unreadable("A key must be a word.", node.place.line)
    if node.text in inside.keys:
        first = inside.keys[node.text].line
        raise Unreadable(
            f"“{node.text[:80]}” stands twice, first in line {first}. Keep one.", node.place.line
        )
    return node.text, node.place


# --- Writing ------------------------------------------------------------------------------------------------

# Line ends that YAML reads as others than they were.
_ODD_BREAKS = re.compile("[\r\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Keys in their order, lists indented, texts of several lines as blocks, none folded."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _ODD_BREAKS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represented)


def written(data: object) -> str:
    """Plain data as YAML: the same data is the same text, to the byte."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    return text
