"""ElevenLabs, of `elevenlabs`: its client posts the tools, and the platform is played by what it posted.

There is no class for the request of a server tool: its body is what the tool's definition says.
"""

from __future__ import annotations

from typing import Any, ClassVar

from elevenlabs import ConvAiSecretLocator, ElevenLabs, ToolRequestModel
from elevenlabs.types import ToolRequestModelToolConfig_Webhook

from tests.vendors.scripts.api import answering
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard, main


class ServerTool(Runtime):
    """Known by the secret that the workspace keeps for the header."""

    knows_replays: ClassVar[bool] = False
    one_a_request: ClassVar[str] = "one a request"

    def listed(self) -> list[str]:
        self.posted = {config["name"]: config for config in self.post_all()}
        return [*self.posted]

    def post_all(self) -> list[dict[str, Any]]:
        found = []
        usage = {"total_calls": 0, "avg_latency_secs": 0}
        info = {
            "is_creator": True,
            "creator_name": "Ann",
            "creator_email": "ann@example.com",
            "role": "admin",
        }
        with answering(lambda body: {"id": "1", "access_info": info, "usage_stats": usage, **body}) as api:
            client = ElevenLabs(api_key="none", base_url=api.url)
            for definition in self.definitions("elevenlabs"):
                fits(ToolRequestModelToolConfig_Webhook, definition)
                config = ToolRequestModelToolConfig_Webhook(**definition)
                client.conversational_ai.tools.create(request=ToolRequestModel(tool_config=config))
                assert api.last["tool_config"] == definition, api.last
                found.append(api.last["tool_config"])
        return found

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        [each] = asked
        schema = self.posted["confirmation"]["api_schema"]
        variables = {
            "system__conversation_id": each.call,
            "system__caller_id": each.caller,
            "system__called_number": "+13125550142",
        }
        body = {
            name: filled(rule, variables, each.arguments)
            for name, rule in schema["request_body_schema"]["properties"].items()
        }
        header = ConvAiSecretLocator(**schema["request_headers"]["Authorization"])
        assert header.secret_id
        path = schema["url"].removeprefix(self.site.address + "/")
        return [heard(*self.post(path, body, {"Authorization": f"Bearer {secret}"}))]


def filled(rule: dict[str, Any], variables: dict[str, str], written: dict[str, str]) -> Any:
    """What the platform puts into a field of the body, by its documentation."""
    if "constant_value" in rule:
        return rule["constant_value"]
    if "dynamic_variable" in rule:
        return variables[rule["dynamic_variable"]]
    return {name: value for name, value in written.items() if name in rule["properties"]}


if __name__ == "__main__":
    main(ServerTool)
