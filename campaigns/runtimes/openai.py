"""OpenAI's tools, https://platform.openai.com/docs/guides/function-calling"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes import generic
from campaigns.tools import Offered


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `tools` in Chat Completions. Strict: every property is required, and no other allowed; what
    may be left out may be null."""
    return {"type": "function", "function": _function(tool)}


def responses(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `tools` in the Responses API: the same, flat."""
    return {"type": "function", **_function(tool)}


def realtime(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `session.tools` in the Realtime API, which has no strict schemas."""
    return {"type": "function", **generic.definition(tool)}


def _function(tool: Offered) -> dict[str, Any]:
    return {**generic.definition(tool), "parameters": _strict(tool.parameters), "strict": True}


def _strict(parameters: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: rule if name in parameters["required"] else _or_null(rule)
        for name, rule in parameters["properties"].items()
    }
    return {**parameters, "properties": properties, "required": list(properties)}


def _or_null(rule: dict[str, Any]) -> dict[str, Any]:
    # Strict schemas take no `default`; the description tells it.
    return {name: value for name, value in rule.items() if name != "default"} | {"type": ["string", "null"]}
