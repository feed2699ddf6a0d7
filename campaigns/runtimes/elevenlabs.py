"""ElevenLabs' server tools, https://elevenlabs.io/docs/eleven-agents/customization/tools/server-tools

There is no envelope but the one that the tool's definition asks for: constants, the platform's own variables,
and what the model fills in. Requests of tools are not signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.runtimes.base import (
    TIMEOUT_SECONDS,
    Answered,
    Asked,
    Received,
    Webhook,
    described,
    description,
    other_party,
    parameters,
    words,
)
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block, written
from campaigns.tools import Offered

# Only headers may hold a secret, by its id in the workspace.
SECRET_ID = "ID_OF_THE_WORKSPACE_SECRET"


class ElevenLabs(Webhook):
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
                caller_number=other_party(
                    envelope.get("direction"), envelope.get("caller"), envelope.get("called")
                ),
                parameters=parameters(envelope.get("parameters")),
            )
        ]

    def render(self, answered: Sequence[Answered]) -> Any:
        """The JSON that the agent reads."""
        return answered[0].as_json() if answered else {}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """The `tool_config` of POST /v1/convai/tools. For agents that call out, `direction` is "outbound"."""
        asked = {
            **described(tool, "type", "description"),
            "description": "What the text needs.",
        }
        body = {
            "tool": {"type": "string", "constant_value": tool.name},
            "direction": {"type": "string", "constant_value": "inbound"},
            "call_id": {"type": "string", "dynamic_variable": "system__conversation_id"},
            "caller": {"type": "string", "dynamic_variable": "system__caller_id"},
            "called": {"type": "string", "dynamic_variable": "system__called_number"},
            "parameters": asked,
        }
        return {
            "type": "webhook",
            "name": tool.name,
            "description": description(tool),
            "response_timeout_secs": TIMEOUT_SECONDS,
            "api_schema": {
                "url": f"{address}/elevenlabs",
                "method": "POST",
                "content_type": "application/json",
                "request_headers": {"Authorization": {"secret_id": SECRET_ID}},
                "request_body_schema": {
                    "type": "object",
                    "description": "One text message to ask for.",
                    "properties": body,
                    "required": [*body],
                },
            },
        }

    def guide(self, way: Way) -> Guide:
        """A secret of the workspace, then the tools; or MCP."""
        secret = {"type": "new", "name": "midcall", "value": way.bearer}
        envelope = {
            "tool": way.tool.name,
            "direction": "inbound",
            "call_id": f"try-{NOW}",
            "caller": way.caller,
            "called": "",
            "parameters": way.parameters,
        }
        return Guide(
            steps=(
                Step(
                    "Store this as a secret of your workspace, named midcall: in the tool's form under "
                    "Headers › Secret, or by POST to https://api.elevenlabs.io/v1/convai/secrets. The API "
                    "answers with the secret's id.",
                    (
                        Block("The secret's value", way.bearer, "text"),
                        Block("Or, for the API", written(secret)),
                    ),
                ),
                Step(
                    "Make each tool: in your agent Tools › Add tool › Webhook, or by POST to "
                    'https://api.elevenlabs.io/v1/convai/tools with {"tool_config": …}, one of these '
                    f"at a time. Put the secret's id where {SECRET_ID} stands. For an agent that calls out, "
                    "“direction” is outbound.",
                    (
                        Block("URL", way.door, "text"),
                        tools_block(way, self.definition, "The tools: tool_config"),
                    ),
                ),
                Step(
                    "In your agent, add the tools, and paste the prompt below as its System prompt. Test "
                    "with a phone call: in the browser nobody has a number.",
                ),
            ),
            tries=asking(way.door, {"Authorization": way.bearer}, envelope),
        )
