"""The parts of a template's form: the cards of its variables, and its texts in more languages."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from sms import languages, patterns, preview, text
from sms.models import MAX_TRANSLATIONS, SmsTemplate, Translation, Variable
from sms.models.variables import PATTERN_CHARACTERS

# In place of the name, on the card from which a script makes others. No placeholder can be called so.
UNNAMED = "__name__"

_Source = Variable.Source
_HOW_MANY = f"Write a number from 1 to {text.MAX_VALUE_CHARACTERS}."


class TextInput(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """A text area with the preview of its text beside it, or below it on a phone."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 5, "data-text": ""})
        self.preview = SafeString()
        # Beside a tall preview, a field's own help would stand far below it.
        self.hint = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return text.one_line_break(value) if isinstance(value, str) else value

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        attrs = dict(attrs or {})
        context = {"name": name, "preview": self.preview, "hint": self.hint, "id": attrs.get("id")}
        if self.hint:
            attrs["aria-describedby"] = f"{attrs.get('aria-describedby', '')} {attrs.get('id')}_hint".strip()
        context["plain"] = super().render(name, value, attrs, renderer)
        return render_to_string("sms/text.html", context)


class Section(forms.Widget):
    """A part of the form that is more than one input: a template, with what the form gives it."""

    def __init__(self, template: str) -> None:
        super().__init__()
        self.template = template
        self.context: Mapping[str, Any] = {}

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        return render_to_string(self.template, {**self.context, "id": (attrs or {}).get("id")})

    def id_for_label(self, id_: str) -> str:
        return ""


def language_field(**kwargs: Any) -> forms.CharField:
    return forms.CharField(
        max_length=languages.TAG_CHARACTERS,
        widget=UnfoldAdminTextInputWidget(
            attrs={"list": "mc-languages", "autocomplete": "off", "spellcheck": "false"}
        ),
        **kwargs,
    )


class VariableForm(forms.ModelForm):  # type: ignore[type-arg]
    """The card of one placeholder. What its source does not need is neither shown nor judged nor stored."""

    # The sources that need a field. The description stays whatever the source: it does no harm, and the agent
    # may fill the variable again one day.
    NEEDED_BY: ClassVar[dict[str, tuple[_Source, ...]]] = {
        "fixed_text": (_Source.FIXED,),
        "max_characters": (_Source.AGENT, _Source.CALLER_NAME),
        "is_required": (_Source.AGENT, _Source.CALLER_NAME, _Source.CALLER_NUMBER),
        "default": (_Source.AGENT, _Source.CALLER_NAME, _Source.CALLER_NUMBER),
        "pattern": (_Source.AGENT,),
        "allows_links": (_Source.AGENT,),
    }

    max_characters = forms.IntegerField(
        label="Characters at most",
        # A request without it means the usual.
        required=False,
        min_value=1,
        max_value=text.MAX_VALUE_CHARACTERS,
        error_messages=dict.fromkeys(("min_value", "max_value", "invalid"), _HOW_MANY),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    example = forms.CharField(
        label="Example",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Only for the preview; it is not stored.",
    )

    class Meta:
        model = Variable
        fields = (
            "source",
            "fixed_text",
            "description",
            "max_characters",
            "is_required",
            "default",
            "pattern",
            "allows_links",
        )
        widgets: ClassVar = {
            "source": UnfoldAdminSelectWidget(attrs={"data-source": ""}),
            "fixed_text": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextInputWidget,
            "is_required": UnfoldBooleanWidget,
            "default": UnfoldAdminTextInputWidget,
            "pattern": UnfoldAdminTextInputWidget(attrs={"spellcheck": "false", "autocomplete": "off"}),
            "allows_links": UnfoldBooleanWidget,
        }
        labels: ClassVar = {"fixed_text": "The text", "description": "What the agent should write"}
        help_texts: ClassVar = {
            "description": "For example “The day of the booking, such as Friday 3 May”. The preview shows it."
        }

    def __init__(self, name: str, data: Any = None, tries_pattern: bool = True, **kwargs: Any) -> None:
        super().__init__(data, prefix=prefix_of(name), **kwargs)
        self.name, self.tries_pattern = name, tries_pattern
        for each in ("fixed_text", "description", "default", "pattern"):
            # A browser would cut off what is pasted beyond it, without a word.
            self.fields[each].widget.attrs.pop("maxlength", None)
        if name != UNNAMED:
            self.fields["example"].widget.attrs["placeholder"] = self.suggested

    @classmethod
    def as_typed(cls, name: str, data: Any) -> VariableForm:
        """A card with what was typed into it, judged by nobody."""
        typed = {
            each: field.widget.value_from_datadict(data, {}, f"{prefix_of(name)}-{each}")
            for each, field in cls.base_fields.items()
        }
        return cls(name, tries_pattern=False, initial=typed, instance=Variable(name=name))

    @property
    def has_more(self) -> bool:
        """Whether what is folded away says something."""
        folded = ("pattern", "allows_links")
        return any(self[name].value() for name in folded) or any(name in self.errors for name in folded)

    @property
    def shown(self) -> dict[str, str]:
        """The sources by which a field is shown, with spaces between, as the page's rules have them."""
        return {name: " ".join(sources) for name, sources in self.NEEDED_BY.items()}

    @cached_property
    def draft(self) -> Variable:
        """The variable as the card says it, as far as that makes sense."""
        draft = Variable(name=self.name, description=self._typed("description")[: text.MAX_VALUE_CHARACTERS])
        if self._typed("source") in _Source.values:
            draft.source = self._typed("source")
        if draft.is_fixed:
            draft.fixed_text = self._typed("fixed_text")[: text.MAX_VALUE_CHARACTERS]
        if draft.source in self.NEEDED_BY["max_characters"]:
            with suppress(ValueError):
                written = int(self._typed("max_characters"))
                draft.max_characters = min(max(written, 1), text.MAX_VALUE_CHARACTERS)
        if draft.source in self.NEEDED_BY["default"]:
            draft.default = self._typed("default")[: draft.max_characters]
        if draft.is_asked_for:
            draft.pattern = self._usable_pattern(draft.max_characters)
        return draft

    def _typed(self, name: str) -> str:
        value = self[name].value()
        return "" if value is None else str(value)

    def _usable_pattern(self, max_characters: int) -> str:
        pattern = self._typed("pattern")
        if len(pattern) > PATTERN_CHARACTERS:
            return ""
        try:
            patterns.check(pattern, max_characters)
        except patterns.UnusablePattern:
            return ""
        return pattern

    def filled(self) -> preview.Filled:
        """The variable with a value to show: the fixed text, or the example."""
        draft = self.draft
        if draft.is_fixed:
            return preview.Filled(draft, draft.fixed_text, self.add_prefix("fixed_text"))
        example = self._typed("example")[: text.MAX_VALUE_CHARACTERS]
        return preview.Filled(draft, example or self.suggested)

    @cached_property
    def suggested(self) -> str:
        """What the preview shows where nobody wrote an example."""
        return preview.example(self.draft, self.tries_pattern)

    @property
    def says_something(self) -> bool:
        """Whether a row is needed: where nothing was said, the usual rules hold without one."""
        return self.instance.pk is not None or any(name != "example" for name in self.changed_data)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("max_characters") is None and "max_characters" not in self.errors:
            cleaned["max_characters"] = _default("max_characters")
        for name, sources in self.NEEDED_BY.items():
            if cleaned.get("source", sources[0]) not in sources:
                self.errors.pop(name, None)
                cleaned[name] = _default(name)
        return cleaned


def _default(name: str) -> Any:
    return getattr(Variable(), name)


def card_is_posted(data: Mapping[str, Any], name: str) -> bool:
    """Whether a form came with the card of a variable."""
    return f"{prefix_of(name)}-source" in data


def prefix_of(name: str) -> str:
    """What the names of the inputs of a variable's card start with."""
    return f"var-{name}"


class TranslationForm(forms.ModelForm):  # type: ignore[type-arg]
    language = language_field(error_messages={"required": "Write the language, such as es or Spanish."})

    class Meta:
        model = Translation
        fields = ("language", "body")
        widgets: ClassVar = {"body": TextInput}
        labels: ClassVar = {"body": "Text"}
        error_messages: ClassVar = {"body": {"required": "Write the text, or tick “Remove this text”."}}

    def __init__(self, data: Any = None, *, template: SmsTemplate, **kwargs: Any) -> None:
        super().__init__(data, instance=Translation(template=template), **kwargs)
        self.fields["language"].help_text = ""
        self.fields["body"].help_text = ""
        self.fields["body"].widget.attrs.pop("maxlength", None)

    @property
    def is_dropped(self) -> bool:
        return "DELETE" in self.fields and bool(self["DELETE"].value())

    @property
    def is_blank(self) -> bool:
        return not (self["language"].value() or self["body"].value())

    def draft(self) -> Translation:
        written = str(self["language"].value() or "")
        return Translation(language=tag_of(written) or written, body=str(self["body"].value() or ""))


class _Translations(forms.BaseFormSet):  # type: ignore[type-arg]
    def clean(self) -> None:
        seen: set[str] = set()
        for form in self.forms:
            language = form.instance.language if form.is_valid() and not form.is_dropped else ""
            if language and language in seen:
                form.add_error("language", f"There is a text in {languages.name(language)} above already.")
            seen.add(language)

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Remove this text"
        form.fields["DELETE"].widget = UnfoldBooleanWidget()

    @property
    def shown(self) -> list[TranslationForm]:
        """Those with something in them; the one that is left is for a new text."""
        return [form for form in self.forms if form in self.initial_forms or not form.is_blank]

    @property
    def written(self) -> list[TranslationForm]:
        """Those that are to be stored."""
        return [form for form in self.shown if not form.is_dropped]


Translations = forms.formset_factory(
    TranslationForm,
    formset=_Translations,
    extra=1,
    can_delete=True,
    max_num=MAX_TRANSLATIONS,
    absolute_max=MAX_TRANSLATIONS + 10,
    validate_max=True,
)


def tag_of(written: str) -> str:
    """The tag of a language that somebody wrote; "" if it is none yet."""
    with suppress(languages.NotALanguage):
        return languages.meant(written)
    return ""
