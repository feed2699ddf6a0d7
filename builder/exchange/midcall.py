"""Our own YAML: all of Build, in an order and a spelling that can live in git."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from builder.exchange.document import Document, Entry, Kind, Level, Unreadable, bounded
from builder.exchange.schema import KEYS, VARIABLE_KEYS, Key, Shape
from builder.exchange.yamls import Listing, Node, Scalar, written
from builder.exchange.yamls import Mapping as Pairs
from sms.models import MAX_TRANSLATIONS, MAX_VARIABLES

FORMAT = "Midcall's YAML"
# What tells it from others, and the version that it is written in.
MARK = "midcall"
VERSION = 1
SECTIONS = {"templates": Kind.TEMPLATE, "sms_actions": Kind.ACTION, "topics": Kind.TOPIC}
# Looking for what was meant takes a while, and whoever was told so often sees what keys there are.
MOST_HINTS = 2
HEAD = (
    "# What stands under Build, as Midcall exports it. It goes in again under Import, or by import_build.\n"
)

_FLAGS = {
    "true": True,
    "yes": True,
    "on": True,
    "y": True,
    "false": False,
    "no": False,
    "off": False,
    "n": False,
}


def read(root: Pairs) -> Document:
    """What a file of ours says. Raises Unreadable."""
    version = root.pairs[MARK]
    if not isinstance(version, Scalar) or version.text != str(VERSION):
        raise Unreadable(
            f"This Midcall reads version {VERSION} of the format: “{MARK}: {VERSION}”.", version.place.line
        )
    document = Document(FORMAT)
    for section, node in root.pairs.items():
        if section == MARK or (isinstance(node, Scalar) and node.is_nothing):
            continue
        line = root.keys[section].line
        if section not in SECTIONS:
            raise Unreadable(f"There is no section “{section[:60]}”{_meant(section, SECTIONS)}.", line)
        if not isinstance(node, Listing):
            raise Unreadable(f"“{section}” must be a list: each entry begins with a dash.", line)
        bounded(len(node.items))
        document.entries += [_entry(SECTIONS[section], each) for each in node.items]
    return document


def _entry(kind: Kind, node: Node) -> Entry:
    entry = Entry(kind, node.place.line)
    if not isinstance(node, Pairs):
        entry.refuse("This must be keys with values, such as: name: directions.")
        return entry
    take(entry, node, {key.name: key for key in KEYS[kind]})
    return entry


def take(entry: Entry, node: Pairs, keys: Mapping[str, Key]) -> None:
    """Read the values of an entry; what is not as it should be is noted on it."""
    # First, so that whatever is said of the entry can call it by its name.
    for written_as in sorted(node.pairs, key=lambda each: each != "name"):
        if entry.is_hopeless:
            return
        if written_as not in keys:
            _refuse_key(entry, written_as, keys, node.keys[written_as].line)
            continue
        value = _value(entry, keys[written_as], node.pairs[written_as], keys[written_as].name)
        if value is not None:
            entry.values[keys[written_as].name] = value


def _value(entry: Entry, key: Key, node: Node, at: str) -> Any:
    """The value of a node, None if it is none for the key."""
    entry.places[at] = node.place
    if key.shape is Shape.LINES:
        return _lines(entry, node, at)
    if key.shape is Shape.TEXTS:
        return _texts(entry, node, at)
    if key.shape is Shape.VARIABLES:
        return _variables(entry, node, at)
    if not isinstance(node, Scalar):
        entry.refuse(f"“{key.name}” must be a single value.", at)
        return None
    if key.shape is Shape.FLAG:
        if node.text.lower() not in _FLAGS:
            entry.refuse(f"“{key.name}” must be true or false.", at)
        return _FLAGS.get(node.text.lower())
    if key.shape is Shape.NUMBER:
        if not (node.text.isascii() and node.text.isdecimal() and len(node.text) < 9):
            entry.refuse(f"“{key.name}” must be a whole number.", at)
            return None
        return int(node.text)
    return _text(entry, node, at)


def _text(entry: Entry, node: Scalar, at: str) -> str:
    found = "" if node.is_nothing else node.text
    # Empty lines above a text are not stored.
    above = found[: len(found) - len(found.lstrip())].count("\n")
    place = node.place
    entry.places[at] = type(place)(place.line + (above if place.is_verbatim else 0), place.is_verbatim)
    return found


def _lines(entry: Entry, node: Node, at: str) -> list[str] | None:
    if isinstance(node, Scalar) and node.is_nothing:
        return []
    if not isinstance(node, Listing) or not all(isinstance(each, Scalar) for each in node.items):
        entry.refuse(f"“{at}” must be a list of texts: each begins with a dash.", at)
        return None
    found = [each for each in node.items if isinstance(each, Scalar)]
    entry.places |= {f"{at}.{number}": each.place for number, each in enumerate(found, 1)}
    return [each.text for each in found if not each.is_nothing]


def _texts(entry: Entry, node: Node, at: str) -> dict[str, str] | None:
    if isinstance(node, Scalar) and node.is_nothing:
        return {}
    if not isinstance(node, Pairs) or not all(isinstance(each, Scalar) for each in node.pairs.values()):
        entry.refuse(f"“{at}” must be languages with a text each, such as: es: Su mesa está reservada.", at)
        return None
    if len(node.pairs) > MAX_TRANSLATIONS:
        entry.refuse(f"There are {len(node.pairs)} translations, and {MAX_TRANSLATIONS} is the most.", at)
        return None
    return {
        language: _text(entry, each, f"{at}.{language}")
        for language, each in node.pairs.items()
        if isinstance(each, Scalar)
    }


def _variables(entry: Entry, node: Node, at: str) -> dict[str, dict[str, Any]] | None:
    if isinstance(node, Scalar) and node.is_nothing:
        return {}
    if not isinstance(node, Pairs):
        entry.refuse("“variables” must be names with what is said of each.", at)
        return None
    if len(node.pairs) > MAX_VARIABLES:
        entry.refuse(f"There are {len(node.pairs)} variables, and {MAX_VARIABLES} is the most.", at)
        return None
    keys = {key.name: key for key in VARIABLE_KEYS}
    found: dict[str, dict[str, Any]] = {}
    for name, said in node.pairs.items():
        inside = f"{at}.{name}"
        entry.places[inside] = node.keys[name]
        found[name] = {}
        if not isinstance(said, Pairs):
            entry.refuse(f"What is said of “{name[:60]}” must be keys with values.", inside)
            continue
        for written_as, each in said.pairs.items():
            if entry.is_hopeless:
                return None
            if written_as not in keys:
                _refuse_key(entry, written_as, keys, said.keys[written_as].line)
                continue
            value = _value(entry, keys[written_as], each, f"{inside}.{written_as}")
            if value is not None:
                found[name][written_as] = value
    return found


def _refuse_key(entry: Entry, written_as: str, keys: Collection[str], line: int) -> None:
    hint = _meant(written_as, keys) if entry.count(Level.ERROR) < MOST_HINTS else ""
    entry.refuse(f"There is no key “{written_as[:60]}” here{hint}.", line=line)


def _meant(wrong: str, known: Collection[str]) -> str:
    close = get_close_matches(wrong[:60], known, n=1)
    return f"; “{close[0]}” is one" if close else f"; there are {', '.join(known)}"


def write(things: Mapping[Kind, Collection[Mapping[str, Any]]]) -> str:
    """A file of ours with these things, each as its values."""
    sections = {
        section: [dict(each) for each in things[kind]] for section, kind in SECTIONS.items() if kind in things
    }
    return HEAD + written({MARK: VERSION, **{section: each for section, each in sections.items() if each}})
