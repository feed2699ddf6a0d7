"""OpenAI's tools, https://platform.openai.com/docs/guides/function-calling"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes import generic
from campaigns.tools import StopTexting, Tool


def definition(tool: Tool | StopTexting) -> dict[str, Any]:
    """An entry of `tools` in Chat Completions. Strict: every property is required, and no other allowed."""
    function = {**generic.definition(tool), "strict": True}
    return {"type": "function", "function": function}
