"""Whose libraries are tried: a row of the table each, with the connection that its runtime gets."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# This project's own environment, which has the second SDK of MCP.
OURS = ""


@dataclass(frozen=True, eq=False)
class Row:
    """A script, the environment that it needs, and how the connection is set up that it comes in by."""

    name: str
    script: str
    # The distributions whose versions are shown.
    libraries: tuple[str, ...]
    environment: str = "clients"
    runtime: str = "http"
    signing_key: str = ""
    signing: dict[str, Any] = field(default_factory=dict)

    @property
    def stored_key(self) -> str:
        """What the connection keeps to check signatures with, where that is a secret."""
        return "" if "public_key" in self.signing else self.signing_key


def _public_key(secret: str) -> str:
    """Of the pair that the script makes of the same secret."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(secret.encode()).digest())
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _key(of: str) -> str:
    return f"signing-key-of-{of}-0123456789"


# The generic door, for fuzzing: nobody's library.
PLAIN = Row("any runtime", "plain", (), environment=OURS)
ROWS = [
    Row(
        "vapi",
        "vapi",
        ("vapi-server-sdk",),
        runtime="vapi",
        signing_key=_key("vapi"),
        signing={"algorithm": "sha256"},
    ),
    Row("retell", "retell", ("retell-sdk",), runtime="retell", signing_key=_key("retell")),
    Row("elevenlabs", "elevenlabs", ("elevenlabs",), runtime="elevenlabs"),
    Row(
        "telnyx",
        "telnyx",
        ("telnyx",),
        runtime="telnyx",
        signing_key=_key("telnyx"),
        signing={"public_key": _public_key(_key("telnyx"))},
    ),
    Row("openai, chat", "openai_chat", ("openai",)),
    Row("openai, responses", "openai_responses", ("openai",)),
    Row("openai, realtime", "openai_realtime", ("openai",)),
    Row("anthropic", "anthropic", ("anthropic",)),
    Row("gemini", "gemini", ("google-genai",)),
    Row("mcp 1", "mcp1", ("mcp",), environment="mcp1"),
    Row("mcp 2", "mcp2", ("mcp",), environment=OURS),
    Row("livekit, MCP", "livekit_mcp", ("livekit-agents", "mcp"), environment="livekit"),
    Row("livekit, HTTP", "livekit_http", ("livekit-agents",), environment="livekit"),
    Row("pipecat, MCP", "pipecat_mcp", ("pipecat-ai", "mcp"), environment="pipecat"),
    Row("pipecat, HTTP", "pipecat_http", ("pipecat-ai",), environment="pipecat"),
]
