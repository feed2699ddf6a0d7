"""The shapes in which runtimes take tools: one file each, one function, `definition(tool)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from campaigns.runtimes import anthropic, generic, openai
from campaigns.tools import Offered

DEFINITIONS: dict[str, Callable[[Offered], dict[str, Any]]] = {
    "json": generic.definition,
    "openai": openai.definition,
    "anthropic": anthropic.definition,
}
