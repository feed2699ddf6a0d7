"""What the texts of a template say in one campaign: who fills which variable, and in which language.

Compiled once for each revision of the configuration: a caller waits for what is done here at each call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from campaigns.drafts import Caller, Draft, shorten
from sms import confidential, digits, languages, numbers, patterns, phones, text
from sms.filling import Filling
from sms.models import SmsTemplate, Variable


class Wording:
    """A template's texts, with all filled in that does not depend on the call."""

    def __init__(self, template: SmsTemplate, campaign: str) -> None:
        self.max_segments = template.max_segments
        self._own = template.language
        self._filling = Filling(template)
        self.asked: dict[str, Variable] = {}
        self._from_call: list[Variable] = []
        self._given: dict[str, str] = {}
        for name, variable in self._filling.variables.items():
            match variable.source:
                case Variable.Source.AGENT:
                    self.asked[name] = variable
                case Variable.Source.CAMPAIGN:
                    self._given[name] = campaign
                case Variable.Source.CALLER_NUMBER | Variable.Source.CALLER_NAME:
                    self._from_call.append(variable)

    def language(self, tag: str) -> str:
        """The language of the text that suits a call's best; the template's own where there is none."""
        return next((each for each in languages.suitable(tag) if each in self._filling.bodies), self._own)

    def draft(self, values: Mapping[str, str], language: str, caller: Caller) -> Draft:
        """The text in the language that suits best, with what the agent wrote and what the call knows."""
        language = self.language(language)
        written = {name: value for name, value in values.items() if name in self.asked}
        filled, lacking = {**self._given, **written}, []
        for variable in self._from_call:
            if known := self._known(variable, language, caller):
                filled[variable.name] = known
            elif not variable.may_be_missing:
                lacking.append(variable)
        body = self._filling.filled(language, filled)
        return Draft(body, text.size(body), written, filled, language, tuple(lacking))

    def on_link(self, draft: Draft) -> str:
        """What the agent is to say of a link that a variable forbids; "" if there is none."""
        try:
            self._filling.refuse_links(draft.language, draft.filled)
        except text.HoldsLink as error:
            return error.say
        return ""

    def strange_number(self, draft: Draft, region: str, known: Collection[str]) -> str:
        """The first phone number that what the agent wrote makes of the text; "" if there is none.

        What has a pattern of ops' own is an order number or the like, and looks as they want it.
        """
        if not any(map(digits.may_stand_in, draft.written.values())):
            return ""
        patterned = {name: " " for name in draft.written if self.asked[name].pattern}
        body = (
            self._filling.filled(draft.language, {**draft.filled, **patterned}) if patterned else draft.body
        )
        if not phones.strange(body, region, known):
            return ""
        return phones.strange(body, region, phones.found(self._unwritten(draft), region).union(known))

    def gives_away(self, draft: Draft) -> bool:
        """Whether what the agent wrote makes the text give away what none may, alone or with what stands
        beside it."""
        if any(map(confidential.found, draft.written.values())):
            return True
        if not any(map(digits.may_stand_in, draft.written.values())):
            return False
        if confidential.holds(draft.body):
            return not confidential.holds(self._unwritten(draft))
        # Whoever wrote “Your verification code is {{ code }}” means it.
        return confidential.tells_code(draft.body) and not confidential.names_code(self._unwritten(draft))

    def _unwritten(self, draft: Draft) -> str:
        """The text without what the agent wrote."""
        return self._filling.filled(draft.language, {**draft.filled, **dict.fromkeys(draft.written, " ")})

    def how_to_shorten(self, draft: Draft) -> str:
        """What the agent is to say of a text that is too long; "" if it wrote nothing of it."""
        if not draft.written:
            return ""
        longest = self.asked[max(draft.written, key=lambda name: len(draft.written[name]))].words
        return shorten(f"shorten the {longest}", "".join(draft.written.values()))

    def _known(self, variable: Variable, language: str, caller: Caller) -> str:
        """What the call knows of the caller that could stand there; "" if nothing."""
        if variable.source == Variable.Source.CALLER_NUMBER:
            return numbers.written(caller.number) if caller.number else ""
        name = caller.name.strip()
        return name if self._fits(variable, language, name) else ""

    def _fits(self, variable: Variable, language: str, name: str) -> bool:
        # Names come from directories that anybody can write to: what is no name counts as none.
        if text.is_blank(name) or text.hides(name) or digits.runs(digits.folded(name)):
            return False
        try:
            variable.refuse(name)
            self._filling.refuse_links(language, {**self._given, variable.name: name})
        except text.CannotBeFilled:
            return False
        return True


def schema(variable: Variable) -> dict[str, Any]:
    """What the model reads of a variable that it fills: a property's JSON schema."""
    described = variable.description.strip() or f"The {variable.words}, as it is to stand in the text."
    hints = [described if described.endswith((".", "!", "?", "…")) else f"{described}."]
    if not variable.allows_links:
        hints.append("No web address.")
    if variable.default:
        hints.append(f"Without it, the text says “{variable.default}”.")
    elif variable.may_be_missing:
        hints.append("Leave it out if there is none.")
    found: dict[str, Any] = {"type": "string", "description": " ".join(hints)}
    found["maxLength"] = variable.max_characters
    if variable.pattern:
        found["pattern"] = patterns.in_schema(variable.pattern)
    if variable.default:
        found["default"] = variable.default
    return found
