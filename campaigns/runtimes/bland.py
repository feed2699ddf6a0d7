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
    description,
    parameters,
    words,
)
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block, written
from campaigns.tools import Offered

# https://docs.bland.ai/api-v1/post/tools: words that its agents use themselves.
RESERVED = frozenset(
    [
        "input",
        "speak",
        "transfer",
        "switch",
        "wait",
        "finish",
        "press",
        "button",
        "say",
        "pause",
        "record",
        "play",
        "dial",
        "hang",
    ]
)


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
            "description": description(tool),
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

    def guide(self, way: Way) -> Guide:
        """In Bland's dashboard, or by its API."""
        envelope = {
            "tool": way.tool.name,
            "call_id": f"try-{NOW}",
            "caller": way.caller,
            "parameters": way.parameters,
        }
        headers = {"Authorization": way.bearer, "Content-Type": "application/json"}
        taken = [tool.name for tool in way.tools if tool.name.lower() in RESERVED]
        return Guide(
            steps=(
                Step(
                    "Make each tool: in Bland's dashboard under Tools, a custom tool; or by POST to "
                    "https://api.bland.ai/v1/tools, one of these at a time. It answers with the tool's id.",
                    (
                        Block("API Endpoint URL (the method is POST)", way.door, "text"),
                        Block("Headers", written(headers)),
                        tools_block(way, self.definition, "The tools, for the API"),
                    ),
                ),
                Step(
                    "Give the tools to the agent: in a pathway, a node of the kind Custom Tool; with a "
                    "prompt, their ids in `tools` of the call.",
                ),
            ),
            tries=asking(way.door, {"Authorization": way.bearer}, envelope),
            warnings=tuple(
                f"Bland keeps the name “{name}” for itself: rename the tool, or it is not called."
                for name in taken
            ),
        )


def _filled(written: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without what the model left out, which stays as the definition has it."""
    return written and {name: value for name, value in written.items() if value != f"{{{{input.{name}}}}}"}
