"""Vapi, of `vapi_server_sdk`: its client posts the tools, its types make the messages."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, ClassVar

from vapi import (
    Call,
    CreateCustomerDto,
    ServerMessage,
    ServerMessageToolCalls,
    ToolCall,
    ToolCallFunction,
    Vapi,
)
from vapi.core.jsonable_encoder import jsonable_encoder
from vapi.core.serialization import convert_and_respect_annotation_metadata
from vapi.tools import CreateToolsRequest_Function
from vapi.types import (
    ServerMessageResponseToolCalls,
    ServerMessageToolCallsToolWithToolCallListItem_Function,
)

from tests.vendors.scripts.api import answering
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, main


class Signed(Runtime):
    """With an HMAC credential and its defaults."""

    always_ok: ClassVar[bool] = True
    signs: ClassVar[bool] = True

    def listed(self) -> list[str]:
        definitions = self.definitions("vapi")
        with answering(
            lambda body: {"id": "1", "orgId": "1", "createdAt": NOW, "updatedAt": NOW, **body}
        ) as api:
            client = Vapi(token="none", base_url=api.url)
            for definition in definitions:
                fits(CreateToolsRequest_Function, definition)
                client.tools.create(request=CreateToolsRequest_Function(**definition))
                assert api.last == definition, api.last
        return [definition["function"]["name"] for definition in definitions]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        body = self.message(asked, at)
        status, answer = self.post("vapi", body, self.proof(body, at, key))
        read = ServerMessageResponseToolCalls(**answer)
        fits(ServerMessageResponseToolCalls, answer)
        heard = []
        for each, result in zip(asked, read.results or [], strict=True):
            assert (result.tool_call_id, result.name) == (each.id, "confirmation"), result
            say = result.result if result.error is None else result.error
            assert say and "\n" not in say, say
            heard.append(Heard(status, say, result.error is None))
        return heard

    def message(self, asked: tuple[Asked, ...], at: float) -> bytes:
        calls = [
            ToolCall(
                id=each.id,
                type="function",
                function=ToolCallFunction(name="confirmation", arguments=json.dumps(each.arguments)),
            )
            for each in asked
        ]
        customer = CreateCustomerDto(number=asked[0].caller)
        call = Call(
            id=asked[0].call,
            org_id="an-organisation",
            created_at=NOW,
            updated_at=NOW,
            type="inboundPhoneCall",
            status="in-progress",
            customer=customer,
        )
        message = ServerMessageToolCalls(
            type="tool-calls",
            timestamp=at * 1000,
            tool_call_list=calls,
            tool_with_tool_call_list=[
                ServerMessageToolCallsToolWithToolCallListItem_Function(tool_call=each) for each in calls
            ],
            call=call,
            customer=customer,
        )
        return json.dumps(written(ServerMessage(message=message))).encode()

    def proof(self, body: bytes, at: float, key: str) -> dict[str, str]:
        digest = hmac.new(key.encode(), f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Timestamp": str(int(at)), "X-Signature": digest}


NOW: Any = "2026-11-28T12:00:00Z"


def written(message: ServerMessage) -> Any:
    """As the library writes what it sends."""
    named = convert_and_respect_annotation_metadata(
        object_=message, annotation=ServerMessage, direction="write"
    )
    return jsonable_encoder(named)


if __name__ == "__main__":
    main(Signed)
