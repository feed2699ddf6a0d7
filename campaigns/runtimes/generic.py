"""The plain shape: any runtime that reads JSON schema, and speaks HTTP."""

from __future__ import annotations

from typing import Any

from campaigns.runtimes.base import description
from campaigns.runtimes.guide import LIVE, Block, Guide, Step, Way, asking_tools, tools_block, written
from campaigns.tools import Offered


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """A tool's name, description and parameters."""
    return {"name": tool.name, "description": description(tool), "parameters": tool.parameters}


def guide(way: Way) -> Guide:
    """For a runtime of one's own, and for Atlas's HTTP actions, whose payload this door takes."""
    envelope = {
        "callId": "the runtime's id of the call",
        "toolCallId": "the runtime's id of this tool call, if it has one",
        "customerPhoneNumber": "the caller's number, from the telephony: +13125550100",
        "customerName": "the caller's name, if it is known",
        "parameters": way.parameters,
    }
    return Guide(
        steps=(
            Step(
                "Give the model these tools. " + LIVE,
                (
                    Block("Where they are asked for", f"{way.address}/tools", "text"),
                    tools_block(way, definition, "The tools, as JSON schema"),
                ),
            ),
            Step(
                "When the model calls one, POST to its address. In Atlas, that is the URL of an HTTP "
                "action; leave the method at POST and Synchronous Mode on.",
                (
                    Block("URL of one tool", f"{way.address}/tools/{way.tool.name}", "text"),
                    Block("Header", f"Authorization: {way.bearer}", "text"),
                    Block("Body", written(envelope)),
                ),
            ),
            Step("Have the agent say the line that comes back as “say”: it is true, whatever it says."),
        ),
        tries=asking_tools(way),
    )
