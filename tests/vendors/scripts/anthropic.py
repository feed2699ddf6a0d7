"""Anthropic's Messages, of `anthropic`."""

from __future__ import annotations

from typing import Any, ClassVar

from anthropic import Anthropic
from anthropic.types import ToolParam, ToolResultBlockParam, ToolUseBlock

from tests.vendors.scripts.api import Api
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.model import Called, Model
from tests.vendors.scripts.runtime import Asked, main


class Messages(Model):
    """`messages.create`, with tools."""

    shape: ClassVar[str] = "anthropic"

    def names(self, body: Any) -> list[str]:
        return [tool["name"] for tool in body["tools"]]

    def calls(self, asked: tuple[Asked, ...]) -> Any:
        blocks = [
            {"type": "tool_use", "id": each.id, "name": "confirmation", "input": each.arguments}
            for each in asked
        ]
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "a-model",
            "content": blocks or [{"type": "text", "text": "Hello."}],
            "stop_reason": "tool_use" if blocks else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }

    def ask(self, api: Api, definitions: list[dict[str, Any]]) -> tuple[Any, list[Called]]:
        for definition in definitions:
            fits(ToolParam, definition)
        self.tools: Any = definitions
        said: list[Any] = [{"role": "user", "content": "Please text me that."}]
        answer = client(api).messages.create(model="a-model", max_tokens=100, messages=said, tools=self.tools)
        blocks = [block for block in answer.content if isinstance(block, ToolUseBlock)]
        called = [Called(block.id, block.name, dict(block.input)) for block in blocks]  # type: ignore[call-overload]
        return [*said, {"role": "assistant", "content": answer.content}], called

    def tell(self, api: Api, context: Any, results: list[tuple[Called, str]]) -> None:
        blocks = [
            ToolResultBlockParam(type="tool_result", tool_use_id=call.id, content=say)
            for call, say in results
        ]
        said = [*context, {"role": "user", "content": blocks}]
        client(api).messages.create(model="a-model", max_tokens=100, messages=said, tools=self.tools)

    def told(self, body: Any) -> list[str]:
        return [block["content"] for block in body["messages"][-1]["content"]]


def client(api: Api) -> Anthropic:
    """One that speaks to this machine."""
    return Anthropic(api_key="none", base_url=api.url)


if __name__ == "__main__":
    main(Messages)
