"""What the texts of a template say in one campaign: who fills which variable, and in which language.

Compiled once for each revision of the configuration: a caller waits for what is done here at each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from campaigns import safeguards
from campaigns.safeguards import Refused
from sms import languages, numbers, patterns, text
from sms.filling import Filling
from sms.models import SmsTemplate, Variable

MAX_CHARACTERS_NAMED = 5


class Caller(NamedTuple):
    """Who is on the phone, by the runtime's envelope: the number in E.164 or "", the name or ""."""

    number: str
    name: str


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

    def written(self, values: Mapping[str, str], language: str, caller: Caller) -> tuple[str, text.Size]:
        """The text as the caller gets it, and its size.

        `values` are the agent's, each of the right shape. Raises Refused for a link that its variable
        forbids, for a caller whose name or number is needed and not known, and for too many segments.
        """
        language = self.language(language)
        filled = {**self._given, **{name: value for name, value in values.items() if name in self.asked}}
        self._refuse_links(language, filled)
        for variable in self._from_call:
            if known := self._known(variable, language, caller):
                filled[variable.name] = known
                self._refuse_links(language, filled)
        body = self._filling.filled(language, filled)
        size = text.size(body)
        if size.segments > self.max_segments:
            raise Refused(replace(safeguards.TOO_LONG, say=self._how_to_shorten(values)))
        return body, size

    def _refuse_links(self, language: str, values: Mapping[str, str]) -> None:
        try:
            self._filling.refuse_links(language, values)
        except text.HoldsLink as error:
            raise Refused(replace(safeguards.LINK, say=error.say)) from error

    def _known(self, variable: Variable, language: str, caller: Caller) -> str:
        """What the call knows of the caller; "" if a default may stand there. Raises Refused if none may."""
        is_number = variable.source == Variable.Source.CALLER_NUMBER
        if is_number and caller.number:
            return numbers.written(caller.number)
        if not is_number and self._fits(variable, language, caller.name.strip()):
            return caller.name.strip()
        if variable.may_be_missing:
            return ""
        raise Refused(safeguards.NO_CALLER_NUMBER if is_number else safeguards.NO_CALLER_NAME)

    def _fits(self, variable: Variable, language: str, name: str) -> bool:
        # Names come from directories that anybody can write to: what is no name counts as none.
        if text.is_blank(name):
            return False
        try:
            variable.refuse(name)
            self._filling.refuse_links(language, {**self._given, variable.name: name})
        except text.CannotBeFilled:
            return False
        return True

    def _how_to_shorten(self, values: Mapping[str, str]) -> str:
        written = {name: value for name, value in values.items() if name in self.asked}
        if not written:
            return safeguards.TOO_LONG.say
        longest = self.asked[max(written, key=lambda name: len(written[name]))].words
        odd = text.outside_gsm("".join(written.values()))
        without = f" and leave out {' '.join(odd[:MAX_CHARACTERS_NAMED])}" if odd else ""
        return f"That text came out too long, so I haven't sent it yet. I'll shorten the {longest}{without}."


def schema(variable: Variable) -> dict[str, Any]:
    """What the model reads of a variable that it fills: a property's JSON schema."""
    hints = [variable.description.strip() or f"The {variable.words}, as it is to stand in the text."]
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
