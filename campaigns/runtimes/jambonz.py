"""jambonz' tool hook, https://docs.jambonz.org/reference/webhooks/tool-hook-post

The request says nothing of the call: the application that writes the `llm` verb puts that into the hook's
address, `/c/<connection>/jambonz?call_id=<call_sid>&caller=<from>`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

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
from campaigns.runtimes.guide import NOW, Block, Guide, Step, Way, asking, tools_block, written
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

    def guide(self, way: Way) -> Guide:
        """The hook of the `llm` verb, which the application writes for each call."""
        hook = {
            "toolHook": {
                "url": f"{way.door}?call_id=CALL_SID&caller=FROM",
                "method": "POST",
                "username": "midcall",
                "password": way.secret,
            }
        }
        basic = base64.b64encode(f"midcall:{way.secret}".encode()).decode()
        query = f"call_id=try-{NOW}&caller={quote(way.caller)}"
        envelope = {"tool_call_id": f"tool-{NOW}", "name": way.tool.name, "args": way.parameters}
        return Guide(
            steps=(
                Step(
                    "In the llm verb that your application answers with, set the tool hook. It writes the "
                    "call's call_sid and from into the address; the plus of the number may stand there as "
                    "it is. A jambonz that sends the Basic authentication of the application's calling "
                    "webhook instead needs the same user name and password there.",
                    (Block("llm verb", written(hook)),),
                ),
                Step(
                    "Hand the tools to the model: for OpenAI in llmOptions.session_update.tools; other "
                    "vendors take them in their own shape, from tools?format=anthropic or gemini.",
                    (tools_block(way, self.definition, "session_update.tools"),),
                ),
            ),
            tries=asking(f"{way.door}?{query}", {"Authorization": f"Basic {basic}"}, envelope),
        )
