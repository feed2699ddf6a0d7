"""The client of the official SDK, `mcp` 2.x, which chooses the era by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.vendors.scripts.runtime import Asked, Heard, main
from tests.vendors.scripts.speaking_mcp import McpClient, result

NEWEST = "2026-07-28"


class Second(McpClient):
    """It asks what the server speaks, and goes on in the newest era."""

    async def names(self, url: str, headers: dict[str, str]) -> list[str]:
        async with opened(url, headers) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    async def called(self, url: str, headers: dict[str, str], asked: tuple[Asked, ...]) -> list[Heard]:
        async with opened(url, headers) as client:
            await client.list_tools()
            answers = await asyncio.gather(
                *(client.call_tool("confirmation", each.arguments) for each in asked)
            )
        return [
            result(answer.content[0].text, answer.structured_content, bool(answer.is_error))
            for answer in answers
        ]


@asynccontextmanager
async def opened(url: str, headers: dict[str, str]) -> AsyncIterator[Client]:
    """An open client."""
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


if __name__ == "__main__":
    main(Second)
