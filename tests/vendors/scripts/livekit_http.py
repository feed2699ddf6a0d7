"""LiveKit Agents with a function tool over HTTP, made of the definitions that Midcall hands out."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents.llm import RawFunctionTool, ToolContext, function_tool

from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard, main


class LiveKit(Runtime):
    """One function for each tool: the call and the caller come from the room, not from the model."""

    def listed(self) -> list[str]:
        found = ToolContext([self.tool(each, None, "", "") for each in self.definitions("json")])
        return [each["function"]["name"] for each in found.parse_function_tools("openai")]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        [definition] = [each for each in self.definitions("json") if each["name"] == "confirmation"]

        async def go() -> list[Heard]:
            tools = [self.tool(definition, each, each.id, secret) for each in asked]
            return [await tool(raw_arguments=each.arguments) for tool, each in zip(tools, asked, strict=True)]

        return asyncio.run(go())

    def tool(self, definition: dict[str, Any], asked: Asked | None, id: str, secret: str) -> RawFunctionTool:
        async def call(raw_arguments: dict[str, object]) -> Any:
            assert asked
            envelope = {
                "callId": asked.call,
                "toolCallId": id,
                "customerPhoneNumber": asked.caller,
                "parameters": raw_arguments,
            }
            path = f"tools/{definition['name']}"
            return heard(*await asyncio.to_thread(self.post, path, envelope, self.bearer(secret)))

        return function_tool(call, raw_schema=definition)


if __name__ == "__main__":
    main(LiveKit)
