"""The runtimes: one file each. All say how they are connected, in a `guide(way)`; most take a tool in a shape
of theirs, `definition(tool, address)`; some call by a webhook of their own, see `base.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.models import Connection
from campaigns.runtimes import anthropic, gemini, generic, livekit, mcp, openai, pipecat, twilio
from campaigns.runtimes.base import Webhook
from campaigns.runtimes.bland import Bland
from campaigns.runtimes.elevenlabs import ElevenLabs
from campaigns.runtimes.guide import Guide, Way
from campaigns.runtimes.jambonz import Jambonz
from campaigns.runtimes.retell import Retell
from campaigns.runtimes.telnyx import Telnyx
from campaigns.runtimes.vapi import Vapi
from campaigns.tools import Offered

Runtime = Connection.Runtime

WEBHOOKS: dict[str, Webhook] = {
    Runtime.VAPI: Vapi(),
    Runtime.RETELL: Retell(),
    Runtime.ELEVENLABS: ElevenLabs(),
    Runtime.BLAND: Bland(),
    Runtime.JAMBONZ: Jambonz(),
    Runtime.TELNYX: Telnyx(),
}

# `address` is the connection's, for the runtimes that are told where to call.
DEFINITIONS: dict[str, Callable[[Offered, str], dict[str, Any]]] = {
    "json": generic.definition,
    "openai": openai.definition,
    "openai-responses": openai.responses,
    "openai-realtime": openai.realtime,
    "anthropic": anthropic.definition,
    "gemini": gemini.definition,
    **{str(name): webhook.definition for name, webhook in WEBHOOKS.items()},
}

GUIDES: dict[str, Callable[[Way], Guide]] = {
    Runtime.HTTP: generic.guide,
    Runtime.MCP: mcp.guide,
    **{name: webhook.guide for name, webhook in WEBHOOKS.items()},
    Runtime.LIVEKIT: livekit.guide,
    Runtime.PIPECAT: pipecat.guide,
    Runtime.CONVERSATION_RELAY: twilio.guide,
    Runtime.OPENAI: openai.chat_guide,
    Runtime.OPENAI_RESPONSES: openai.responses_guide,
    Runtime.OPENAI_REALTIME: openai.realtime_guide,
    Runtime.ANTHROPIC: anthropic.guide,
    Runtime.GEMINI: gemini.guide,
}
