"""Gemini's function declarations, https://ai.google.dev/api/caching#FunctionDeclaration"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes.base import described
from campaigns.tools import Offered


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `functionDeclarations`. Its schemas are a part of OpenAPI's: types in capitals, and no word
    on further properties."""
    schema = described(tool, "type", "description", "maxLength", "pattern")
    properties = {name: {**rule, "type": rule["type"].upper()} for name, rule in schema["properties"].items()}
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": {**schema, "type": "OBJECT", "properties": properties},
    }
