"""OpenAI's Chat Completions, of `openai`."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from openai import OpenAI
from openai.types.chat import ChatCompletionFunctionToolParam

from tests.vendors.scripts.api import Api
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.model import Called, Model
from tests.vendors.scripts.runtime import Asked, main


class Chat(Model):
    """`chat.completions.create`, with strict tools."""

    shape: ClassVar[str] = "openai"

    def names(self, body: Any) -> list[str]:
        return [tool["function"]["name"] for tool in body["tools"]]

    def calls(self, asked: tuple[Asked, ...]) -> Any:
        calls = [
            {
                "id": each.id,
                "type": "function",
                "function": {"name": "confirmation", "arguments": json.dumps(each.arguments)},
            }
            for each in asked
        ]
        message = {"role": "assistant", "content": None if calls else "Hello.", "tool_calls": calls or None}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        return {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "a-model",
            "choices": [choice],
        }

    def ask(self, api: Api, definitions: list[dict[str, Any]]) -> tuple[Any, list[Called]]:
        for definition in definitions:
            fits(ChatCompletionFunctionToolParam, definition)
        self.tools = definitions
        said: list[Any] = [{"role": "user", "content": "Please text me that."}]
        answer = client(api).chat.completions.create(model="a-model", messages=said, tools=definitions)
        message = answer.choices[0].message
        called = [
            Called(call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or []
        ]
        return [*said, message], called

    def tell(self, api: Api, context: Any, results: list[tuple[Called, str]]) -> None:
        said = [{"role": "tool", "tool_call_id": call.id, "content": say} for call, say in results]
        client(api).chat.completions.create(model="a-model", messages=[*context, *said], tools=self.tools)

    def told(self, body: Any) -> list[str]:
        return [each["content"] for each in body["messages"] if each["role"] == "tool"]


def client(api: Api) -> OpenAI:
    """One that speaks to this machine."""
    return OpenAI(api_key="none", base_url=api.url)


if __name__ == "__main__":
    main(Chat)
