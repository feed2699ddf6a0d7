"""Form fields and widgets for people: several lines as a list, and a list to pick from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget


class Lines(SimpleArrayField):
    """Short texts, one a line; empty lines do not count."""

    def __init__(self, max_lines: int, max_length: int, **kwargs: Any) -> None:
        super().__init__(
            forms.CharField(max_length=max_length),
            delimiter="\n",
            max_length=max_lines,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
            error_messages={
                "item_invalid": "Line %(nth)s:",
                "max_length": f"Write {max_lines} lines at most.",
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
        return {**option, "hint": self.hint(value.instance)}

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        context = self.get_context(name, value, attrs)
        context |= {"noun": self.noun, "empty": self.empty}
        return render_to_string("builder/picklist.html", context)
