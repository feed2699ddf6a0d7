"""OpenAI's tools, https://platform.openai.com/docs/guides/function-calling"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes import generic
from campaigns.tools import Offered


def definition(tool: Offered) -> dict[str, Any]:
    """An entry of `tools` in Chat Completions. Strict: every property is required, and no other allowed; what
    may be left out may be null."""
    function = {**generic.definition(tool), "parameters": _strict(tool.parameters), "strict": True}
    return {"type": "function", "function": function}


def _strict(parameters: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: rule if name in parameters["required"] else _or_null(rule)
        for name, rule in parameters["properties"].items()
    }
    return {**parameters, "properties": properties, "required": list(properties)}


def _or_null(rule: dict[str, Any]) -> dict[str, Any]:
    # Strict schemas take no `default`; the description tells it.
    return {name: value for name, value in rule.items() if name != "default"} | {"type": ["string", "null"]}
