"""Gemini, of `google-genai`."""

from __future__ import annotations

from typing import Any, ClassVar

from google import genai
from google.genai import types

from tests.vendors.scripts.api import Api
from tests.vendors.scripts.model import Called, Model
from tests.vendors.scripts.runtime import Asked, main


class Gemini(Model):
    """`models.generate_content`, with function declarations; their types refuse what they do not know."""

    shape: ClassVar[str] = "gemini"

    def names(self, body: Any) -> list[str]:
        return [each["name"] for each in body["tools"][0]["functionDeclarations"]]

    def calls(self, asked: tuple[Asked, ...]) -> Any:
        parts: list[Any] = [
            {"functionCall": {"id": each.id, "name": "confirmation", "args": each.arguments}}
            for each in asked
        ]
        content = {"role": "model", "parts": parts or [{"text": "Hello."}]}
        return {"candidates": [{"content": content, "finishReason": "STOP"}]}

    def ask(self, api: Api, definitions: list[dict[str, Any]]) -> tuple[Any, list[Called]]:
        declared = [types.FunctionDeclaration.model_validate(definition) for definition in definitions]
        self.config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declared)])
        said: list[Any] = [types.UserContent("Please text me that.")]
        answer = self.generated(api, said)
        called = [
            Called(call.id or "", call.name or "", call.args or {}) for call in answer.function_calls or []
        ]
        assert answer.candidates
        return [*said, answer.candidates[0].content], called

    def tell(self, api: Api, context: Any, results: list[tuple[Called, str]]) -> None:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": say})
            )
            for call, say in results
        ]
        self.generated(api, [*context, types.Content(role="user", parts=parts)])

    def told(self, body: Any) -> list[str]:
        return [part["functionResponse"]["response"]["result"] for part in body["contents"][-1]["parts"]]

    def generated(self, api: Api, said: list[Any]) -> types.GenerateContentResponse:
        client = genai.Client(api_key="none", http_options=types.HttpOptions(base_url=api.url))
        return client.models.generate_content(model="a-model", contents=said, config=self.config)


if __name__ == "__main__":
    main(Gemini)
