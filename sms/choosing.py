"""Choosing a sender: from those that the account has, or another one that is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from sms import verification

OTHER = "other"


class SenderInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """A list of senders with "another one" at its end, and an input for that.

    What is typed comes before what is chosen, so that nothing gets lost without scripts; with them, only one
    of the two is shown, and the list is asked for anew. The form says which senders are known: None if none
    are, and then one types.
    """

    class Media:
        css = {"all": ("sms/sender.css",)}  # noqa: RUF012 (Django's own way to write it)
        js = (forms.Script("sms/sender.js", type="module"),)

    def __init__(self, empty: str = "None yet") -> None:
        super().__init__(attrs={"autocomplete": "off", "spellcheck": "false"})
        self.senders: Mapping[str, str] | None = None
        self.empty = empty
        # Where the list is asked for anew, with which fields of the form.
        self.url = ""
        self.fields: Mapping[str, str] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        typed, chosen = data.get(name), data.get(f"{name}_choice")
        if chosen is None or (typed or "").strip():
            return typed
        return "" if chosen == OTHER else chosen

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}_choice" not in data

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        attrs = dict(attrs or {})
        value, element = str(value or ""), str(attrs.pop("id", f"id_{name}"))
        senders = self.senders or {}
        is_other = bool(value) and value not in senders
        choices = [("", self.empty)]
        choices += verification.listed(senders)
        choices += [(OTHER, "Another one …")]
        select = UnfoldAdminSelectWidget(choices=choices)
        list_attrs: dict[str, Any] = {**attrs, "data-senders-list": ""}
        type_attrs: dict[str, Any] = {**attrs, "data-senders-typed": ""}
        if senders:
            list_attrs["id"], type_attrs["id"] = element, f"{element}_typed"
            type_attrs |= {"aria-label": "Another one", "placeholder": "Another one, such as +13125550100"}
        else:
            list_attrs |= {"id": f"{element}_choice", "disabled": True}
            type_attrs["id"] = element
        context = {
            "select": select.render(f"{name}_choice", OTHER if is_other else value, list_attrs, renderer),
            "input": super().render(name, value if is_other or not senders else "", type_attrs, renderer),
            "id": element,
            "senders": senders,
            "url": self.url,
            "fields": self.fields,
        }
        return render_to_string("sms/sender.html", context)
