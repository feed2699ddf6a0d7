"""The plain shape: any runtime that reads JSON schema."""

from __future__ import annotations

from typing import Any

from campaigns.tools import Offered


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """A tool's name, description and parameters."""
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
