"""Pipecat's own class for MCP, of `pipecat-ai`."""

from __future__ import annotations

import asyncio

from mcp.client.session_group import StreamableHttpParameters
from pipecat.services.mcp_service import MCPClient

from tests.vendors.scripts.pipecat_function import result_of
from tests.vendors.scripts.runtime import Asked, Heard, main
from tests.vendors.scripts.speaking_mcp import McpClient, result


class Pipecat(McpClient):
    """Its tools are functions, and what it gives the model is the content alone."""

    async def names(self, url: str, headers: dict[str, str]) -> list[str]:
        async with MCPClient(StreamableHttpParameters(url=url, headers=headers)) as client:
            return [schema.name for schema in (await client.tools()).standard_tools]

    async def called(self, url: str, headers: dict[str, str], asked: tuple[Asked, ...]) -> list[Heard]:
        async with MCPClient(StreamableHttpParameters(url=url, headers=headers)) as client:
            handlers = {schema.name: schema.handler for schema in (await client.tools()).standard_tools}
            answers = await asyncio.gather(*(result_of(handlers["confirmation"], each) for each in asked))
        return [result(said, None, said.endswith("?")) for said in answers]


if __name__ == "__main__":
    main(Pipecat)
