"""jambonz' tool hook, https://docs.jambonz.org/reference/webhooks/tool-hook-post

The request says nothing of the call: the application that writes the `llm` verb puts that into the hook's
address, `/c/<connection>/jambonz?call_id=<call_sid>&caller=<from>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from campaigns.runtimes import openai
from campaigns.runtimes.base import (
    Answered,
    Asked,
    Received,
    Webhook,
    asked_by_address,
    decoded,
    parameters,
    words,
)
from campaigns.tools import Offered


class Jambonz(Webhook):
    """One hook for all client tools. Known by Basic authentication: any user name, the secret as password."""

    # "Your callback should return this HTTP status code in all cases."
    always_ok: ClassVar[bool] = True

    def secret(self, received: Received) -> str:
        """The password of Basic authentication; a bearer secret does, too."""
        scheme, _, rest = received.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "basic":
            return super().secret(received)
        return decoded(rest.strip(), "base64").decode(errors="replace").partition(":")[2]

    def parse(self, received: Received) -> list[Asked]:
        """The one call."""
        envelope = received.envelope
        asked = asked_by_address(received, parameters(envelope.get("args")))
        return [
            asked._replace(tool=words(envelope.get("name")), tool_call_id=words(envelope.get("tool_call_id")))
        ]

    def render(self, answered: Sequence[Answered]) -> Any:
        """What goes back to the model."""
        return {"result": answered[0].as_json() if answered else {}}

    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """A client tool as the verb's `llmOptions` take it for OpenAI's models."""
        return openai.realtime(tool, address)
