"""An application whose model calls tools: what the clients of the models' vendors have in common.

The model is played by an API of our own. The client sends it the tools, reads the tool calls that it answers
with, the application passes them on to Midcall, and the client sends the results back.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

from tests.vendors.scripts.api import Api, answering
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard


class Called(NamedTuple):
    """A tool call as the client has read it from the model's answer."""

    id: str
    name: str
    arguments: dict[str, Any]


class Model(Runtime):
    """A client that is given `shape` of the tools."""

    shape: ClassVar[str] = ""

    @abstractmethod
    def names(self, body: Any) -> list[str]:
        """The tools' names in a request to the model."""

    @abstractmethod
    def calls(self, asked: tuple[Asked, ...]) -> Any:
        """The model's answer: it calls tools."""

    @abstractmethod
    def ask(self, api: Api, definitions: list[dict[str, Any]]) -> tuple[Any, list[Called]]:
        """Ask the model, and read what it calls; with whatever is needed to go on."""

    @abstractmethod
    def tell(self, api: Api, context: Any, results: list[tuple[Called, str]]) -> None:
        """Send the model what came of its calls."""

    @abstractmethod
    def told(self, body: Any) -> list[str]:
        """What the model was told, from a request to it."""

    def listed(self) -> list[str]:
        definitions = self.definitions(self.shape)
        with answering(lambda body: self.calls(())) as api:
            self.ask(api, definitions)
            return self.names(api.last)

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        answers = []
        with answering(lambda body: self.calls(asked)) as api:
            context, called = self.ask(api, self.definitions(self.shape))
            assert [each.arguments for each in called] == [each.arguments for each in asked], called
            for each, call in zip(asked, called, strict=True):
                envelope = {
                    "callId": each.call,
                    "toolCallId": call.id,
                    "customerPhoneNumber": each.caller,
                    "parameters": call.arguments,
                }
                answers.append(heard(*self.post(f"tools/{call.name}", envelope, self.bearer(secret))))
            results = [(call, answer.say) for call, answer in zip(called, answers, strict=True)]
            self.tell(api, context, results)
            assert self.told(api.last) == [answer.say for answer in answers], api.last
        return answers
