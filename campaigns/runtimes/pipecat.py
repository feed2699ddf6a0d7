"""Pipecat (1.14 and newer): tools by MCP, https://docs.pipecat.ai/api-reference/server/utilities/mcp, or as
functions over HTTP."""

from __future__ import annotations

from dataclasses import replace

from campaigns.runtimes import mcp
from campaigns.runtimes.guide import Block, Guide, Step, Way, asking_tools


def guide(way: Way) -> Guide:
    """The code of a bot. Which call it is, and who calls, the bot knows from its transport."""
    return Guide(
        steps=(
            Step(
                "Install Pipecat, 1.14 or newer, with its support for MCP: pip install "
                '"pipecat-ai[mcp]". In the bot\'s code, this makes the tools of one call.',
                (Block("By MCP", way.python(BY_MCP), "python"),),
            ),
            Step(
                "Or without MCP: the same tools as functions, over HTTP.",
                (Block("Over HTTP", way.python(BY_HTTP), "python"),),
            ),
            Step(
                "Hand them to the context where the bot starts; the LLM service registers them by itself. "
                "Which call it is, and who calls, comes from your telephony: parse_telephony_websocket "
                "gives the call's id, and the number comes as a custom parameter of your carrier's stream.",
                (Block("In the bot", way.python(BOT), "python"),),
            ),
        ),
        tries=(*asking_tools(way), replace(mcp.called(way)[0], title="curl, by MCP")),
    )


BY_MCP = """
from mcp.client.session_group import StreamableHttpParameters
from pipecat.services.mcp_service import MCPClient


async def midcall_tools(call_id: str, caller: str):
    headers = {"Authorization": $bearer, "X-Call-Id": call_id, "X-Caller-Number": caller}
    return await MCPClient(StreamableHttpParameters(url=$endpoint, headers=headers)).tools()
"""
BY_HTTP = """
import asyncio

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema

$client

async def midcall_tools(call_id: str, caller: str):
    async def called(params):
        told = await asyncio.to_thread(
            fire, params.function_name, dict(params.arguments), call_id, caller, params.tool_call_id
        )
        await params.result_callback(told)

    def schema(tool):
        asked = tool["parameters"]
        return FunctionSchema(
            tool["name"], tool["description"], asked["properties"], asked["required"], handler=called
        )

    found = await asyncio.to_thread(midcall, "/tools?format=json")
    return ToolsSchema(standard_tools=[schema(tool) for tool in found["tools"]])
"""
BOT = """
context = LLMContext(messages, tools=await midcall_tools(call_id, caller))
"""
