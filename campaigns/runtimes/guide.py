"""What an integrator is shown of a runtime: steps, and blocks to paste as they stand.

Each runtime's file has a guide(); a connection's page shows it. What `runs` is run by tests, as it stands.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import Template
from typing import Any, Literal

from campaigns.content import BODY
from campaigns.runtimes.base import SECRET
from campaigns.tools import (
    CONFIRMED,
    CONFIRMED_DIGITS,
    CONSENT,
    OF_EVERY_CAMPAIGN,
    RECIPIENT,
    WORDS,
    Offered,
    Tool,
)
from sms import preview

# The seconds of now, wherever a request is to be another one each time: whoever renders it puts it in.
NOW = "@NOW"
# What the steps of several runtimes say alike.
LIVE = (
    "Ask for the tools when a call begins, rather than pasting them: what ops attach or detach is then in "
    "the next call. They carry a version and an ETag."
)


@dataclass(frozen=True)
class Block:
    """Something to paste as it stands. What `runs` needs nothing beside the command line, or Python."""

    title: str
    code: str
    language: Literal["json", "python", "shell", "text"] = "json"
    runs: bool = False


@dataclass(frozen=True)
class Step:
    """What to do next, in the vendor's own words, and what to paste there."""

    says: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Guide:
    """How a runtime is connected. `tries` do what the runtime will do, from a command line."""

    steps: tuple[Step, ...]
    tries: tuple[Block, ...]
    # What in this campaign does not suit the runtime.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Way:
    """A connection as its guide is written for it. `secret` is the secret itself once, else what stands for
    it; `caller` a number to try with."""

    address: str
    runtime: str
    caller: str
    tools: tuple[Offered, ...]
    secret: str = SECRET

    @property
    def door(self) -> str:
        """The runtime's own webhook."""
        return f"{self.address}/{self.runtime}"

    @property
    def bearer(self) -> str:
        """The value of the header Authorization."""
        return f"Bearer {self.secret}"

    @cached_property
    def tool(self) -> Offered:
        """The one to try: a tool that can send, if the campaign has one."""
        able = (tool for tool in self.tools if isinstance(tool, Tool) and not tool.obstacle)
        return next(able, OF_EVERY_CAMPAIGN[0])

    @cached_property
    def parameters(self) -> dict[str, str]:
        """What a model might fill in for it."""
        if not isinstance(self.tool, Tool):
            return {}
        known = {
            CONSENT: "Yes, please text me.",
            BODY: "Hello!",
            RECIPIENT: self.caller,
            CONFIRMED: self.caller[-CONFIRMED_DIGITS:],
            WORDS: "Stop.",
        }
        found = {name: preview.example(variable) for name, variable in self.tool.asked.items()}
        return {name: found.get(name) or known.get(name, "") for name in self.tool.parameters["properties"]}

    def definitions(self, definition: Callable[[Offered, str], dict[str, Any]]) -> list[dict[str, Any]]:
        """The tools in a runtime's shape, with the secret where it belongs."""
        return [_signed(definition(tool, self.address), self.bearer) for tool in self.tools]

    def python(self, template: str) -> str:
        """Code with the address, the secret, the number and the tool in it; `$client` asks Midcall."""
        names = {
            "address": literal(self.address),
            "endpoint": literal(f"{self.address}/mcp"),
            "secret": literal(self.secret),
            "bearer": literal(self.bearer),
            "caller": literal(self.caller),
            "tool": literal(self.tool.name),
            "parameters": literal(self.parameters),
        }
        return Template(template.replace("$client\n", CLIENT)).substitute(names).strip()


def _signed(shaped: Any, bearer: str) -> Any:
    """A tool with the secret in its header, and nowhere else: what is described is written by whoever shares
    a template, and read by the model."""
    if isinstance(shaped, list):
        return [_signed(each, bearer) for each in shaped]
    if not isinstance(shaped, dict):
        return shaped
    return {
        name: bearer if (name, each) == ("Authorization", f"Bearer {SECRET}") else _signed(each, bearer)
        for name, each in shaped.items()
    }


def written(value: Any) -> str:
    """As JSON to read and to paste."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def tools_block(way: Way, definition: Callable[[Offered, str], dict[str, Any]], title: str) -> Block:
    """All tools, as a runtime takes them."""
    return Block(title, written(way.definitions(definition)))


def asking(url: str, headers: Mapping[str, str], body: Any) -> tuple[Block, Block]:
    """A request as curl makes it, and as Python does: what a runtime will send."""
    everything = {**headers, "Content-Type": "application/json"}
    return (
        Block("curl", _curl(url, everything, body), "shell", runs=True),
        Block("Python", _urllib(url, everything, body), "python", runs=True),
    )


def fetching(url: str, way: Way) -> str:
    """A command that reads what a connection offers."""
    return f"curl -sS {_quoted(url)} -H {_quoted(f'Authorization: {way.bearer}')}"


def asking_tools(way: Way) -> tuple[Block, Block]:
    """The same, at the door that every runtime may use."""
    body = {
        "callId": f"try-{NOW}",
        "toolCallId": f"tool-{NOW}",
        "customerPhoneNumber": way.caller,
        "parameters": way.parameters,
    }
    return asking(f"{way.address}/tools/{way.tool.name}", {"Authorization": way.bearer}, body)


def _curl(url: str, headers: Mapping[str, str], body: Any) -> str:
    lines: Iterable[str] = [
        f"curl -sS {_quoted(url)}",
        *(f"-H {_quoted(f'{name}: {value}')}" for name, value in headers.items()),
        f"-d {_quoted(written(body))}",
    ]
    return " \\\n  ".join(lines)


def _quoted(words: str) -> str:
    return shlex.quote(words).replace(NOW, "'$(date +%s)'")


def _urllib(url: str, headers: Mapping[str, str], body: Any) -> str:
    names = {"url": literal(url), "headers": literal(dict(headers)), "body": literal(body)}
    return Template(_REQUEST).substitute(names).strip()


def literal(value: Any) -> str:
    """Strings, numbers, lists and objects of them as Python has them, which is as JSON does."""
    return _STRING.sub(_as_of_now, json.dumps(value, indent=4, ensure_ascii=False))


# Each whole, with what is escaped in it: a part of one would be code.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


def _as_of_now(found: re.Match[str]) -> str:
    string = found.group()
    if NOW not in string or "{" in string or "}" in string:
        return string
    return "f" + string.replace(NOW, "{now}")


_REQUEST = """
import json
import time
import urllib.error
import urllib.request

now = time.time_ns()
url = $url
headers = $headers
body = $body
asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
try:
    with urllib.request.urlopen(asked, timeout=10) as answer:
        print(json.dumps(json.load(answer), indent=2))
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""

CLIENT = '''\
import json
import time
import urllib.error
import urllib.request

MIDCALL = $address
SECRET = $secret


def midcall(path, body=None):
    """Midcall's answer, parsed; a refusal is an answer, too."""
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        asked = urllib.request.Request(MIDCALL + path, data, headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def fire(tool, parameters, call_id, caller, tool_call_id=""):
    """What became of a tool call. The call's id and the caller's number come from your telephony, never from
    what the model wrote."""
    call = {"callId": call_id, "toolCallId": tool_call_id, "customerPhoneNumber": caller}
    return midcall(f"/tools/{tool}", {**call, "parameters": parameters})
'''
