"""Gemini's function declarations, https://ai.google.dev/api/caching#FunctionDeclaration"""

from __future__ import annotations

import re
from typing import Any

from campaigns.runtimes.base import described, description, limit_in_words
from campaigns.runtimes.guide import LIVE, Block, Guide, Step, Way, asking_tools, written
from campaigns.tools import Offered

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")


def definition(tool: Offered, address: str = "") -> dict[str, Any]:
    """An entry of `functionDeclarations`. Its schemas are a part of OpenAPI's: types in capitals, and no word
    on further properties."""
    schema = described(tool, "type", "description", "maxLength", "pattern")
    properties = {
        name: {**limit_in_words(rule), "type": rule["type"].upper()}
        for name, rule in schema["properties"].items()
    }
    return {
        "name": tool.name,
        "description": description(tool),
        "parameters": {**schema, "type": "OBJECT", "properties": properties},
    }


def guide(way: Way) -> Guide:
    """A loop of one's own over generateContent, or the Live API."""
    tools = [{"functionDeclarations": way.definitions(definition)}]
    unfit = [tool.name for tool in way.tools if not NAME.fullmatch(tool.name)]
    return Guide(
        steps=(
            Step(
                "Give the model these tools: `tools` of a request, or of a Live session's setup. " + LIVE,
                (Block("tools", written(tools)),),
            ),
            Step(
                "Answer what it calls with this. Its system instruction is the campaign's prompt, which "
                'midcall("/prompt")["prompt"] fetches.',
                (Block("Python", way.python(LOOP), "python", runs=True),),
            ),
        ),
        tries=asking_tools(way)[:1],
        warnings=tuple(
            f"Gemini takes no tool whose name begins with a digit or a hyphen: rename “{name}”."
            for name in unfit
        ),
    )


LOOP = """
$client

def answered(function_call, call_id, caller):
    \"\"\"The part that answers a `functionCall` of the model's (as model_dump() gives it).\"\"\"
    name, given = function_call["name"], function_call.get("id") or ""
    told = fire(name, function_call["args"], call_id, caller, given)
    return {"functionResponse": {"id": given, "name": name, "response": told}}


# As if the model had called one:
now = time.time_ns()
function_call = {"id": f"call-{now}", "name": $tool, "args": $parameters}
print(answered(function_call, f"try-{now}", $caller))
"""
