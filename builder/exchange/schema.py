"""What is exchanged of each kind of thing: the keys in their order, and the values as they are compared.

A value is the same for a stored row and for a file, whatever its format: texts as the forms store them,
translations as a mapping from language to text, variables as a mapping from name to what differs from the
usual rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from django.db.models import Field, Model

from builder import prompt
from builder.exchange.document import Entry, Kind
from builder.models import SmsAction, Topic
from sms import languages, text
from sms.models import SmsTemplate, Variable
from sms.pages import may_see
from sms.validators import tidied_sender


class Shape(Enum):
    """What a value looks like."""

    LINE = auto()
    TEXT = auto()
    ACTIONS = auto()
    FLAG = auto()
    NUMBER = auto()
    LINES = auto()
    TEXTS = auto()
    VARIABLES = auto()
    REFERENCE = auto()
    OWNER = auto()


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a file, and the attribute of the model that it is for, where that is called otherwise."""

    name: str
    shape: Shape = Shape.LINE
    attribute: str = ""

    @property
    def of_model(self) -> str:
        return self.attribute or self.name


_SENDING = (
    Key("provider"),
    Key("sender"),
    Key("transactional", Shape.FLAG),
    Key("transactional_because"),
    Key("send_within_seconds", Shape.NUMBER),
    Key("on_doubt"),
    Key("wait_seconds", Shape.NUMBER),
)
_ACTIVE = Key("active", Shape.FLAG, "is_active")
KEYS: Mapping[Kind, tuple[Key, ...]] = {
    Kind.TEMPLATE: (
        Key("name"),
        _ACTIVE,
        Key("description", Shape.TEXT),
        Key("language"),
        Key("body", Shape.TEXT),
        Key("translations", Shape.TEXTS),
        Key("variables", Shape.VARIABLES),
        Key("max_segments", Shape.NUMBER),
        *_SENDING,
    ),
    Kind.ACTION: (
        Key("name"),
        # Only where several people have an action of the name.
        Key("owner", Shape.OWNER),
        _ACTIVE,
        Key("description", Shape.TEXT),
        Key("template", Shape.REFERENCE),
        Key("max_segments", Shape.NUMBER),
        Key("allowed_hosts", Shape.LINES),
        Key("allowed_numbers", Shape.LINES),
        Key("forbidden_words", Shape.LINES),
        Key("recipient"),
        *_SENDING,
    ),
    Kind.TOPIC: (
        Key("name"),
        _ACTIVE,
        Key("questions", Shape.LINES),
        Key("content", Shape.TEXT),
        Key("actions", Shape.ACTIONS),
    ),
}
VARIABLE_KEYS = (
    Key("source"),
    Key("fixed_text", Shape.TEXT),
    Key("description", Shape.TEXT),
    Key("max_characters", Shape.NUMBER),
    Key("pattern", Shape.TEXT),
    Key("required", Shape.FLAG, "is_required"),
    Key("default", Shape.TEXT),
    Key("allows_links", Shape.FLAG),
)
MODELS: Mapping[Kind, type[SmsTemplate] | type[SmsAction] | type[Topic]] = {
    Kind.TEMPLATE: SmsTemplate,
    Kind.ACTION: SmsAction,
    Kind.TOPIC: Topic,
}
Variables = Mapping[str, Mapping[str, Any]]


def usual(key: Key, model: type[Model] = Variable) -> Any:
    """The value of a key that nobody has said anything about."""
    value = _field(model, key).get_default()
    return str(value) if isinstance(value, str) else value


def usual_values(kind: Kind) -> dict[str, Any]:
    """The values of a new thing of a kind before anything is said of it."""
    empty = {Shape.TEXTS: {}, Shape.VARIABLES: {}, Shape.LINES: [], Shape.REFERENCE: "", Shape.OWNER: ""}
    return {
        key.name: empty[key.shape] if key.shape in empty else usual(key, MODELS[kind]) for key in KEYS[kind]
    }


def _field(model: type[Model], key: Key) -> Field[Any, Any]:
    found = model._meta.get_field(key.of_model)
    assert isinstance(found, Field)
    return found


# --- Of a row -----------------------------------------------------------------------------------------------


def of_row(kind: Kind, row: Any) -> dict[str, Any]:
    """What is exchanged of a stored row, without its owner."""
    return {key.name: _of(key, row) for key in KEYS[kind] if key.shape != Shape.OWNER}


def _of(key: Key, row: Any) -> Any:
    if key.shape is Shape.TEXTS:
        return {each.language: _plain(each.body) for each in sorted(row.translations.all(), key=str)}
    if key.shape is Shape.VARIABLES:
        return variables_of(row.variables())
    value = getattr(row, key.of_model)
    if key.shape is Shape.REFERENCE:
        return value.name if value else ""
    if key.shape is Shape.LINES:
        return lines(value)
    if key.shape is Shape.ACTIONS:
        return prompt.canonical(_plain(value))
    return _plain(str(value)) if isinstance(value, str) else value


def variables_of(variables: list[Variable]) -> dict[str, dict[str, Any]]:
    """What is said of each variable, beyond the usual rules; those that nothing is said of are left out."""
    said = {each.name: {key.name: _of(key, each) for key in VARIABLE_KEYS} for each in variables}
    return unusual(said)


def unusual(variables: Variables) -> dict[str, dict[str, Any]]:
    """Variables by name, with what differs from the usual rules; none where nothing does."""
    differing = {
        name: {
            key.name: said[key.name]
            for key in VARIABLE_KEYS
            if key.name in said and said[key.name] != usual(key)
        }
        for name, said in variables.items()
    }
    return {name: said for name, said in differing.items() if said}


# --- Of a file ----------------------------------------------------------------------------------------------


def _plain(value: str) -> str:
    """A text as the forms store it."""
    return text.one_line_break(value).strip()


def lines(values: list[str]) -> list[str]:
    """Short texts, one line each, as the form of a topic stores them."""
    joined = (" ".join(part.strip() for part in each.splitlines() if part.strip()) for each in values)
    return [each for each in joined if each]


def settle(entry: Entry) -> None:
    """Bring what a file says into the form in which it is compared, and note on the entry what cannot be."""
    model = MODELS[entry.kind]
    for key in KEYS[entry.kind]:
        if key.name in entry.values:
            entry.values[key.name] = _SETTLED[key.shape](entry, key, entry.values[key.name], model)
    if not entry.name and not entry.is_broken:
        entry.refuse(f"This {entry.kind} has no name.", "name")


def _line(entry: Entry, key: Key, value: str, model: type[Model], at: str = "") -> str:
    value = _plain(value)
    if "\n" in value:
        entry.refuse(f"{label(model, key)} must be one line.", at or key.name)
    return _text(entry, key, value, model, at)


def _text(entry: Entry, key: Key, value: str, model: type[Model], at: str = "") -> str:
    value = _plain(value)
    if key.shape is Shape.OWNER:
        return value
    field = _field(model, key)
    if field.max_length and len(value) > field.max_length:
        entry.refuse(
            f"{label(model, key)} has {len(value):,} characters, and {field.max_length:,} is the most.",
            at or key.name,
        )
    elif field.choices and value not in dict(field.flatchoices):
        known = ", ".join(str(choice) for choice, _ in field.flatchoices)
        entry.refuse(f"{label(model, key)} is “{value}”, and can be one of: {known}.", at or key.name)
    elif key.name == "language" and value:
        return _language(entry, value, key.name)
    elif key.name == "sender":
        return tidied_sender(value)
    return value


def _actions(entry: Entry, key: Key, value: str, model: type[Model]) -> str:
    return prompt.canonical(_text(entry, key, value, model))


def _language(entry: Entry, value: str, at: str) -> str:
    try:
        return languages.meant(value)
    except languages.NotALanguage as error:
        entry.refuse(f"“{value[:40]}”: {error}", at)
        return value


def _lines(entry: Entry, key: Key, value: list[str], model: type[Model]) -> list[str]:
    field: Any = _field(model, key)
    found = _TIDIED.get(key.name, list)(lines(value))
    longest = field.base_field.max_length
    if len(found) > field.size:
        entry.refuse(f"There are {len(found)} {field.verbose_name}, and {field.size} is the most.", key.name)
    for number, each in enumerate(found, 1):
        if len(each) > longest:
            entry.refuse(
                f"{_ONE_OF[key.name]} {number} has {len(each)} characters, and {longest} is the most.",
                f"{key.name}.{number}",
            )
    return found


_TIDIED: Mapping[str, Callable[[list[str]], list[str]]] = {
    "allowed_hosts": SmsAction.tidied_hosts,
    "allowed_numbers": SmsAction.tidied_numbers,
    "forbidden_words": SmsAction.tidied_words,
}
_ONE_OF = {
    "questions": "Question",
    "allowed_hosts": "Allowed link",
    "allowed_numbers": "Allowed phone number",
    "forbidden_words": "Forbidden word",
}


def _texts(entry: Entry, key: Key, value: dict[str, str], model: type[Model]) -> dict[str, str]:
    found: dict[str, str] = {}
    for written, body in value.items():
        at = f"{key.name}.{written}"
        language = _language(entry, written, at)
        if language in found:
            entry.refuse(f"There are two texts in {language}.", at)
        found[language] = _plain(body)
        entry.places[f"{key.name}.{language}"] = entry.place(at)
    return dict(sorted(found.items()))


def _variables(entry: Entry, key: Key, value: dict[str, dict[str, Any]], model: type[Model]) -> Any:
    found = {
        name: {
            each.name: _SETTLED[each.shape](
                entry, each, said[each.name], Variable, f"{key.name}.{name}.{each.name}"
            )
            for each in VARIABLE_KEYS
            if each.name in said
        }
        for name, said in value.items()
    }
    return unusual(found)


def _as_it_is(entry: Entry, key: Key, value: Any, model: type[Model], at: str = "") -> Any:
    return value


_SETTLED: Mapping[Shape, Callable[..., Any]] = {
    Shape.LINE: _line,
    Shape.TEXT: _text,
    Shape.ACTIONS: _actions,
    Shape.FLAG: _as_it_is,
    Shape.NUMBER: _as_it_is,
    Shape.LINES: _lines,
    Shape.TEXTS: _texts,
    Shape.VARIABLES: _variables,
    Shape.REFERENCE: _as_it_is,
    Shape.OWNER: _line,
}


# --- In words -----------------------------------------------------------------------------------------------


def label(model: type[Model], key: Key) -> str:
    """What people call a value: the words of its form."""
    if key.shape is Shape.OWNER:
        return "Owner"
    words = str(_field(model, key).verbose_name)
    return words[:1].upper() + words[1:]


def parts(kind: Kind, key: Key, value: Any) -> Iterator[tuple[str, str]]:
    """A value as people read it: pieces, each with its label. What is empty has none."""
    model = MODELS[kind]
    if key.shape is Shape.TEXTS:
        yield from ((f"Text in {language}", body) for language, body in value.items())
    elif key.shape is Shape.VARIABLES:
        for name, said in value.items():
            for each in VARIABLE_KEYS:
                if each.name in said:
                    words = label(Variable, each)
                    yield f"{{{{ {name} }}}}: {words[:1].lower()}{words[1:]}", in_words(said[each.name])
    elif value not in ("", [], None):
        yield label(model, key), in_words(value)


def said_by_both(*sides: Variables) -> list[dict[str, dict[str, Any]]]:
    """Variables before and after, each with all that either says: what one leaves out is as usual."""
    keys = {key.name: key for key in VARIABLE_KEYS}
    said = {name: {key for side in sides for key in side.get(name, {})} for side in sides for name in side}
    return [
        {
            name: {key: side.get(name, {}).get(key, usual(keys[key])) for key in of}
            for name, of in said.items()
        }
        for side in sides
    ]


def in_words(value: Any) -> str:
    """A single value as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "\n".join(value) if isinstance(value, list) else str(value)


def may(user: Any, verb: str, kind: Kind) -> bool:
    """Whether a user may view, add or change things of a kind."""
    model = MODELS[kind]
    if verb == "view":
        return may_see(user, model)
    return bool(user.has_perm(f"{model._meta.app_label}.{verb}_{model._meta.model_name}"))
