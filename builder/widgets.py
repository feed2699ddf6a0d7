"""Form fields and widgets for people: several lines as a list, a list to pick from, and the Actions field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from builder import prompt
from sms import text


class LinesInput(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """A text area of lines, which a script turns into a list of inputs, one a line."""

    class Media:
        css: ClassVar = {"all": ("builder/lines.css",)}
        js = (forms.Script("builder/lines.js", type="module"),)

    def __init__(self, noun: str, max_lines: int, is_ordered: bool = True) -> None:
        attrs: dict[str, Any] = {"rows": 5, "data-lines": noun, "data-lines-max": max_lines}
        super().__init__(attrs=attrs | ({} if is_ordered else {"data-lines-unordered": ""}))

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        plain = super().render(name, value, attrs, renderer)
        hint = '{}<p class="mc-count" data-lines-hint>One {} a line.</p>'
        return format_html(hint, plain, self.attrs["data-lines"])


class Lines(SimpleArrayField):
    """Short texts, one a line; empty lines do not count. `noun` is what one is called."""

    def __init__(
        self, noun: str, max_lines: int, max_length: int, is_ordered: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(
            forms.CharField(max_length=max_length),
            delimiter="\n",
            max_length=max_lines,
            widget=LinesInput(noun, max_lines, is_ordered),
            error_messages={
                "item_invalid": f"{noun.capitalize()} %(nth)s:",
                "max_length": f"Write {max_lines} {noun}s at most.",
            },
            **kwargs,
        )
        # Django's words for it count items "in the array".
        self.validators = self.validators[:-1]

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = "\n".join(line for line in value.splitlines() if line.strip())
        return super().to_python(value)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if self.max_length is not None and len(value) > self.max_length:
            raise forms.ValidationError(self.error_messages["max_length"], code="max_length")


class PickList(forms.CheckboxSelectMultiple):
    """A list with a check box each and a search above; without JavaScript, the list alone."""

    def __init__(self, noun: str, hint: Callable[[Any], str], empty: str) -> None:
        super().__init__()
        self.noun = noun
        # What stands under a thing's name.
        self.hint = hint
        self.empty = empty

    class Media:
        js = ("builder/picklist.js",)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        return {**option, "hint": self.hint(getattr(value, "instance", value))}

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        context = self.get_context(name, value, attrs)
        context |= {"noun": self.noun, "empty": self.empty}
        return render_to_string("builder/picklist.html", context)


class Choice(forms.RadioSelect):
    """A few choices, each with what follows from it; named for whoever does not see the page."""

    def __init__(
        self, title: str, hints: Mapping[Any, str], warnings: Mapping[Any, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.title = title
        # What stands under a choice, always and while it is chosen, by its value.
        self.hints, self.warnings = hints, warnings or {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        return {**option, "hint": self.hints.get(value), "warning": self.warnings.get(value)}

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        context = {**self.get_context(name, value, attrs), "title": self.title}
        return render_to_string("builder/choice.html", context)


class NameInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """The name of a tool, with one that would do where what is typed would not."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**(attrs or {}), "autocomplete": "off", "spellcheck": "false"})
        # A browser would cut off what is pasted beyond it, without a word.
        self.attrs.pop("maxlength", None)
        self.suggestion = ""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        plain = super().render(name, value, attrs, renderer)
        return render_to_string("builder/name.html", {"plain": plain, "suggestion": self.suggestion})


class DescriptionInput(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """A text area with a counter, examples to start from, and hints on what it leaves open."""

    def __init__(self, most: int, examples: Sequence[str], help_text: str) -> None:
        super().__init__(attrs={"rows": 4})
        # Below the hints, a field's own help would stand far from it.
        self.most, self.examples, self.help_text = most, examples, help_text
        self.hints = SafeString()

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return text.one_line_break(value) if isinstance(value, str) else value

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        element = (attrs or {}).get("id", f"id_{name}")
        described = f"{(attrs or {}).get('aria-describedby', '')} {element}_help".strip()
        context = {
            "plain": super().render(name, value, {**(attrs or {}), "aria-describedby": described}, renderer),
            "id": element,
            "help": self.help_text,
            "count": f"{len(str(value or '')):,}",
            "most": self.most,
            "most_in_words": f"{self.most:,}",
            "examples": self.examples,
            "hints": self.hints,
        }
        return render_to_string("builder/description.html", context)


class Referable(TypedDict):
    """A template that Actions may refer to. `body` and `url` are None where the user may not see it."""

    name: str
    body: str | None
    is_active: bool
    url: str | None


class ActionsInput(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """The Actions field: a text area, in which a script shows references as chips and offers to insert them.

    The form says which templates there are, and whether the user may add one. Without the script one types
    references and leaves by a button to add a template.
    """

    class Media:
        css: ClassVar = {"all": ("builder/actions.css",)}
        js = (forms.Script("builder/actions.js", type="module"),)

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 5})
        self.templates: list[Referable] = []
        self.may_add = False
        # Where the caret stands, in characters; None for where the browser puts it.
        self.caret: int | None = None

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        plain = super().render(name, value, attrs, renderer)
        context = {"plain": plain, "id": (attrs or {}).get("id"), "reference": prompt.REFERENCE}
        context |= {"templates": self.templates, "may_add": self.may_add, "caret": self.caret}
        return render_to_string("builder/actions.html", context)
