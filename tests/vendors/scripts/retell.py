"""Retell, of `retell-sdk`: its client posts the functions, and its own signing signs what calls them."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from retell import Retell
from retell.lib.webhook_auth import symmetric
from retell.types import LlmResponse
from retell.types.llm_create_params import GeneralToolCustomTool
from retell.types.phone_call_response import PhoneCallResponse

from tests.vendors.scripts.api import answering
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.runtime import TOO_OLD_SECONDS, Asked, Heard, Runtime, heard, main


class Function(Runtime):
    """A custom function, whose requests are signed with the API key."""

    signs: ClassVar[bool] = True
    one_a_request: ClassVar[str] = "one a request"

    def listed(self) -> list[str]:
        definitions = self.definitions("retell")
        with answering(lambda body: {"llm_id": "1", "last_modification_timestamp": 1, **body}) as api:
            client = Retell(api_key="none", base_url=api.url)
            for definition in definitions:
                fits(GeneralToolCustomTool, {**definition, "parameters": renamed(definition["parameters"])})
            created = client.llm.create(general_tools=definitions)
            assert isinstance(created, LlmResponse)
            assert api.last["general_tools"] == definitions, api.last
        return [tool.name for tool in created.general_tools or []]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        [each] = asked
        body = json.dumps(self.request(each)).encode()
        signature = symmetric["sign"](body.decode(), key, int(at * 1000))
        fresh = {"timestamp": int(at * 1000), "timeout": TOO_OLD_SECONDS}
        assert symmetric["verify"](body.decode(), key, signature, fresh)
        return [heard(*self.post("retell", body, {"X-Retell-Signature": signature}))]

    def request(self, asked: Asked) -> dict[str, Any]:
        said = [
            {"role": "agent", "content": "May I text you?", "words": []},
            {"role": "user", "content": asked.consent, "words": []},
            {
                "role": "tool_call_invocation",
                "tool_call_id": asked.id,
                "name": "confirmation",
                "arguments": json.dumps(asked.arguments),
            },
        ]
        call = {
            "call_type": "phone_call",
            "call_id": asked.call,
            "agent_id": "an-agent",
            "agent_version": 1,
            "call_status": "ongoing",
            "direction": "inbound",
            "from_number": asked.caller,
            "to_number": "+13125550142",
            "transcript_with_tool_calls": said,
        }
        read = PhoneCallResponse.model_validate(call)
        assert not read.model_extra, read.model_extra
        return {"name": "confirmation", "call": read.to_dict(), "args": asked.arguments}


def renamed(parameters: dict[str, Any]) -> dict[str, Any]:
    """The schema under the names that the library has in Python."""
    kept = {name: value for name, value in parameters.items() if name != "additionalProperties"}
    return {**kept, "additional_properties": parameters["additionalProperties"]}


if __name__ == "__main__":
    main(Function)
