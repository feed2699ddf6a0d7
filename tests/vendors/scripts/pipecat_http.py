"""Pipecat with a function over HTTP, made of the definitions that Midcall hands out."""

from __future__ import annotations

import asyncio
from typing import Any

from pipecat.adapters.schemas.function_schema import FunctionSchema
from pipecat.adapters.schemas.tools_schema import ToolsSchema
from pipecat.adapters.services.open_ai_adapter import OpenAILLMAdapter
from pipecat.services.llm_service import FunctionCallParams

from tests.vendors.scripts.pipecat_function import result_of
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard, main


class Pipecat(Runtime):
    """One function for each tool: the call and the caller come from the transport, not from the model."""

    def listed(self) -> list[str]:
        schema = ToolsSchema(standard_tools=[self.function(each) for each in self.definitions("json")])
        written = OpenAILLMAdapter().to_provider_tools_format(schema)
        return [each["function"]["name"] for each in written]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        [definition] = [each for each in self.definitions("json") if each["name"] == "confirmation"]

        async def go() -> list[Heard]:
            functions = [self.function(definition, each, secret) for each in asked]
            calls = [result_of(each.handler, ask) for each, ask in zip(functions, asked, strict=True)]
            return await asyncio.gather(*calls)

        return asyncio.run(go())

    def function(
        self, definition: dict[str, Any], asked: Asked | None = None, secret: str = ""
    ) -> FunctionSchema:
        async def call(params: FunctionCallParams) -> None:
            assert asked
            envelope = {
                "callId": asked.call,
                "toolCallId": params.tool_call_id,
                "customerPhoneNumber": asked.caller,
                "parameters": dict(params.arguments),
            }
            path = f"tools/{params.function_name}"
            answer = await asyncio.to_thread(self.post, path, envelope, self.bearer(secret))
            await params.result_callback(heard(*answer))

        schema = definition["parameters"]
        return FunctionSchema(
            definition["name"], definition["description"], schema["properties"], schema["required"], call
        )


if __name__ == "__main__":
    main(Pipecat)
