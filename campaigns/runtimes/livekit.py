"""LiveKit Agents: tools by MCP, https://docs.livekit.io/agents/logic/tools/mcp, or as functions over HTTP."""

from __future__ import annotations

from dataclasses import replace

from campaigns.runtimes import mcp
from campaigns.runtimes.guide import Block, Guide, Step, Way, asking_tools


def guide(way: Way) -> Guide:
    """The code of an agent in Python. LiveKit's SIP puts the call into the caller's attributes."""
    return Guide(
        steps=(
            Step(
                "Install LiveKit's support for MCP: pip install \"livekit-agents[mcp]\". In the agent's "
                "code, this makes the tools of one call; the agent lists them when it starts.",
                (Block("By MCP", way.python(BY_MCP), "python"),),
            ),
            Step(
                "Or without MCP: the same tools as functions, over HTTP.",
                (Block("Over HTTP", way.python(BY_HTTP), "python"),),
            ),
            Step(
                "In the job's entrypoint, wait for the caller and hand the tools to the agent. Who calls "
                "is known from the telephony: sip.callID and sip.phoneNumber.",
                (Block("Entrypoint", way.python(ENTRYPOINT), "python"),),
            ),
        ),
        tries=(*asking_tools(way), replace(mcp.called(way)[0], title="curl, by MCP")),
    )


BY_MCP = """
from livekit.agents import mcp


def midcall_tools(call_id: str, caller: str) -> list:
    headers = {"Authorization": $bearer, "X-Call-Id": call_id, "X-Caller-Number": caller}
    server = mcp.MCPServerHTTP($endpoint, headers=headers)
    return [mcp.MCPToolset(id="midcall", mcp_server=server)]
"""
BY_HTTP = """
import asyncio

from livekit.agents import function_tool

$client

def midcall_tools(call_id: str, caller: str) -> list:
    def tool(schema: dict):
        async def called(raw_arguments: dict) -> str:
            told = await asyncio.to_thread(fire, schema["name"], raw_arguments, call_id, caller)
            return json.dumps(told)

        return function_tool(called, raw_schema=schema)

    return [tool(schema) for schema in midcall("/tools?format=json")["tools"]]
"""
ENTRYPOINT = """
async def entrypoint(ctx: JobContext):
    await ctx.connect()
    caller = await ctx.wait_for_participant()
    call_id, number = caller.attributes["sip.callID"], caller.attributes["sip.phoneNumber"]
    agent = Agent(instructions=..., tools=midcall_tools(call_id, number))
    await AgentSession(...).start(agent=agent, room=ctx.room)
"""
