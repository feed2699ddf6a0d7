"""Telnyx' webhook tools, https://developers.telnyx.com/docs/inference/ai-assistants/no-code-voice-assistant

The body has what the model wrote, and nothing else; which call it is comes in headers, which the definition
fills from Telnyx' variables and Telnyx does not sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from campaigns.models import Connection
from campaigns.runtimes.base import (
    TIMEOUT_SECONDS,
    Answered,
    Asked,
    NotAuthentic,
    Received,
    Webhook,
    decoded,
    described,
    description,
    proof_of,
    refuse_old,
    words,
)
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block
from campaigns.tools import Offered

# In Connection.signing, where nothing is secret.
PUBLIC_KEY = "public_key"
# How Telnyx puts a stored secret into a header.
SECRET = "{{#integration_secret}}midcall{{/integration_secret}}"


class Telnyx(Webhook):
    """One webhook for all tools, each told by its address.

    There is no id of a tool call: the signature stands for it.
    """

    def verify(self, connection: Connection, received: Received) -> str:
        """By the signature if the connection has the account's public key, else by its own secret."""
        public_key = connection.signing.get(PUBLIC_KEY)
        if not public_key:
            return super().verify(connection, received)
        timestamp = received.headers.get("Telnyx-Timestamp", "")
        refuse_old(timestamp)
        signature = decoded(received.headers.get("Telnyx-Signature-Ed25519", "").strip(), "base64")
        try:
            key = Ed25519PublicKey.from_public_bytes(decoded(public_key, "base64"))
            key.verify(signature, timestamp.encode() + b"|" + received.body)
        except ValueError:
            raise NotAuthentic("the connection's public key is none") from None
        except InvalidSignature:
            raise NotAuthentic("the signature in Telnyx-Signature-Ed25519 is missing or wrong") from None
        return proof_of(connection, signature)

    def parse(self, received: Received) -> list[Asked]:
        """The one call."""
        return [
            Asked(
                tool=words(received.query.get("tool")),
                call_id=words(received.headers.get("X-Call-Id")),
                caller_number=words(received.headers.get("X-Caller-Number")),
                parameters=received.envelope,
                is_signed=False,
            )
        ]

    def render(self, answered: Sequence[Answered]) -> Any:
        """The JSON that the assistant reads."""
        return answered[0].as_json() if answered else {}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """An entry of an assistant's `tools`."""
        headers = {
            "Authorization": f"Bearer {SECRET}",
            "X-Call-Id": "{{call_control_id}}",
            "X-Caller-Number": "{{telnyx_end_user_target}}",
        }
        return {
            "type": "webhook",
            "timeout_ms": TIMEOUT_SECONDS * 1000,
            "webhook": {
                "name": tool.name,
                "description": description(tool),
                "url": f"{address}/telnyx?tool={tool.name}",
                "method": "POST",
                "headers": [{"name": name, "value": value} for name, value in headers.items()],
                "body_parameters": described(tool, "type", "description", "maxLength", "pattern"),
            },
        }

    def guide(self, way: Way) -> Guide:
        """A secret of the organisation, then the tools of the assistant."""
        headers = {"Authorization": way.bearer, "X-Call-Id": f"try-{NOW}", "X-Caller-Number": way.caller}
        return Guide(
            steps=(
                Step(
                    "In the Mission Control Portal, store this as an integration secret with the "
                    "identifier midcall.",
                    (Block("Integration secret", way.secret, "text"),),
                ),
                Step(
                    "AI, Storage and Compute › AI Assistants › your assistant › Tools: add a Webhook for "
                    "each tool; or add these to the assistant's `tools` by the API (POST "
                    "/v2/ai/assistants/{assistant_id}). The address says which tool it is, and the "
                    "headers which call.",
                    (tools_block(way, self.definition, "tools"),),
                ),
                Step(
                    "Telnyx signs each request: store your account's public key under Signing, and a "
                    "request without its signature is refused.",
                ),
            ),
            tries=asking(f"{way.door}?tool={way.tool.name}", headers, way.parameters),
        )
