"""The YAML of PolyAI's developer kit (ADK): config/sms_templates.yaml, and topics/<name>.yaml.

Keys and tokens as in github.com/polyai/adk: docs/docs/reference/resources/{sms,topics}.md and
src/poly/resources/{sms,topic,resource_utils}.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from builder.exchange import tokens
from builder.exchange.document import Document, Entry, Kind, Level, Unreadable, bounded
from builder.exchange.midcall import take
from builder.exchange.schema import Key, Shape
from builder.exchange.yamls import Listing, Node, Scalar, written
from builder.exchange.yamls import Mapping as Pairs
from sms.text import MAX_BODY_CHARACTERS

TEMPLATES = "PolyAI's SMS templates"
TOPICS = "PolyAI's topics"
# What tells the two from other YAML.
MARK = "sms_templates"
TOPIC_KEYS = {
    "name": Key("name"),
    "enabled": Key("active", Shape.FLAG),
    "actions": Key("actions", Shape.ACTIONS),
    "content": Key("content", Shape.TEXT),
    "example_queries": Key("questions", Shape.LINES),
}
_TEMPLATE_KEYS = {"name": Key("name"), "text": Key("body", Shape.TEXT)}
# A text of more is too long whatever its tokens become, and is refused for that.
_MOST_CHARACTERS = 10 * MAX_BODY_CHARACTERS
_NUMBERS = "env_phone_numbers"
_LIVE = "live"
_OTHER_NUMBERS = ("sandbox", "pre_release")


def read_templates(root: Pairs) -> Document:
    """What config/sms_templates.yaml says. Raises Unreadable."""
    document = Document(TEMPLATES)
    node = root.pairs[MARK]
    if isinstance(node, Scalar) and node.is_nothing:
        return document
    if not isinstance(node, Listing):
        raise Unreadable(f"“{MARK}” must be a list: each entry begins with a dash.", node.place.line)
    bounded(len(node.items))
    document.entries = [_template(each) for each in node.items]
    return document


def read_topics(roots: list[Node]) -> Document:
    """What topic files say, one document each; several are joined with lines of three dashes."""
    bounded(len(roots))
    return Document(TOPICS, [_topic(each) for each in roots])


def _topic(node: Node) -> Entry:
    entry = Entry(Kind.TOPIC, node.place.line)
    if not isinstance(node, Pairs):
        entry.refuse("This must be keys with values, such as: name: Opening hours.")
        return entry
    _take(entry, node, TOPIC_KEYS)
    if "name" not in node.pairs:
        entry.refuse(
            "This topic has no name. Older files had it in the file's name only: write it in, as name: …"
        )
    return entry


def _take(entry: Entry, node: Pairs, keys: Mapping[str, Key], elsewhere: Collection[str] = ()) -> None:
    """Read what we have a place for, and say what we have none for."""
    known = Pairs(node.place, {name: each for name, each in node.pairs.items() if name in keys}, node.keys)
    take(entry, known, keys)
    for name, place in node.keys.items():
        if name not in keys and name not in elsewhere:
            entry.say(Level.NOTE, f"“{name[:60]}” is not read: Midcall has nothing like it.", line=place.line)


def _template(node: Node) -> Entry:
    entry = Entry(Kind.TEMPLATE, node.place.line)
    if not isinstance(node, Pairs):
        entry.refuse("This must be keys with values, such as: name: booking_confirmation.")
        return entry
    _take(entry, node, _TEMPLATE_KEYS, elsewhere=[_NUMBERS])
    if "body" in entry.values:
        _carry_over(entry)
    if _NUMBERS in node.pairs:
        _take_numbers(entry, node.pairs[_NUMBERS])
    words = entry.name.replace("_", " ").replace("-", " ").strip()
    entry.instead["description"] = (
        f"Use this to text the caller the {words}, once they agree to it.",
        "PolyAI's templates do not say when to send them. The agent will read: “Use this to text the caller "
        f"the {words}, once they agree to it.” Write it better under Build > SMS.",
    )
    return entry


def _carry_over(entry: Entry) -> None:
    body = entry.values["body"]
    if len(body) > _MOST_CHARACTERS:
        return
    carried = tokens.carried(body)
    for position, message in carried.refused:
        entry.refuse(message, line=entry.place("body").line_of(body.lstrip(), position))
    entry.values["body"], entry.unfilled = carried.text, carried.placeholders


def _take_numbers(entry: Entry, node: Node) -> None:
    if isinstance(node, Scalar) and node.is_nothing:
        return
    if not isinstance(node, Pairs) or not all(isinstance(each, Scalar) for each in node.pairs.values()):
        entry.refuse(f"“{_NUMBERS}” must be environments with a number each.", line=node.place.line)
        return
    numbers = {name: each for name, each in node.pairs.items() if isinstance(each, Scalar)}
    if _LIVE in numbers:
        entry.values["sender"] = "" if numbers[_LIVE].is_nothing else numbers[_LIVE].text
        entry.places["sender"] = numbers[_LIVE].place
    live = entry.values.get("sender", "")
    for name in _OTHER_NUMBERS:
        if name in numbers and numbers[name].text not in ("", live) and not numbers[name].is_nothing:
            entry.say(
                Level.NOTE,
                f"The number for {name.replace('_', '-')} is not read: a template here has one sender, the "
                "live one.",
                line=numbers[name].place.line,
            )


def write_templates(templates: Collection[Mapping[str, Any]]) -> str:
    """config/sms_templates.yaml. There is nothing in it that could say that a template is switched off, so
    such are left out, as the kit itself does."""
    listed = [
        {
            "name": each["name"],
            "text": tokens.foreign(each["body"]),
            _NUMBERS: {**dict.fromkeys(_OTHER_NUMBERS, ""), _LIVE: each["sender"]},
        }
        for each in templates
        if each["active"]
    ]
    return written({MARK: listed})
