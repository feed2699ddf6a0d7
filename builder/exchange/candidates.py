"""A row that an import would add or change: set from the file, checked by the rules of the forms, written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from builder import lint
from builder.exchange.document import Entry, Kind, Level
from builder.exchange.schema import KEYS, VARIABLE_KEYS, Key, Shape, label, usual
from builder.linting import Known
from sms.models import SmsTemplate, Translation, Variable

_TEXTS = {"body", "translations", "variables"}
_PARTS = (Shape.TEXTS, Shape.VARIABLES)
# What may leave a stored text too long, most likely first.
_FITTING = ("max_segments", "body", "variables", "language")
_TRANSLATION_KEYS = (Key("language"), Key("body", Shape.TEXT))


@dataclass(slots=True)
class Candidate:
    """The row of an entry, new or stored, and the keys in which the file differs from it."""

    entry: Entry
    row: Any
    changed: list[str]
    also: set[str] = field(default_factory=set)
    was_stored: bool = False

    def __post_init__(self) -> None:
        self.was_stored = self.row.pk is not None
        # Whether the texts and the variables in them fit together shows only in all of them.
        if not _TEXTS.isdisjoint(self.changed):
            self.changed += [key for key in _TEXTS & self.entry.values.keys() if key not in self.changed]

    def keys(self) -> list[Key]:
        return [key for key in KEYS[self.entry.kind] if key.name in self.changed]

    def attributes(self) -> list[str]:
        """What of the row itself is to be saved."""
        own = [key.of_model for key in self.keys() if key.shape not in _PARTS]
        return [*own, *self.also]

    def assign(self) -> None:
        """Set the row's values from the file. References to other rows are set by who knows them."""
        for key in self.keys():
            value = self.entry.values[key.name]
            if key.shape is Shape.TEXTS:
                self.row.drafted_translations = [
                    Translation(template=self.row, language=language, body=body)
                    for language, body in value.items()
                ]
            elif key.shape is Shape.VARIABLES:
                self.row.drafted_variables = [_variable(self.row, name, said) for name, said in value.items()]
            elif key.shape not in (Shape.REFERENCE, Shape.OWNER):
                setattr(self.row, key.of_model, value)

    def settle_references(self) -> None:
        """Take over the keys of rows that were stored meanwhile."""
        if self.entry.kind is Kind.ACTION and self.row.template:
            self.row.template_id = self.row.template.pk

    def check(self, check: Callable[[], None], model: type[Model] | None = None, at: str = "") -> None:
        """Have the row, or a part of it, checked; what is wrong is noted at its line."""
        try:
            check()
        except ValidationError as error:
            for attribute, messages in _by_attribute(error).items():
                key = _key_of(model, self.entry.kind, attribute)
                place = f"{at}.{key.name}" if at and key else at or self._place_of(key)
                words = (
                    "" if key is None or key.shape in _PARTS else f"{label(model or type(self.row), key)}: "
                )
                for message in messages:
                    self.entry.refuse(f"{words}{message}", place)

    def _place_of(self, key: Key | None) -> str:
        """Where the file says it; of what it does not say, where it says what no longer fits."""
        if key is None or key.name in self.entry.values:
            return key.name if key else ""
        return next((each for each in _FITTING if each in self.changed), "")


def _by_attribute(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}


def _key_of(model: type[Model] | None, kind: Kind, attribute: str) -> Key | None:
    keys = KEYS[kind] if model is None else VARIABLE_KEYS if model is Variable else _TRANSLATION_KEYS
    return next((key for key in keys if key.of_model == attribute), None)


def _variable(template: SmsTemplate, name: str, said: Mapping[str, Any]) -> Variable:
    values = {key.of_model: said.get(key.name, usual(key)) for key in VARIABLE_KEYS}
    return Variable(template=template, name=name, **values)


# --- What is sent -------------------------------------------------------------------------------------------


def check_template(candidate: Candidate) -> bool:
    """Whether the template may be stored as the file has it, with all its texts and variables."""
    candidate.assign()
    template, entry = candidate.row, candidate.entry
    _check_fields(candidate, exclude={"owner"})
    if not entry.is_broken:
        for each in template.drafted_translations or ():
            _check_part(candidate, each, f"translations.{each.language}")
        for each in template.drafted_variables or ():
            _check_part(candidate, each, f"variables.{each.name}")
    if not entry.is_broken:
        candidate.check(template.clean)
    described = {
        each.name for each in template.variables() if each.pk or template.drafted_variables is not None
    }
    unfilled = [name for name in entry.unfilled if name not in described]
    if unfilled and not entry.is_broken:
        listed = ", ".join(f"{{{{ {name} }}}}" for name in unfilled)
        entry.say(
            Level.WARNING,
            f"What stands for {listed} was filled in by code or from the site's data there. Here the agent "
            "fills it in, until you say otherwise under Build > SMS.",
            "body",
        )
    return not entry.is_broken


def _check_part(candidate: Candidate, part: Translation | Variable, at: str) -> None:
    candidate.check(lambda: part.clean_fields(exclude={"template"}), type(part), at)
    if not candidate.entry.is_broken:
        candidate.check(part.clean, type(part), at)


def _check_fields(candidate: Candidate, exclude: Collection[str]) -> None:
    """Check the row's own values. A new one that names no provider gets one that its owner may use."""
    row, entry = candidate.row, candidate.entry
    enabled = row.owner_profile().enabled_providers()
    if not candidate.was_stored and "provider" not in entry.values and enabled:
        row.provider = row.provider if row.provider in enabled else enabled[0]
    sender = row.sender
    candidate.check(lambda: row.clean_fields(exclude=exclude))
    if sender and not row.sender:
        entry.say(Level.NOTE, f"The sender {sender} is left out: Atlas has its own.", "sender")
        candidate.also.add("sender")


def check_action(
    candidate: Candidate, templates: Mapping[str, SmsTemplate], broken: Collection[str], user: Any
) -> None:
    """Check an SMS action as a user's file has it. `templates` are those that it may mean, by name."""
    candidate.assign()
    row, entry = candidate.row, candidate.entry
    if "template" in candidate.changed:
        name = entry.values["template"]
        row.template = templates.get(name)
        if name and row.template is None and name not in broken:
            entry.refuse(
                f"There is no SMS template called “{name}”. Correct the name, or put the template into the "
                "file.",
                "template",
            )
        if row.template and (refusal := row.template.refusal(user, row.owner)):
            entry.refuse(refusal, "template")
    _check_fields(candidate, exclude={"owner", "template"})
    if not entry.is_broken:
        candidate.check(row.clean)


def write_parts(candidates: Collection[Candidate]) -> None:
    """Store the texts and variables of templates, which are stored themselves, in a few statements."""
    old = {each.row.pk for each in candidates if each.was_stored}
    templates: list[SmsTemplate] = [each.row for each in candidates]
    texts = [
        (each.translations.all() if each.pk in old else (), each.drafted_translations) for each in templates
    ]
    _write(Translation, texts, "language", ["body"])
    variables = [
        (each.typed_variables.all() if each.pk in old else (), each.drafted_variables) for each in templates
    ]
    _write(Variable, variables, "name", [key.of_model for key in VARIABLE_KEYS])


def _write(
    model: type[Any],
    of_each: Iterable[tuple[Iterable[Any], Collection[Any] | None]],
    by: str,
    attributes: list[str],
) -> None:
    """Have what is stored of each template become what is drafted, where anything is."""
    drafts: list[Any] = []
    gone: list[int] = []
    for stored, drafted in of_each:
        if drafted is None:
            continue
        left = {getattr(each, by): each.pk for each in stored}
        for each in drafted:
            left.pop(getattr(each, by), None)
            # Its template may have a key only now.
            each.template = each.template
            drafts.append(each)
        gone += left.values()
    model.objects.filter(pk__in=gone).delete()
    model.objects.bulk_create(
        drafts, update_conflicts=True, unique_fields=["template", by], update_fields=attributes
    )


# --- Topics -------------------------------------------------------------------------------------------------


def check_topic(candidate: Candidate, reaches: Collection[lint.Reach], known: Known) -> None:
    """Check a topic as the file has it, by the linter and the form's rules; its values are set already."""
    topic, entry = candidate.row, candidate.entry
    candidate.check(lambda: topic.clean_fields(exclude={"owner", "accepted_warnings"}))
    findings = topic.findings(reaches, known)
    for each in findings:
        if each.is_error or each.fingerprint not in topic.accepted_warnings:
            level = Level.ERROR if each.is_error else Level.WARNING
            text = getattr(topic, each.field)
            entry.say(level, each.message, each.field, entry.place(each.field).line_of(text, each.start))
    topic.accepted_warnings = sorted({each.fingerprint for each in findings if not each.is_error})
    candidate.also.add("accepted_warnings")
