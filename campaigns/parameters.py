"""What a model filled in, held to the schema of the tool that it calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from campaigns.content import BODY
from campaigns.tools import REFUSED_WITHOUT, TRY_AGAIN, Tool
from sms import text
from sms.models import Variable

MAX_NAMES_SHOWN = 10


class BadParameters(ValueError):
    """The parameters do not fit the tool's schema. `say` tells the agent what to do about it."""

    def __init__(self, problem: str, say: str = TRY_AGAIN) -> None:
        super().__init__(problem)
        self.say = say


def checked(tool: Tool, parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters as strings, each of the shape that the tool's schema says; what may be missing may.

    Consent may be missing, too, and that a number was confirmed: that is a refusal, by the safeguards, not an
    error. Raises BadParameters.
    """
    properties = tool.parameters["properties"]
    unknown = [str(name) for name in parameters if name not in properties]
    if unknown:
        raise BadParameters(f"This tool has no parameter {_quoted(unknown)}; it has {_quoted(properties)}.")
    values: dict[str, str] = {}
    for name, rule in properties.items():
        value = parameters.get(name)
        if value is not None and not isinstance(value, str):
            raise BadParameters(f"The parameter “{name}” must be a string.")
        if value is None or text.is_blank(value):
            if name in REFUSED_WITHOUT:
                values[name] = ""
            elif name not in tool.may_be_missing:
                raise BadParameters(
                    f"The parameter “{name}” is missing.",
                    f"Before I can send the text, I still need the {name.replace('_', ' ')}.",
                )
            continue
        if name in tool.asked:
            _refuse_unfit(tool.asked[name], value)
        else:
            # What takes more segments than the action allows is a refusal, too, which is recorded.
            most = text.MAX_BODY_CHARACTERS if name == BODY else rule["maxLength"]
            _refuse_unusable(name, value, most)
        values[name] = value
    return values


def _refuse_unfit(variable: Variable, value: str) -> None:
    try:
        variable.refuse(value)
    except text.CannotBeFilled as error:
        raise BadParameters(f"The parameter {error}", error.say) from error


def _refuse_unusable(name: str, value: str, max_length: int) -> None:
    if len(value) > max_length:
        raise BadParameters(
            f"The parameter “{name}” has {len(value)} characters, {max_length} is the most.",
            "That is too long for a text. I'll make it shorter.",
        )
    try:
        text.refuse_unsendable(value)
    except text.CannotBeSent as error:
        raise BadParameters(
            f"The parameter “{name}” cannot be sent: {error}", text.CANNOT_BE_TEXTED
        ) from error


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name[:64]}”" for name in list(names)[:MAX_NAMES_SHOWN]) or "none"
