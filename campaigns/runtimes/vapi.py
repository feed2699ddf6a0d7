"""Vapi's function tools, https://docs.vapi.ai/tools/custom-tools"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from campaigns.models import Connection
from campaigns.runtimes.base import (
    SECRET,
    TIMEOUT_SECONDS,
    Answered,
    Asked,
    NotAuthentic,
    Received,
    Webhook,
    decoded,
    described,
    description,
    is_mac,
    parameters,
    part,
    proof_of,
    refuse_old,
    words,
)
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block, written
from campaigns.tools import Offered

TOOL_CALLS = "tool-calls"
# https://api.vapi.ai/api, OpenAIFunction
DESCRIPTION_CHARACTERS = 1000


@dataclass(frozen=True)
class Signing:
    """How Vapi signs, as its HMAC credential says: the same names, and its defaults."""

    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    signature_header: str = "x-signature"
    timestamp_header: str = "x-timestamp"
    signature_prefix: str = ""
    payload_format: str = "{timestamp}.{body}"
    message_id_header: str = "svix-id"
    signature_encoding: Literal["hex", "base64"] = "hex"
    secret_is_base64: bool = False

    @classmethod
    def of(cls, connection: Connection) -> Signing:
        """As it is set on the connection."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in connection.signing.items() if name in known})

    def payload(self, received: Received) -> bytes:
        """What is signed. Raises NotAuthentic for a time that is part of it and not about now."""
        timestamp = received.headers.get(self.timestamp_header, "")
        if "{timestamp}" in self.payload_format:
            refuse_old(timestamp)
        # What tells one call from another: signed without it, one signature would do for all.
        if "{body}" not in self.payload_format:
            raise NotAuthentic("the connection's payload format leaves the body out")
        # Split at the body first, so that what stands in it is not taken for a placeholder.
        before, _, after = self.payload_format.partition("{body}")
        said = {
            "{timestamp}": timestamp,
            "{method}": "POST",
            "{url}": received.url,
            "{svix-id}": received.headers.get(self.message_id_header, ""),
        }
        for placeholder, value in said.items():
            before, after = before.replace(placeholder, value), after.replace(placeholder, value)
        return before.encode() + received.body + after.encode()

    def signature(self, received: Received) -> bytes:
        """The signature that came with the request; empty if none did."""
        written = received.headers.get(self.signature_header, "").strip()
        if not written.startswith(self.signature_prefix):
            return b""
        return decoded(written.removeprefix(self.signature_prefix), self.signature_encoding)

    def key(self, secret: str) -> bytes:
        """The key of a secret."""
        return decoded(secret, "base64") if self.secret_is_base64 else secret.encode()


class Vapi(Webhook):
    """One webhook for all tools, with one or more calls in a request.

    A request that comes again has the same tool call ids, and is answered as the first time.
    """

    # https://docs.vapi.ai/tools/custom-tools-troubleshooting: anything else is "No result returned".
    always_ok: ClassVar[bool] = True

    def verify(self, connection: Connection, received: Received) -> str:
        """By the signature if the connection has a signing secret, else by its own secret."""
        secrets = connection.signing_secrets()
        if not secrets:
            return super().verify(connection, received)
        signing = Signing.of(connection)
        payload, signature = signing.payload(received), signing.signature(received)
        if not is_mac(signature, payload, map(signing.key, secrets), signing.algorithm):
            raise NotAuthentic(f"the signature in {signing.signature_header} is missing or wrong")
        return proof_of(connection, signature)

    def secret(self, received: Received) -> str:
        """A bearer secret, or in the header that Vapi used before."""
        return received.headers.get("X-Vapi-Secret", "") or super().secret(received)

    def parse(self, received: Received) -> list[Asked]:
        """The calls of a `tool-calls` message; other messages want no answer."""
        message = part(received.envelope, "message")
        if message.get("type") != TOOL_CALLS:
            return []
        call = part(message, "call")
        customer = part(call, "customer") or part(message, "customer")
        return [
            self._asked(entry, words(call.get("id")), customer)
            for entry in _entries(message)
            if isinstance(entry, dict)
        ]

    def _asked(self, entry: dict[str, Any], call_id: str, customer: dict[str, Any]) -> Asked:
        # Documented are the name and the arguments inside `function`, and beside the id; the arguments under
        # either name, as an object or as JSON in a string.
        inner = part(entry, "toolCall") or entry
        function = part(inner, "function") or inner
        name = function.get("name") or entry.get("name") or part(entry, "function").get("name")
        written = function.get("arguments")
        return Asked(
            tool=words(name),
            call_id=call_id,
            tool_call_id=words(inner.get("id")),
            caller_number=words(customer.get("number")),
            caller_name=words(customer.get("name")),
            parameters=parameters(function.get("parameters") if written is None else written),
        )

    def render(self, answered: Sequence[Answered]) -> Any:
        """One line each: what Vapi puts into the conversation."""
        return {"results": [_result(each) for each in answered]}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """The body of POST /tool, or an entry of an assistant's `model.tools`."""
        schema = described(tool, "type", "description", "pattern")
        function = {
            "name": tool.name,
            "description": description(tool, DESCRIPTION_CHARACTERS),
            # Strict schemas have no parameter that may be left out.
            "strict": set(schema["required"]) == set(schema["properties"]),
            "parameters": schema,
        }
        return {
            "type": "function",
            "function": function,
            "server": {
                "url": f"{address}/vapi",
                "timeoutSeconds": TIMEOUT_SECONDS,
                "headers": {"Authorization": f"Bearer {SECRET}"},
            },
        }

    def guide(self, way: Way) -> Guide:
        """By Vapi's API, or in its dashboard."""
        return Guide(
            steps=(
                Step(
                    "Create the tools. Quickest is Vapi's API: this needs your private key, from Vapi's "
                    "dashboard under API Keys.",
                    (Block("From a command line", self._created(way), "shell"),),
                ),
                Step(
                    "Or in Vapi's dashboard: Tools › Create Tool › Function, once for each tool. Copy its "
                    "name, its description and its parameters from the block below; paste the Server URL, "
                    "and under HTTP Headers the header Authorization.",
                    (
                        Block("Server URL", way.door, "text"),
                        Block("Header Authorization", way.bearer, "text"),
                        tools_block(way, self.definition, "The tools; also for an assistant's model.tools"),
                    ),
                ),
                Step(
                    "In Vapi's dashboard: Assistants › your assistant › Tools: choose them, and Publish. Its "
                    "System Prompt is the campaign's, below.",
                ),
            ),
            tries=asking(way.door, {"Authorization": way.bearer}, self._envelope(way)),
        )

    def _created(self, way: Way) -> str:
        asked = 'curl -sS https://api.vapi.ai/tool -H "Authorization: Bearer $VAPI_API_KEY"'
        # Each is a document of its own, so that nothing in it is the shell's.
        made = [
            f"{asked} -H 'Content-Type: application/json' -d @- <<'TOOL'\n{written(tool)}\nTOOL"
            for tool in way.definitions(self.definition)
        ]
        return "\n".join(["export VAPI_API_KEY=YOUR_PRIVATE_KEY", *made])

    def _envelope(self, way: Way) -> dict[str, Any]:
        function = {"name": way.tool.name, "arguments": way.parameters}
        return {
            "message": {
                "type": TOOL_CALLS,
                "toolCallList": [{"id": f"tool-{NOW}", "type": "function", "function": function}],
                "call": {"id": f"try-{NOW}", "customer": {"number": way.caller}},
            }
        }


def _entries(message: dict[str, Any]) -> list[Any]:
    found = message.get("toolCallList") or message.get("toolWithToolCallList")
    return found if isinstance(found, list) else []


def _result(answered: Answered) -> dict[str, Any]:
    said = f"{answered.say} ({answered.message})" if answered.message else answered.say
    return {
        "name": answered.asked.tool,
        "toolCallId": answered.asked.tool_call_id,
        "error" if answered.came_to_nothing else "result": " ".join(said.split()),
    }
