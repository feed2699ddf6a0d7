"""OpenAI's tools, https://platform.openai.com/docs/guides/function-calling"""

from __future__ import annotations

from typing import Any

from campaigns.runtimes import generic, mcp
from campaigns.runtimes.base import limit_in_words
from campaigns.runtimes.guide import LIVE, Block, Guide, Step, Way, asking_tools, tools_block, written
from campaigns.tools import Offered

PROMPT = 'Its instructions are the campaign\'s prompt, which midcall("/prompt")["prompt"] fetches.'


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


def chat_guide(way: Way) -> Guide:
    """A loop of one's own over Chat Completions."""
    return Guide(
        steps=(
            Step(
                f"Give the model these tools: `tools` of a request. {LIVE}",
                (tools_block(way, definition, "tools"),),
            ),
            Step(
                f"Answer what it calls with this. {PROMPT}",
                (Block("Python", way.python(CHAT), "python", runs=True),),
            ),
        ),
        tries=asking_tools(way)[:1],
    )


def responses_guide(way: Way) -> Guide:
    """A loop of one's own over the Responses API, or OpenAI's own use of MCP."""
    return Guide(
        steps=(
            Step(
                "With hosted MCP there is nothing to write: OpenAI lists the tools and calls them. Put "
                "this into `tools` of a request, with the call's id and the caller's number of each call.",
                (Block("Hosted MCP", written(hosted_mcp(way))),),
            ),
            Step(
                f"Or give the model these tools. {LIVE}",
                (tools_block(way, responses, "tools"),),
            ),
            Step(
                f"Then answer what it calls with this. {PROMPT}",
                (Block("Python", way.python(RESPONSES), "python", runs=True),),
            ),
        ),
        tries=mcp.called(way)[:1],
    )


def realtime_guide(way: Way) -> Guide:
    """A session of the Realtime API."""
    session = {"type": "session.update", "session": {"type": "realtime", "tools": [hosted_mcp(way)]}}
    own = {"type": "session.update", "session": {"type": "realtime", "tools": way.definitions(realtime)}}
    return Guide(
        steps=(
            Step(
                "With hosted MCP there is nothing to write: OpenAI lists the tools and calls them. Send "
                "this when a session begins, with the call's id and the caller's number of that call.",
                (Block("Hosted MCP", written(session)),),
            ),
            Step(f"Or send the tools. {LIVE}", (Block("session.update", written(own)),)),
            Step(
                "Then answer each event response.function_call_arguments.done with what this makes of it. "
                + PROMPT,
                (Block("Python", way.python(REALTIME), "python", runs=True),),
            ),
        ),
        tries=mcp.called(way)[:1],
    )


def hosted_mcp(way: Way) -> dict[str, Any]:
    """An entry of `tools` by which OpenAI itself calls. Asking for approval, its default, is no use in a "
    "call."""
    return {
        "type": "mcp",
        "server_label": "midcall",
        "server_url": mcp.url(way),
        "authorization": way.secret,
        "headers": {mcp.CALL_ID: "THE_CALL_ID", mcp.CALLER_NUMBER: "THE_CALLER"},
        "require_approval": "never",
    }


CHAT = """
$client

def answered(tool_call, call_id, caller):
    \"\"\"The message that answers one of `message.tool_calls` (as model_dump() gives it).\"\"\"
    function = tool_call["function"]
    told = fire(function["name"], json.loads(function["arguments"]), call_id, caller, tool_call["id"])
    return {"role": "tool", "tool_call_id": tool_call["id"], "content": json.dumps(told)}


# As if the model had called one:
now = time.time_ns()
function = {"name": $tool, "arguments": json.dumps($parameters)}
tool_call = {"id": f"call_{now}", "type": "function", "function": function}
print(answered(tool_call, f"try-{now}", $caller))
"""
RESPONSES = """
$client

def answered(item, call_id, caller):
    \"\"\"The input item that answers a `function_call` of `response.output` (as model_dump() gives it).\"\"\"
    told = fire(item["name"], json.loads(item["arguments"]), call_id, caller, item["call_id"])
    return {"type": "function_call_output", "call_id": item["call_id"], "output": json.dumps(told)}


# As if the model had called one:
now = time.time_ns()
arguments = json.dumps($parameters)
item = {"type": "function_call", "call_id": f"call_{now}", "name": $tool, "arguments": arguments}
print(answered(item, f"try-{now}", $caller))
"""
REALTIME = """
$client

def answers(event, call_id, caller):
    \"\"\"The events that answer a `response.function_call_arguments.done`: its output, and on.\"\"\"
    told = fire(event["name"], json.loads(event["arguments"]), call_id, caller, event["call_id"])
    item = {"type": "function_call_output", "call_id": event["call_id"], "output": json.dumps(told)}
    return [{"type": "conversation.item.create", "item": item}, {"type": "response.create"}]


# As if the model had called one:
now = time.time_ns()
event = {"call_id": f"call_{now}", "name": $tool, "arguments": json.dumps($parameters)}
print(answers(event, f"try-{now}", $caller))
"""


def _function(tool: Offered) -> dict[str, Any]:
    return {**generic.definition(tool), "parameters": _strict(tool.parameters), "strict": True}


def _strict(parameters: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: limit_in_words(rule if name in parameters["required"] else _or_null(rule))
        for name, rule in parameters["properties"].items()
    }
    return {**parameters, "properties": properties, "required": list(properties)}


def _or_null(rule: dict[str, Any]) -> dict[str, Any]:
    # Strict schemas take no `default`; the description tells it.
    return {name: value for name, value in rule.items() if name != "default"} | {"type": ["string", "null"]}
