"""OpenAI's Responses, of `openai`."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall

from tests.vendors.scripts.api import Api
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.model import Called, Model
from tests.vendors.scripts.openai_chat import client
from tests.vendors.scripts.runtime import Asked, main


class Responses(Model):
    """`responses.create`, with strict tools."""

    shape: ClassVar[str] = "openai-responses"

    def names(self, body: Any) -> list[str]:
        return [tool["name"] for tool in body["tools"]]

    def calls(self, asked: tuple[Asked, ...]) -> Any:
        calls = [
            {
                "type": "function_call",
                "id": f"fc_{each.id}",
                "call_id": each.id,
                "name": "confirmation",
                "arguments": json.dumps(each.arguments),
                "status": "completed",
            }
            for each in asked
        ]
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": "a-model",
            "output": calls,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }

    def ask(self, api: Api, definitions: list[dict[str, Any]]) -> tuple[Any, list[Called]]:
        for definition in definitions:
            fits(FunctionToolParam, definition)
        self.tools = definitions
        said: list[Any] = [{"role": "user", "content": "Please text me that."}]
        answer = client(api).responses.create(model="a-model", input=said, tools=definitions)
        calls = [each for each in answer.output if isinstance(each, ResponseFunctionToolCall)]
        called = [Called(call.call_id, call.name, json.loads(call.arguments)) for call in calls]
        return [*said, *answer.output], called

    def tell(self, api: Api, context: Any, results: list[tuple[Called, str]]) -> None:
        said = [{"type": "function_call_output", "call_id": call.id, "output": say} for call, say in results]
        client(api).responses.create(model="a-model", input=[*context, *said], tools=self.tools)

    def told(self, body: Any) -> list[str]:
        return [each["output"] for each in body["input"] if each.get("type") == "function_call_output"]


if __name__ == "__main__":
    main(Responses)
