"""Retell's custom functions, https://docs.retellai.com/build/conversation-flow/custom-function"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from campaigns.models import Connection
from campaigns.runtimes.base import (
    SECRET,
    TIMEOUT_SECONDS,
    Answered,
    Asked,
    NotAuthentic,
    Received,
    Unreadable,
    Webhook,
    asked_by_address,
    description,
    is_mac,
    other_party,
    parameters,
    part,
    proof_of,
    refuse_old,
    words,
)
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block, written
from campaigns.tools import Offered

SIGNATURE = re.compile(r"v=([0-9]{1,16}),d=([0-9a-f]{64})")
# What the agent says while the function runs, where it is told to: Retell's own, written beside ours.
FILLER = "execution_message"


class Retell(Webhook):
    """One webhook for all functions. Retries come with the same body, and are answered as the first time."""

    max_retries: ClassVar[int] = 1

    def verify(self, connection: Connection, received: Received) -> str:
        """By the signature if the connection has Retell's API key, else by its own secret."""
        keys = connection.signing_secrets()
        if not keys:
            return super().verify(connection, received)
        found = SIGNATURE.fullmatch(received.headers.get("X-Retell-Signature", "").strip())
        if found is None:
            raise NotAuthentic("X-Retell-Signature is missing or not of the form v=…,d=…")
        at, digest = found.groups()
        refuse_old(at)
        message, signature = received.body + at.encode(), bytes.fromhex(digest)
        if not is_mac(signature, message, map(str.encode, keys)):
            raise NotAuthentic("the signature in X-Retell-Signature is wrong")
        return proof_of(connection, signature)

    def parse(self, received: Received) -> list[Asked]:
        """The one call. Of a body of arguments alone nothing is believed: then the address must say the rest.

        Raises Unreadable if it does not.
        """
        envelope = received.envelope
        if "tool" in received.query:
            if isinstance(envelope.get("call"), dict):
                # The same signature would do once more, for any call that the address says.
                raise Unreadable(
                    "Both the body and the address say which call it is: switch “Payload: args only” on in "
                    "the function's settings, or leave out all that stands behind the “?” of its URL."
                )
            return [asked_by_address(received, _ours(envelope))]
        call, args = part(envelope, "call"), envelope.get("args")
        if not call or "args" not in envelope:
            raise Unreadable(
                "The body has no “call” and “args”: switch “Payload: args only” off in the function's "
                "settings, or end its URL with ?tool=…&call_id={{call_id}}&caller={{user_number}}."
            )
        written = parameters(args)
        name = words(envelope.get("name"))
        asked = Asked(
            tool=name,
            call_id=words(call.get("call_id")),
            tool_call_id=_invocation(call, name, written),
            caller_number=other_party(call.get("direction"), call.get("from_number"), call.get("to_number")),
            parameters=_ours(written),
        )
        return [asked]

    def render(self, answered: Sequence[Answered]) -> Any:
        """The JSON that the agent reads."""
        return answered[0].as_json() if answered else {}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """An entry of `general_tools`, or of a conversation flow's `tools`."""
        return {
            "type": "custom",
            "name": tool.name,
            "description": description(tool),
            "url": f"{address}/retell",
            "method": "POST",
            "headers": {"Authorization": f"Bearer {SECRET}"},
            "args_at_root": False,
            "parameters": tool.parameters,
            "speak_during_execution": False,
            "speak_after_execution": True,
            "timeout_ms": TIMEOUT_SECONDS * 1000,
            "max_retry": self.max_retries,
        }

    def guide(self, way: Way) -> Guide:
        """In Retell's dashboard, or by its API."""
        parameters = [Block(f"{tool.name}: Parameters", written(tool.parameters)) for tool in way.tools]
        call = {"call_id": f"try-{NOW}", "direction": "inbound", "from_number": way.caller, "to_number": ""}
        envelope = {"name": way.tool.name, "call": call, "args": way.parameters}
        return Guide(
            steps=(
                Step(
                    "In Retell's dashboard, open your agent. In its section Functions: + Add › Custom "
                    "Function, once for each tool. Copy its name and description from the block of step 3. "
                    "The method is POST; leave “Payload: args only” off.",
                    (
                        Block("API Endpoint", way.door, "text"),
                        Block("Headers: Authorization", way.bearer, "text"),
                    ),
                ),
                Step("Paste its parameters as JSON Schema.", tuple(parameters)),
                Step(
                    "By Retell's API it is all of this at once: add it to general_tools of your LLM "
                    "(update-retell-llm), or to the tools of a conversation flow.",
                    (tools_block(way, self.definition, "general_tools"),),
                ),
                Step(
                    "Signed requests are safer: under Signing, store the API key that has the webhook "
                    "badge in Retell's dashboard. From then on the header Authorization is not needed.",
                ),
            ),
            tries=asking(way.door, {"Authorization": way.bearer}, envelope),
        )


def _ours(written: dict[str, Any] | None) -> dict[str, Any] | None:
    return written and {name: value for name, value in written.items() if name != FILLER}


def _invocation(call: dict[str, Any], name: str, written: dict[str, Any] | None) -> str:
    """The id of this very tool call, which only the transcript has: the last one in it, if that is ours."""
    transcript = call.get("transcript_with_tool_calls")
    for entry in reversed(transcript if isinstance(transcript, list) else []):
        if isinstance(entry, dict) and entry.get("role") == "tool_call_invocation":
            is_ours = entry.get("name") == name and parameters(entry.get("arguments")) == written
            return words(entry.get("tool_call_id")) if is_ours else ""
    return ""
