"""OpenAI's Realtime, of `openai`: its session over a WebSocket, whose other end is here."""

from __future__ import annotations

import json
import threading
from typing import Any

from openai import OpenAI
from openai.types.realtime import RealtimeFunctionToolParam
from websockets.sync.server import ServerConnection, serve

from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard, main


class Realtime(Runtime):
    """`realtime.connect`: the session is given the tools, and events carry the calls."""

    def listed(self) -> list[str]:
        definitions = self.definitions("openai-realtime")
        for definition in definitions:
            fits(RealtimeFunctionToolParam, definition)
        sent = self.talk(())
        return [tool["name"] for tool in sent[0]["session"]["tools"]]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        answers: list[Heard] = []

        def pass_on(call_id: str, name: str, arguments: str, each: Asked) -> str:
            envelope = {
                "callId": each.call,
                "toolCallId": call_id,
                "customerPhoneNumber": each.caller,
                "parameters": json.loads(arguments),
            }
            answers.append(heard(*self.post(f"tools/{name}", envelope, self.bearer(secret))))
            return answers[-1].say

        sent = self.talk(asked, pass_on)
        told = [event["item"]["output"] for event in sent if event["type"] == "conversation.item.create"]
        assert told == [answer.say for answer in answers], sent
        return answers

    def talk(self, asked: tuple[Asked, ...], pass_on: Any = None) -> list[dict[str, Any]]:
        """One session in which the model makes these calls; all that the client has sent."""
        sent: list[dict[str, Any]] = []

        def play(socket: ServerConnection) -> None:
            sent.append(json.loads(socket.recv()))
            for number, each in enumerate(asked):
                socket.send(json.dumps(done(each, number)))
                sent.append(json.loads(socket.recv()))
            sent.append(json.loads(socket.recv()))

        with serve(play, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            port = server.socket.getsockname()[1]
            client = OpenAI(api_key="none", websocket_base_url=f"ws://127.0.0.1:{port}")
            with client.realtime.connect(model="a-model") as session:
                tools: Any = self.definitions("openai-realtime")
                session.session.update(session={"type": "realtime", "tools": tools})
                for each in asked:
                    event = session.recv()
                    assert event.type == "response.function_call_arguments.done", event
                    output = pass_on(event.call_id, event.name, event.arguments, each)
                    item: Any = {"type": "function_call_output", "call_id": event.call_id, "output": output}
                    session.conversation.item.create(item=item)
                session.response.create()
                # Until the other end has read it all.
                for _ in session:
                    pass
            server.shutdown()
        return sent


def done(asked: Asked, number: int) -> dict[str, Any]:
    """The event that says that the arguments of a call are complete."""
    return {
        "type": "response.function_call_arguments.done",
        "event_id": f"event_{number}",
        "response_id": "resp_1",
        "item_id": f"item_{number}",
        "output_index": number,
        "call_id": asked.id,
        "name": "confirmation",
        "arguments": json.dumps(asked.arguments),
    }


if __name__ == "__main__":
    main(Realtime)
