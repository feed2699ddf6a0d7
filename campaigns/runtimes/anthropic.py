"""Anthropic's tools, https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview, and its MCP
connector, https://docs.anthropic.com/en/docs/agents-and-tools/mcp-connector"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes import mcp
from campaigns.runtimes.base import description
from campaigns.runtimes.guide import LIVE, Block, Guide, Step, Way, asking_tools, tools_block, written
from campaigns.tools import Offered

# In the header anthropic-beta.
CONNECTOR = "mcp-client-2025-11-20"


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `tools` in the Messages API."""
    return {
        "name": tool.name,
        "description": description(tool),
        "input_schema": tool.parameters,
    }


def guide(way: Way) -> Guide:
    """A loop of one's own over the Messages API, or Anthropic's own use of MCP."""
    connector = {
        "mcp_servers": [
            {
                "type": "url",
                "name": "midcall",
                # It sends no headers of ours: the call stands in the address.
                "url": f"{mcp.url(way)}?call_id=THE_CALL_ID&caller=%2B13125550100",
                "authorization_token": way.secret,
            }
        ],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": "midcall"}],
    }
    return Guide(
        steps=(
            Step(
                "With the MCP connector there is nothing to write: Anthropic lists the tools and calls "
                "them. Put this into a request of the Messages API, with the call's id and the caller's "
                f"number of that call in the URL, and send the header anthropic-beta: {CONNECTOR}.",
                (Block("MCP connector", written(connector)),),
            ),
            Step(f"Or give the model these tools. {LIVE}", (tools_block(way, definition, "tools"),)),
            Step(
                "Then answer what it calls with this. Its `system` is the campaign's prompt, which "
                'midcall("/prompt")["prompt"] fetches.',
                (Block("Python", way.python(LOOP), "python", runs=True),),
            ),
        ),
        tries=asking_tools(way)[:1],
    )


LOOP = """
$client

def answered(block, call_id, caller):
    \"\"\"The block of the next user message that answers a `tool_use` (as model_dump() gives it).\"\"\"
    told = fire(block["name"], block["input"], call_id, caller, block["id"])
    return {"type": "tool_result", "tool_use_id": block["id"], "content": json.dumps(told)}


# As if the model had called one:
now = time.time_ns()
block = {"type": "tool_use", "id": f"toolu_{now}", "name": $tool, "input": $parameters}
print(answered(block, f"try-{now}", $caller))
"""
