"""Pipecat: tools by MCP, or as functions over HTTP, https://docs.pipecat.ai/guides/learn/function-calling"""

from __future__ import annotations

from dataclasses import replace

from campaigns.runtimes import mcp
from campaigns.runtimes.guide import Block, Guide, Step, Way, asking_tools


def guide(way: Way) -> Guide:
    """The code of a bot. Which call it is, and who calls, the bot knows from its transport."""
    return Guide(
        steps=(
            Step(
                "Install Pipecat's support for MCP: pip install \"pipecat-ai[mcp]\". In the bot's code, "
                "this registers the tools of one call with its LLM service; hand what it returns to the "
                "context as `tools`.",
                (Block("By MCP", way.python(BY_MCP), "python"),),
            ),
            Step(
                "Or without MCP: the same tools as functions, over HTTP.",
                (Block("Over HTTP", way.python(BY_HTTP), "python"),),
            ),
            Step(
                "Call it where the bot starts. On telephony, parse_telephony_websocket gives the call's "
                "id; the caller's number comes from your carrier's webhook, as a custom parameter of the "
                "stream.",
                (Block("In the bot", way.python(BOT), "python"),),
            ),
        ),
        tries=(*asking_tools(way), replace(mcp.called(way)[0], title="curl, by MCP")),
    )


BY_MCP = """
from mcp.client.session_group import StreamableHttpParameters
from pipecat.services.mcp_service import MCPClient


async def midcall_tools(llm, call_id: str, caller: str):
    headers = {"Authorization": $bearer, "X-Call-Id": call_id, "X-Caller-Number": caller}
    server = MCPClient(StreamableHttpParameters(url=$address + "/mcp", headers=headers))
    return await server.register_tools(llm)
"""
BY_HTTP = """
import asyncio

from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema

$client

async def midcall_tools(llm, call_id: str, caller: str):
    async def called(params):
        told = await asyncio.to_thread(
            fire, params.function_name, dict(params.arguments), call_id, caller, params.tool_call_id
        )
        await params.result_callback(told)

    schemas = []
    for tool in (await asyncio.to_thread(midcall, "/tools?format=json"))["tools"]:
        asked = tool["parameters"]
        llm.register_function(tool["name"], called)
        schemas.append(
            FunctionSchema(tool["name"], tool["description"], asked["properties"], asked["required"])
        )
    return ToolsSchema(standard_tools=schemas)
"""
BOT = """
tools = await midcall_tools(llm, call_id, caller)
context = LLMContext(messages, tools=tools)
"""
