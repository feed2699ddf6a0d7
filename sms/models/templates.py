"""SMS templates: texts with placeholders, in several languages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Upper

from sms import languages, text
from sms.models.sendables import TOOL_NAME_CHARACTERS, Sendable
from sms.models.variables import Variable
from sms.roles import WAIVE_CONSENT
from sms.tracked import tracked
from sms.validators import validate_body

# A request has a thousand fields at most (Django's bound); these leave room for all of them.
MAX_VARIABLES = 50
MAX_TRANSLATIONS = 30


@tracked()
class SmsTemplate(Sendable):
    """A text with placeholders, written by people; its name is the name of the tool that sends it."""

    body = models.TextField(
        max_length=text.MAX_BODY_CHARACTERS,
        validators=[validate_body],
        help_text="What the caller receives. {{ name }} is filled in when it is sent.",
    )
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS,
        default=languages.DEFAULT,
        help_text="The language of this text, such as en, es or pt-BR. In a call in a language without a "
        "text of its own, this one is sent.",
    )
    max_segments = models.PositiveSmallIntegerField(
        "segments at most",
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(text.MAX_SEGMENTS)],
        help_text="Each segment is paid for. A text that would take more is not sent: the agent is told to "
        "make it shorter.",
    )

    # What a form is about to store; where it is given, it counts in place of what is stored.
    drafted_translations: Sequence[Translation] | None = None
    drafted_variables: Sequence[Variable] | None = None

    class Meta:
        verbose_name = "SMS template"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            # {{name}} means one template, whoever reads it; "A" and "a" would be one to a person.
            models.UniqueConstraint(
                Upper("name"),
                name="template_name_unique",
                violation_error_message="A template of this name exists already (capitals do not count).",
            )
        ]

    def clean(self) -> None:
        super().clean()
        self.language = _language(self.language)
        self.body = text.one_line_break(self.body)
        if any(each.language == self.language for each in self._translations()):
            raise ValidationError({"language": "There is a translation into this language already."})
        self._refuse_too_much()

    def bodies(self) -> dict[str, str]:
        """Its texts by language: its own first, then the translations."""
        return {self.language: self.body, **{each.language: each.body for each in self._translations()}}

    @property
    def placeholders(self) -> list[str]:
        """The names found in the body and in all translations, in the order of their first use."""
        return text.placeholders("\n".join([self.body, *[each.body for each in self._translations()]]))

    def variables(self) -> list[Variable]:
        """What fills each placeholder; where nobody said, the agent, by the usual rules (unsaved)."""
        by_name = {each.name: each for each in self._described()}
        return [by_name.get(name) or Variable(template=self, name=name) for name in self.placeholders]

    def duplicate(self, owner: Any) -> SmsTemplate:
        """Store a copy under a free name, with all texts and variables; the copy.

        It belongs to `owner`, is shared with nobody, and is switched off until somebody has made of it what
        it is to be. Another owner's account does not have this one's sender, so the copy gets the default.
        """
        is_theirs = owner.pk == self.owner_id
        while True:
            copy = SmsTemplate(
                **{field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
            )
            copy.pk, copy.owner, copy.is_active, copy.is_shared = None, owner, False, False
            if not owner.has_perm(WAIVE_CONSENT):
                # Somebody decided that this text needs no consent; of what becomes of the copy nobody has.
                copy.transactional, copy.transactional_because = False, ""
            copy.name = self._free_name()
            copy.sender = self.sender if is_theirs else ""
            try:
                with transaction.atomic():
                    copy.save(force_insert=True)
                    parts: list[Variable | Translation]
                    parts = [*self.typed_variables.all(), *self.translations.all()]
                    for part in parts:
                        part.pk, part.template = None, copy
                        part._state.adding = True
                        part.save(force_insert=True)
            except IntegrityError:
                # Somebody took the name in this instant: there are others.
                if not SmsTemplate.objects.filter(name__iexact=copy.name).exists():
                    raise
                continue
            return copy

    def _free_name(self) -> str:
        taken = {name.lower() for name in SmsTemplate.objects.values_list("name", flat=True)}
        endings = chain(["_copy"], (f"_copy{number}" for number in count(2)))
        names = (self.name[: TOOL_NAME_CHARACTERS - len(ending)] + ending for ending in endings)
        return next(name for name in names if name.lower() not in taken)

    def largest(self) -> dict[str, text.Largest]:
        """How large each language's text can become, by the rules of its variables."""
        variables = self.variables()
        usually = {each.name: each.longest("a") for each in variables}
        ever = {each.name: each.longest() for each in variables}
        return {language: text.largest(body, usually, ever) for language, body in self.bodies().items()}

    def _described(self) -> Iterable[Variable]:
        if self.drafted_variables is not None:
            return self.drafted_variables
        return self.typed_variables.all() if self.pk else []

    def _translations(self) -> Iterable[Translation]:
        if self.drafted_translations is not None:
            return self.drafted_translations
        return self.translations.all() if self.pk else []

    def _refuse_too_much(self) -> None:
        """Raise ValidationError for too many parts, and for each text that is too long.

        The translations count, stored or drafted: a shorter limit or a longer fixed text makes them too long,
        too, and then no call in their language gets a text.
        """
        translations = list(self._translations())
        names = len(self.placeholders)
        errors: dict[str, list[str]] = {
            "body": [self.too_long(self.body)],
            "variables": [
                f"A template has {MAX_VARIABLES} variables at most; this has {names}."
                if names > MAX_VARIABLES
                else ""
            ],
            "translations": [
                f"A template has {MAX_TRANSLATIONS} translations at most; this has {len(translations)}."
                if len(translations) > MAX_TRANSLATIONS
                else "",
                *[
                    self.too_long(each.body, f"The text in {languages.name(each.language)}")
                    for each in translations[:MAX_TRANSLATIONS]
                ],
            ],
        }
        found = {key: [message for message in said if message] for key, said in errors.items()}
        if any(found.values()):
            raise ValidationError({key: said for key, said in found.items() if said})

    def too_long(self, body: str, called: str = "This text") -> str:
        """What is wrong with a text that takes too many segments even with nothing filled in; "" if nothing.

        One of more characters than any text may have is refused for that.
        """
        if not self.max_segments or len(body) > text.MAX_BODY_CHARACTERS:
            return ""
        fixed = {each.name: each.fixed_text for each in self.variables() if each.is_fixed}
        least = text.size(text.fill(body, {**dict.fromkeys(text.placeholders(body), ""), **fixed}))
        if least.segments <= self.max_segments:
            return ""
        return (
            f"{called} takes {least.segments} segments ({least.encoding}) even with nothing filled in, and "
            f"{self.max_segments} is the most. Make it shorter, or allow more."
        )


@tracked(part_of="template")
class Translation(models.Model):
    """A template's text in another language, with the same variables."""

    template = models.ForeignKey(SmsTemplate, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS, help_text="Such as en, es or pt-BR: that of the call."
    )
    body = models.TextField(
        max_length=text.MAX_BODY_CHARACTERS,
        validators=[validate_body],
        help_text="What the caller receives in a call of this language.",
    )

    class Meta:
        ordering: ClassVar = ["language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "language"],
                name="translation_once",
                violation_error_message="There is a translation into this language already.",
            )
        ]

    def __str__(self) -> str:
        return self.language

    def clean(self) -> None:
        self.language = _language(self.language)
        self.body = text.one_line_break(self.body)
        if self.language == self.template.language:
            raise ValidationError({"language": "The template's own text is in this language already."})
        if too_long := self.template.too_long(self.body):
            raise ValidationError({"body": too_long})


def _language(tag: str) -> str:
    try:
        return languages.meant(tag)
    except languages.NotALanguage as error:
        raise ValidationError({"language": str(error)}) from error
