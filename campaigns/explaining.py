"""What the safeguards are in a campaign, and what they would say of a tool call. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from campaigns import counting, safeguards
from campaigns.content import BODY
from campaigns.drafts import Caller
from campaigns.models import Campaign
from campaigns.parameters import BadParameters, checked
from campaigns.safeguards import Outcome, Request, Rule, Verdict
from campaigns.safeguards.limits import Limit
from campaigns.telling import on_its_way
from campaigns.tools import CONFIRMED, CONSENT, RECIPIENT, Tool
from sms import numbers, preview
from sms.pages import label

# More tools, senders or countries of a limit than these are of no use to look at.
MOST_SHOWN = 5
AGREED = "Yes, please text me."
LABELS = {
    CONSENT: "What the caller answered when asked",
    BODY: "The text",
    RECIPIENT: "Whom the agent texts",
    CONFIRMED: "The last digits that the caller confirmed",
}
TONES = {Outcome.PASSES: "good", Outcome.REFUSES: "bad", Outcome.NOT_ASKED: "plain", Outcome.HOLDS: "warn"}


@dataclass(frozen=True, slots=True)
class Said:
    """What one rule says."""

    rule: Rule
    verdict: Verdict

    @property
    def mark(self) -> SafeString:
        """Its verdict, in a word."""
        return label(self.verdict.outcome.value, TONES[self.verdict.outcome])


@dataclass(frozen=True)
class Explanation:
    """What would become of a tool call, were it made now: `say` is the answer. Where `problem` says why the
    request is broken, no rule is asked, and the runtime gets an error."""

    say: str
    problem: str = ""
    body: str = ""
    recipient: str = ""
    said: list[Said] = field(default_factory=list)
    # The rule that answers: the first that forbids it.
    refusing: Said | None = None
    # Whether the text, if nothing forbids it, waits for quiet hours to end.
    is_held: bool = False


def explain(
    campaign: Campaign, tool: Tool, caller: Caller, parameters: Mapping[str, Any], language: str = ""
) -> Explanation:
    """What would become of a tool call that a runtime makes in a new call."""
    try:
        values = checked(tool, parameters)
    except BadParameters as error:
        return Explanation(error.say, str(error))
    request = Request(campaign, tool, caller, values, language or campaign.language)
    said = [Said(*each) for each in safeguards.verdicts(request)]
    body = "" if request.draft.lacking else request.draft.body
    refusing = next((each for each in said if each.verdict.outcome is Outcome.REFUSES), None)
    held = safeguards.held(request)
    say = refusing.verdict.say if refusing else held or on_its_way(request.recipient)
    return Explanation(say, "", body, request.recipient, said, refusing, bool(held))


class Used(NamedTuple):
    """How much of a limit is used: by what it counts ("" if that is but one), and of how many."""

    what: str
    used: int
    limit: int


class InForce(NamedTuple):
    """A rule as it stands in a campaign: what it goes by there, and how much of a limit is used in the window
    that ends at `until`."""

    rule: Rule
    here: str
    use: list[Used]
    until: datetime | None


def in_force(campaign: Campaign) -> list[InForce]:
    """The table of safeguards, as it applies to a campaign."""
    used = counting.today(campaign)
    return [
        InForce(
            rule,
            rule.here(campaign),
            _use(campaign, rule, used[rule.field]) if isinstance(rule, Limit) and rule.field in used else [],
            _until(rule) if isinstance(rule, Limit) else None,
        )
        for rule in safeguards.RULES
    ]


def _use(campaign: Campaign, rule: Limit, used: int | dict[str, int]) -> list[Used]:
    limit = getattr(campaign, rule.field)
    by = used if isinstance(used, dict) else {"": used}
    return [Used(what, number, limit) for what, number in list(by.items())[:MOST_SHOWN]] if limit else []


def _until(rule: Limit) -> datetime | None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    ends = {"hour": now + timedelta(hours=1), "day": now.replace(hour=0) + timedelta(days=1)}
    return ends.get(rule.window)


class TryForm(forms.Form):
    """A tool call as a runtime would make it, typed by a person."""

    caller = forms.CharField(
        label="The call comes from",
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "tel", "autocomplete": "off"}),
        help_text="With + and the country code. Empty: the runtime gives no number.",
    )
    name = forms.CharField(
        label="The caller's name",
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="As a runtime may give it.",
    )

    def __init__(self, campaign: Campaign, tool: Tool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign, self.tool = campaign, tool
        for name, schema in tool.parameters["properties"].items():
            widget = UnfoldAdminTextareaWidget if name == BODY else UnfoldAdminTextInputWidget
            self.fields[_field(name)] = forms.CharField(
                label=LABELS.get(name, name.replace("_", " ").capitalize()),
                required=False,
                # What a model writes is not tidied either.
                strip=False,
                widget=widget(attrs={"rows": 3} if name == BODY else {"autocomplete": "off"}),
                # Pages show help as HTML, and these words are somebody's.
                help_text=escape(schema["description"]),
            )
            self.initial.setdefault(_field(name), self._example(name))

    def _example(self, name: str) -> str:
        if name in self.tool.asked:
            return preview.example(self.tool.asked[name])
        return {CONSENT: AGREED, BODY: "Thank you for your call."}.get(name, "")

    def clean_caller(self) -> str:
        written: str = self.cleaned_data["caller"]
        try:
            return numbers.parse(written, self.campaign.country) if written else ""
        except numbers.NotANumber as error:
            raise ValidationError(f"A runtime that gives such a number gets an error. {error}") from error

    def explained(self) -> Explanation:
        """What would become of it."""
        asked = {name: self.cleaned_data[_field(name)] for name in self.tool.parameters["properties"]}
        # What is left empty is left out, as by a model.
        parameters = {name: value for name, value in asked.items() if value}
        caller = Caller(self.cleaned_data["caller"], self.cleaned_data["name"])
        return explain(self.campaign, self.tool, caller, parameters)


def _field(parameter: str) -> str:
    return f"parameter-{parameter}"
