"""Anthropic's tools, https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview"""

from __future__ import annotations

from typing import Any

from campaigns.tools import Offered


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `tools` in the Messages API."""
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    }
