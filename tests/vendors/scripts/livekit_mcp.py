"""LiveKit Agents' own class for MCP, of `livekit-agents`, which picks the transport by the URL's end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit.agents.llm import ToolError
from livekit.agents.llm.mcp import MCPServerHTTP

from tests.vendors.scripts.runtime import Asked, Heard, main
from tests.vendors.scripts.speaking_mcp import McpClient, result


class LiveKit(McpClient):
    """Its tools are functions, which return what the model is given."""

    async def names(self, url: str, headers: dict[str, str]) -> list[str]:
        async with server(url, headers) as opened:
            return [tool.info.name for tool in await opened.list_tools()]

    async def called(self, url: str, headers: dict[str, str], asked: tuple[Asked, ...]) -> list[Heard]:
        async with server(url, headers) as opened:
            [confirmation] = [tool for tool in await opened.list_tools() if tool.info.name == "confirmation"]
            answers = await asyncio.gather(
                *(confirmation(raw_arguments=each.arguments) for each in asked), return_exceptions=True
            )
        return [heard(answer) for answer in answers]


@asynccontextmanager
async def server(url: str, headers: dict[str, str]) -> AsyncIterator[MCPServerHTTP]:
    """One that is open."""
    found = MCPServerHTTP(url, headers=headers)
    await found.initialize()
    try:
        yield found
    finally:
        await found.aclose()


def heard(answer: object) -> Heard:
    """LiveKit gives the model the content alone, as JSON: a refusal is told by its words."""
    if isinstance(answer, ToolError):
        return result(str(answer), None, True)
    said: str = json.loads(str(answer))["text"]
    return result(said, None, said.endswith("?"))


if __name__ == "__main__":
    main(LiveKit)
