"""What an SMS action sends, when and to whom: its part of the form, and what the page shows as one types.

What the choices do not need is neither shown nor judged, and keeps what was stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from builder.lint.description import Facts, hints
from builder.models import MAX_HOSTS, MAX_NUMBERS, MAX_WORDS, SmsAction
from builder.widgets import Choice, DescriptionInput, Lines, NameInput
from sms import hosts, numbers, phones, text, words
from sms.cards import Section
from sms.forms import SendableForm
from sms.models import SmsTemplate
from sms.pages import may_see
from sms.validators import suggested_name

if TYPE_CHECKING:
    from sms.pages import Page

    _ActionPage = Page[SmsAction]
else:
    _ActionPage = object

AGENT, TEMPLATE = "agent", "template"
# What holds for what the agent writes.
_HOW_MANY = f"Write a number from 1 to {text.MAX_SEGMENTS}."
RULES = ("max_segments", "allowed_hosts", "allowed_numbers", "forbidden_words")
FORM_ONLY = ("content", "template_text", "agent")
CONTENT_FIELDS = ("content", "template", "template_text", *RULES)
# Whole links are pasted where a host is asked for.
MOST_PASTED = 500

EXAMPLES = (
    "Use this to send a booking confirmation after the customer agrees to a time. Always text the caller.",
    "Use this when the caller asks how to find us. Write the address and the nearest station, nothing else.",
    "Use this after the caller has agreed to get a summary. Write what was agreed on in two sentences, only "
    "with what was said in the call.",
)


class ContentForm(SendableForm):
    """The action's name, its description with hints, and the choice who writes the text."""

    # What an agent sees of an action; the page sets it.
    agent_sees: ClassVar[Any]

    content = forms.ChoiceField(
        label="The text",
        required=False,
        choices=[(AGENT, "The agent writes it"), (TEMPLATE, "A template")],
        widget=Choice(
            "The text",
            {
                AGENT: "A new text each time, within the limits below.",
                TEMPLATE: "Always the same text, in which only the variables are filled in.",
            },
        ),
    )
    max_segments = forms.IntegerField(
        label="Segments at most",
        # A request without it means the usual.
        required=False,
        initial=SmsAction._meta.get_field("max_segments").default,
        min_value=1,
        max_value=text.MAX_SEGMENTS,
        error_messages=dict.fromkeys(("min_value", "max_value", "invalid"), _HOW_MANY),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Each is paid for. One holds 160 plain characters, several hold 153 each. A longer text is "
        "not sent: the agent is told to make it shorter.",
    )
    allowed_hosts = Lines(
        noun="web site",
        is_ordered=False,
        max_lines=MAX_HOSTS,
        max_length=MOST_PASTED,
        label="Allowed links",
        required=False,
        help_text="The web sites that the agent may link to, such as example.com: all their pages, and mail "
        "addresses there. With none, it texts no link at all.",
    )
    allowed_numbers = Lines(
        noun="number",
        is_ordered=False,
        max_lines=MAX_NUMBERS,
        max_length=numbers.WRITTEN_CHARACTERS,
        label="Allowed phone numbers",
        required=False,
        help_text="Other people's phone numbers are never texted; these may be, such as +13125550100 for the "
        "front desk. The recipient's own, the caller's and the one that the text comes from need no mention.",
    )
    forbidden_words = Lines(
        noun="word",
        is_ordered=False,
        max_lines=MAX_WORDS,
        max_length=words.WORD_CHARACTERS,
        label="Forbidden words",
        required=False,
        help_text="Words or phrases that must never stand in a text. They are found whatever their capitals "
        "and accents, and taken apart, too; the agent reads this list.",
    )
    template_text = forms.Field(
        label="Its text", required=False, widget=Section("builder/template_text.html")
    )
    agent = forms.Field(label="The tool", required=False, widget=Section("builder/agent.html"))

    class Meta:
        model = SmsAction
        exclude: ClassVar[list[str]] = []  # noqa: DJ006 (the page's fieldsets name the fields)

    class Media:
        css: ClassVar = {"all": ("sms/writing.css", "builder/content.css")}
        js = (forms.Script("builder/content.js", type="module"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever may only read sees what is stored, and no form.
        if "name" in self.fields:
            self._lay_out()

    def _lay_out(self) -> None:
        fields: dict[str, Any] = self.fields
        self.initial["content"] = TEMPLATE if self.initial.get("template") else AGENT
        fields["name"].widget = NameInput(attrs=fields["name"].widget.attrs)
        fields["description"].widget = DescriptionInput(
            fields["description"].max_length, EXAMPLES, _DESCRIPTION
        )
        fields["description"].help_text = ""
        fields["template"].queryset, fields["template"].empty_label = self._usable(), "Choose one"
        fields["template"].help_text = "One of your own, from Build > SMS, or one that is shared."
        fields["recipient"].widget = Choice(
            "Recipient", _WHOM, _WARNINGS, choices=fields["recipient"].choices
        )
        fields["recipient"].required, fields["recipient"].help_text = False, ""
        fields["name"].help_text = _NAME
        shown = self.shown
        fields["name"].widget.suggestion = shown["name"]
        fields["description"].widget.hints = shown["hints"]
        fields["template_text"].widget.context = {"shown": shown["template"]}
        fields["agent"].widget.context = {"shown": shown["agent"], "pk": self.instance.pk}

    def _usable(self) -> QuerySet[SmsTemplate]:
        """The templates that may be chosen: one's own, shared ones, and the one that is."""
        return SmsTemplate.usable_by(self.user) | SmsTemplate.objects.filter(pk=self.instance.template_id)

    @property
    def writer(self) -> str:
        """Who writes the text, as the form has it; where that is not said, a chosen template tells."""
        chosen = self["content"].value()
        if chosen in (AGENT, TEMPLATE):
            return str(chosen)
        return TEMPLATE if self["template"].value() else AGENT

    def draft(self) -> SmsAction:
        """The action as it stands in the form, as far as that makes sense. It is never stored."""
        draft = SmsAction(owner=self.instance.owner)
        draft.name = self._typed("name") or "no_name_yet"
        draft.description = self._typed("description")
        draft.transactional = "transactional" in self.fields and bool(self["transactional"].value())
        if self._typed("recipient") in SmsAction.Recipient.values:
            draft.recipient = self._typed("recipient")
        if self.writer == TEMPLATE:
            draft.template = self._chosen()
            return draft
        segments = self._typed("max_segments")
        if segments.isascii() and segments.isdecimal() and len(segments) < 3:
            draft.max_segments = min(max(int(segments), 1), text.MAX_SEGMENTS)
        listed = SmsAction.tidied_hosts(self._typed("allowed_hosts").splitlines())
        draft.allowed_hosts = list(_fit(hosts.parse, listed))[:MAX_HOSTS]
        listed = SmsAction.tidied_numbers(self._typed("allowed_numbers").splitlines())
        draft.allowed_numbers = list(_fit(phones.listed, listed))[:MAX_NUMBERS]
        listed = SmsAction.tidied_words(self._typed("forbidden_words").splitlines())
        draft.forbidden_words = list(_fit(words.check, listed))[:MAX_WORDS]
        return draft

    def _typed(self, name: str) -> str:
        value = self[name].value()
        return "" if value is None else text.one_line_break(str(value)).strip()

    def _chosen(self) -> SmsTemplate | None:
        pk = self._typed("template")
        if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
            return None
        field: Any = self.fields["template"]
        found: SmsTemplate | None = field.queryset.filter(pk=pk).first()
        return found

    @cached_property
    def shown(self) -> dict[str, Any]:
        """What the page shows of the form as it is typed."""
        draft = self.draft()
        is_agents = self.writer == AGENT
        found = hints(
            Facts(
                draft.description,
                draft.recipient == SmsAction.Recipient.ANYONE,
                is_agents,
                draft.allowed_hosts,
            )
        )
        context = {"template": draft.template, "may_see": may_see(self.user, SmsTemplate)}
        return {
            "name": suggested_name(self._typed("name")),
            "hints": render_to_string("builder/hints.html", {"hints": found}),
            "template": render_to_string("builder/template_words.html", context),
            # Which text it fills in is not said yet.
            "agent": self.agent_sees(draft) if is_agents or draft.template else "",
            "said": " ".join(each.message for each in found),
        }

    def clean_max_segments(self) -> int:
        most: int | None = self.cleaned_data["max_segments"]
        return self.instance.max_segments if most is None else most

    def clean_recipient(self) -> str:
        return str(self.cleaned_data["recipient"] or self.instance.recipient)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "name" not in self.fields:
            return cleaned
        if self.writer == AGENT:
            self.errors.pop("template", None)
            cleaned["template"] = None
            return cleaned
        for name in RULES:
            self.errors.pop(name, None)
            cleaned[name] = getattr(self.instance, name)
        if not cleaned.get("template") and "template" not in self.errors:
            self.add_error("template", "Choose a template, or let the agent write the text.")
        return cleaned


def _fit(check: Callable[[str], object], values: Iterable[str]) -> Iterator[str]:
    for value in values:
        with suppress(ValueError):
            check(value)
            yield value


_WHOM = {
    SmsAction.Recipient.CALLER: "The number that the call comes from. Nothing that is said can change it.",
    SmsAction.Recipient.ANYONE: "Whatever number the agent is given in the call.",
}
_WARNINGS = {
    SmsAction.Recipient.ANYONE: "A number that is misheard is a stranger's. Say in the description whom to "
    "text. The agent must read the number back and have its last digits confirmed; numbers of countries that "
    "the campaign does not list are refused.",
}
_NAME = "What the agent sees and calls: letters, digits, _ and -, such as booking_link."
_DESCRIPTION = "When the agent should send the text, and what to write. The agent decides by these words."


class ContentPage(_ActionPage):
    """The action's pages: what the agent sees, as it is typed."""

    def agent_sees(self, request: HttpRequest, action: SmsAction) -> SafeString | str:
        """The tool that an action is to an agent, as far as the user may see it; whoever knows of tools says
        it."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("preview/", preview, name="builder_smsaction_preview"), *super().get_urls()]

    def get_form(
        self, request: HttpRequest, obj: SmsAction | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry what belongs to the request.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.agent_sees = staticmethod(partial(self.agent_sees, request))
        return form

    def preview(self, request: HttpRequest) -> HttpResponse:
        """What the page shows of an action as it is typed."""
        if request.method != "POST":
            return JsonResponse({"error": "Post the action's form."}, status=405, headers={"Allow": "POST"})
        action: SmsAction | None = None
        if pk := request.POST.get("action", ""):
            known = pk.isascii() and pk.isdecimal() and len(pk) < 19
            action = self.get_queryset(request).filter(pk=pk).first() if known else None
            if action is None:
                return JsonResponse({"error": "There is no such action any more."}, status=404)
        may = self.has_change_permission(request, action) if action else self.has_add_permission(request)
        if not may:
            return JsonResponse({"error": "You may not change this action."}, status=403)
        form = self.get_form(request, action, change=action is not None)
        return JsonResponse(form(request.POST, instance=action).shown)
