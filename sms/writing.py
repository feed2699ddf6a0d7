"""Writing a template: its form, with a card for each variable, texts in more languages, and previews.

The cards follow the placeholders. A placeholder whose card was never shown is filled by the agent, by the
usual rules; what was typed into the card of one that stands in no text any more is kept until it is saved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from sms import languages, preview, text
from sms.cards import (
    UNNAMED,
    Section,
    TextInput,
    Translations,
    VariableForm,
    card_is_posted,
    language_field,
    tag_of,
)
from sms.forms import SendableForm
from sms.models import MAX_TRANSLATIONS, MAX_VARIABLES, SmsTemplate, Variable

# A pattern that was made to take long takes some 20 ms, and somebody waits for the page: beyond so many,
# examples need not suit them.
MOST_TRIED = 20


class SmsTemplateForm(SendableForm):
    """A template with its variables and translations, which are stored together or not at all."""

    TRANSLATIONS = "translations"

    language = language_field(label="Language", initial=languages.DEFAULT)
    variables = forms.Field(label="Variables", required=False, widget=Section("sms/variables.html"))
    translations = forms.Field(
        label="In other languages", required=False, widget=Section("sms/translations.html")
    )

    class Meta:
        model = SmsTemplate
        exclude: ClassVar[list[str]] = []  # noqa: DJ006 (the page's fieldsets name the fields)
        widgets: ClassVar = {"body": TextInput}

    class Media:
        css: ClassVar = {"all": ("sms/writing.css",)}
        js = (forms.Script("sms/writing.js", type="module"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "body" in self.fields:
            self._lay_out()

    def _lay_out(self) -> None:
        for name, words in _HELP.items():
            if name in self.fields:
                self.fields[name].help_text = words
        # A request without them means the usual; a browser would cut off what is pasted beyond its length.
        for name in ("language", "max_segments"):
            if name in self.fields:
                self.fields[name].required = False
        body = self.fields["body"]
        body.widget.hint, body.help_text = body.help_text, ""
        body.widget.attrs.pop("maxlength", None)
        self.texts = self._texts()
        names = enumerate(self.names[:MAX_VARIABLES])
        self.cards = {name: self._card(name, tries_pattern=place < MOST_TRIED) for place, name in names}
        shown = self.previews
        for written, form in zip(self._written(), [self, *self.texts.shown], strict=True):
            form.fields["body"].widget.preview = shown["texts"][written.field]
        self._fill_sections(shown)

    def _fill_sections(self, shown: Mapping[str, Any]) -> None:
        variables, translations = self.fields["variables"].widget, self.fields["translations"].widget
        kept = self._kept()
        variables.context = {
            "template": self.instance.pk,
            "cards": list(self.cards.values()),
            "kept": kept,
            "blank": VariableForm(UNNAMED, instance=Variable(name=UNNAMED)),
            "placeholder": text.PLACEHOLDER,
            "most": MAX_VARIABLES,
        }
        translations.context = {
            "texts": self.texts,
            "extra": [form for form in self.texts.forms if form not in self.texts.shown],
            "most": MAX_TRANSLATIONS,
            "rules": shown["languages"],
            "languages": sorted(languages.NAMES.items(), key=lambda item: item[1]),
        }

    def _texts(self) -> Any:
        template, prefix = self.instance, self.TRANSLATIONS
        stored = list(template.translations.values("language", "body")) if template.pk else []
        is_posted = self.is_bound and f"{prefix}-TOTAL_FORMS" in self.data
        data = self.data if is_posted else None
        return Translations(data, initial=stored, prefix=prefix, form_kwargs={"template": template})

    @cached_property
    def names(self) -> list[str]:
        """The placeholders of all texts as they stand in the form."""
        return text.placeholders("\n".join(each.body for each in self._written(with_dropped=False)))

    def _written(self, with_dropped: bool = True) -> list[preview.Written]:
        own = preview.Written(str(self["body"].value() or ""), self._own_language(), self.add_prefix("body"))
        others = self.texts.shown if with_dropped else self.texts.written
        drafts = [(form.draft(), form.add_prefix("body")) for form in others]
        return [own, *[preview.Written(each.body, tag_of(each.language), field) for each, field in drafts]]

    def _own_language(self) -> str:
        field = self["language"].value() if "language" in self.fields else self.instance.language
        return tag_of(str(field or "")) or languages.DEFAULT

    def _card(self, name: str, tries_pattern: bool) -> VariableForm:
        stored = self._stored_variables.get(name) or Variable(template=self.instance, name=name)
        is_posted = self.is_bound and card_is_posted(self.data, name)
        return VariableForm(name, self.data if is_posted else None, tries_pattern, instance=stored)

    @cached_property
    def _stored_variables(self) -> dict[str, Variable]:
        if not self.instance.pk:
            return {}
        found = {each.name: each for each in self.instance.typed_variables.all()}
        for each in found.values():
            # So that it looks at the texts as they are typed.
            each.template = self.instance
        return found

    def _kept(self) -> list[VariableForm]:
        """What was typed for placeholders that stand in no text any more: they may come back."""
        if not self.is_bound:
            return []
        found = (_CARD.fullmatch(key) for key in self.data)
        gone = [match.group(1) for match in found if match and match.group(1) not in self.names]
        return [VariableForm.as_typed(name, self.data) for name in gone[:MAX_VARIABLES]]

    def draft(self) -> SmsTemplate:
        """The template as it stands in the form, as far as that makes sense. It is never stored."""
        draft = SmsTemplate(language=self._own_language(), body=str(self["body"].value() or ""))
        with suppress(TypeError, ValueError, KeyError):
            draft.max_segments = min(max(int(self["max_segments"].value()), 1), text.MAX_SEGMENTS)
        draft.drafted_translations = [form.draft() for form in self.texts.written]
        draft.drafted_variables = [card.draft for card in self.cards.values()]
        return draft

    @cached_property
    def previews(self) -> dict[str, Any]:
        """What the page shows of the form as it is typed: each text by its input, and when which is sent."""
        draft = self.draft()
        filled = {name: card.filled() for name, card in self.cards.items()}
        texts = {}
        for written in self._written():
            for name in text.placeholders(written.body):
                if name not in filled:
                    # Of a text that is to be removed, or one too many.
                    variable = Variable(name=name)
                    filled[name] = preview.Filled(variable, preview.example(variable))
            texts[written.field] = preview.shown(draft, written, filled)
        examples = {name: each.value for name, each in filled.items()}
        examples |= {name: card.suggested for name, card in self.cards.items()}
        said = preview.said(draft, self._written()[0], filled)
        rules = preview.languages_of(draft)
        return {"texts": texts, "languages": rules, "examples": examples, "said": said}

    @property
    def changed_data(self) -> list[str]:
        changed = list(super().changed_data)
        if "body" in self.fields:
            if any(card.is_bound and card.has_changed() for card in self.cards.values()):
                changed.append("variables")
            if self.texts.is_bound and self.texts.has_changed():
                changed.append("translations")
        return changed

    def clean_language(self) -> str:
        return str(self.cleaned_data["language"] or "") or self.instance.language

    def clean_max_segments(self) -> int:
        most: int | None = self.cleaned_data["max_segments"]
        return self.instance.max_segments if most is None else most

    def _post_clean(self) -> None:
        if "body" not in self.fields:
            super()._post_clean()  # type: ignore[misc]
            return
        draft = self.draft()
        self.instance.drafted_translations = draft.drafted_translations
        self.instance.drafted_variables = draft.drafted_variables
        super()._post_clean()  # type: ignore[misc]
        wrong = [name for name, card in self.cards.items() if card.is_bound and not card.is_valid()]
        if wrong:
            self.add_error("variables", f"Something is to be mended in {', '.join(wrong)}.")
        # Which text is too long is said already.
        if self.texts.is_bound and not self.texts.is_valid() and "translations" not in self.errors:
            said = self.texts.non_form_errors() or ["Something is to be mended in a text."]
            self.add_error("translations", ValidationError(list(said)))

    def _save_m2m(self) -> None:
        """Store variables and translations, too; Django calls it once the template itself is stored."""
        super()._save_m2m()  # type: ignore[misc]
        if "body" not in self.fields:
            return
        template = self.instance
        template.drafted_translations = template.drafted_variables = None
        if self.texts.is_bound:
            written = {form.instance.language: form.instance.body for form in self.texts.written}
            template.translations.exclude(language__in=written).delete()
            for language, body in written.items():
                template.translations.update_or_create(language=language, defaults={"body": body})
        # Somebody else may have described the same variable since this page was shown.
        described = dict(template.typed_variables.values_list("name", "pk"))
        for name, card in self.cards.items():
            if card.is_bound and card.says_something:
                card.instance.pk = described.get(name)
                card.instance._state.adding = card.instance.pk is None
                card.save()
        template.typed_variables.exclude(name__in=template.placeholders).delete()


_CARD = re.compile(rf"var-([A-Za-z][A-Za-z0-9_]{{0,{text.VARIABLE_CHARACTERS - 1}}})-source")

_HELP = {
    "name": "The tool's name, as the agent sees it and as topics refer to it: letters, digits, _ and -.",
    "body": "What the caller receives. Write {{ day }} where something is filled in; it gets a card below.",
    "language": "Of the text above: a tag such as en, es or pt-BR, or the language's name.",
    "sender": "A number with country code (+13125550100), a short code, an alphanumeric id (up to 11 letters "
    "and digits) or a Messaging Service (MG and 32 characters). Leave it empty for the provider's default.",
}
