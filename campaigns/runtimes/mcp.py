"""MCP, https://modelcontextprotocol.io: any client, and what it says of the call beside the protocol."""

from __future__ import annotations

from typing import Any

from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, written

# Vapi sends the first by itself.
CALL_ID = "X-Call-Id"
CALLER_NUMBER = "X-Caller-Number"
CALLER_NAME = "X-Caller-Name"
LANGUAGE = "X-Call-Language"


def url(way: Way) -> str:
    """The endpoint."""
    return f"{way.address}/mcp"


def headers(way: Way, call_id: str, caller: str) -> dict[str, str]:
    """What a client sends with each request, in a call."""
    return {"Authorization": way.bearer, CALL_ID: call_id, CALLER_NUMBER: caller}


def guide(way: Way) -> Guide:
    """For whatever client there is, with the blocks of those that have one."""
    servers = {
        "midcall": {"type": "http", "url": url(way), "headers": headers(way, "THE_CALL_ID", "THE_CALLER")}
    }
    vapi: dict[str, Any] = {
        "type": "mcp",
        "function": {"name": "midcall", "description": "Texts the caller."},
        "server": {
            "url": url(way),
            # It adds the call's id by itself.
            "headers": {"Authorization": way.bearer, CALLER_NUMBER: "{{customer.number}}"},
        },
        "metadata": {"protocol": "shttp"},
    }
    elevenlabs = {
        "config": {
            "name": "Midcall",
            "url": url(way),
            "transport": "STREAMABLE_HTTP",
            "approval_policy": "auto_approve_all",
            "request_headers": {
                "Authorization": way.bearer,
                CALL_ID: {"variable_name": "system__conversation_id"},
                CALLER_NUMBER: {"variable_name": "system__caller_id"},
            },
        }
    }
    return Guide(
        steps=(
            Step(
                "Add an MCP server to the client, with this URL. Its transport is streamable HTTP; there "
                "are no sessions, and nothing to log in to.",
                (Block("URL", url(way), "text"),),
            ),
            Step(
                "Have it send these headers with each request. Put in the call's id and the caller's "
                "number from your telephony: who is texted never comes from what the model writes.",
                (
                    Block("Secret", f"Authorization: {way.bearer}", "text"),
                    Block(
                        "Which call it is, and who calls",
                        f"{CALL_ID}: THE_CALL_ID\n{CALLER_NUMBER}: THE_CALLER",
                        "text",
                    ),
                    Block(
                        "Both, for clients that are configured in a file", written({"mcpServers": servers})
                    ),
                ),
            ),
            Step(
                "A client that sends no headers but the secret takes the call in the URL instead, written "
                "for each call: escape the plus of the number as %2B.",
                (Block("URL of one call", f"{url(way)}?call_id=THE_CALL_ID&caller=%2B13125550100", "text"),),
            ),
            Step(
                "In Vapi: Tools › Create Tool › MCP; or post this to https://api.vapi.ai/tool. In "
                "ElevenLabs: Add Custom MCP Server; or post this to "
                "https://api.elevenlabs.io/v1/convai/mcp-servers.",
                (Block("Vapi", written(vapi)), Block("ElevenLabs", written(elevenlabs))),
            ),
        ),
        tries=called(way),
    )


def called(way: Way) -> tuple[Block, Block]:
    """A call of a tool as a client makes it, from a command line."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": way.tool.name, "arguments": way.parameters},
    }
    sent = {
        **headers(way, f"mcp-{NOW}", way.caller),
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    return asking(url(way), sent, message)
