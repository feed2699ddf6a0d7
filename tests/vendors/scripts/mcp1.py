"""The client of the official SDK, `mcp` 1.x: the older era of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from tests.vendors.scripts.runtime import Asked, Heard, main
from tests.vendors.scripts.speaking_mcp import McpClient, result


class First(McpClient):
    """It shakes hands, and then lists and calls."""

    async def names(self, url: str, headers: dict[str, str]) -> list[str]:
        async with session(url, headers) as opened:
            return [tool.name for tool in (await opened.list_tools()).tools]

    async def called(self, url: str, headers: dict[str, str], asked: tuple[Asked, ...]) -> list[Heard]:
        async with session(url, headers) as opened:
            # It holds what comes back to the schemas that it was given.
            await opened.list_tools()
            answers = await asyncio.gather(
                *(opened.call_tool("confirmation", each.arguments) for each in asked)
            )
        return [
            result(answer.content[0].text, answer.structuredContent, answer.isError) for answer in answers
        ]


@asynccontextmanager
async def session(url: str, headers: dict[str, str]) -> AsyncIterator[ClientSession]:
    """An open session."""
    async with (
        httpx.AsyncClient(headers=headers) as client,
        streamable_http_client(url, http_client=client) as (read, write, *_),
        ClientSession(read, write) as opened,
    ):
        await opened.initialize()
        yield opened


if __name__ == "__main__":
    main(First)
