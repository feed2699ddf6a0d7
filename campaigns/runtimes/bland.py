"""Bland's custom tools, https://docs.bland.ai/tutorials/custom-tools

There is no envelope but the one that the tool's definition asks for, with Bland's variables
(https://docs.bland.ai/tutorials/dynamic-data) and the model's. Requests are not signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.runtimes.base import (
    SECRET,
    TIMEOUT_SECONDS,
    Answered,
    Asked,
    Received,
    Webhook,
    described,
    parameters,
    words,
)
from campaigns.tools import Offered


class Bland(Webhook):
    """One webhook for all tools, each told by a constant in its body.

    There is no id of a tool call: the same text in the same call within a while is one request.
    """

    def parse(self, received: Received) -> list[Asked]:
        """The one call."""
        envelope = received.envelope
        return [
            Asked(
                tool=words(envelope.get("tool")),
                call_id=words(envelope.get("call_id")),
                caller_number=words(envelope.get("caller")),
                parameters=_filled(parameters(envelope.get("parameters"))),
            )
        ]

    def render(self, answered: Sequence[Answered]) -> Any:
        """The JSON whose parts the tool's `response` names."""
        return answered[0].as_json() if answered else {}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """The body of POST /v1/tools."""
        schema = described(tool, "type", "description")
        return {
            "name": tool.name,
            "description": tool.description,
            "url": f"{address}/bland",
            "method": "POST",
            "headers": {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"},
            "body": {
                "tool": tool.name,
                "call_id": "{{call_id}}",
                # Always the other party's.
                "caller": "{{phone_number}}",
                "parameters": {name: f"{{{{input.{name}}}}}" for name in schema["properties"]},
            },
            "input_schema": {
                "example": {name: f"the {name.replace('_', ' ')}" for name in schema["properties"]},
                **schema,
            },
            "response": {"sms_status": "$.status", "sms_say": "$.say"},
            "timeout": TIMEOUT_SECONDS * 1000,
        }


def _filled(written: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without what the model left out, which stays as the definition has it."""
    return written and {name: value for name, value in written.items() if value != f"{{{{input.{name}}}}}"}
