"""What all runtimes that call by a webhook of their own have in common: the contract, and tools to keep it.

A runtime is one file beside this one with a subclass of Webhook, and a line in `__init__.py`.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import hmac
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import UUID

from django.http import HttpRequest

from campaigns.models import Connection, Failure
from campaigns.tools import Offered, Tool

if TYPE_CHECKING:
    from campaigns.runtimes.guide import Guide, Way

# An envelope may have the transcript of a long call.
MAX_BODY_BYTES = 1024 * 1024
# A signature's time may be so far from ours.
SIGNED_WITHIN = timedelta(minutes=5)
# Later than this no time in seconds is meant: milliseconds.
_MILLISECONDS = 100_000_000_000
MAX_TIMESTAMP_DIGITS = 16

# What an integrator puts in where the secret stands; the secret itself is shown once, elsewhere.
SECRET = "YOUR_SECRET"
# OpenAI refuses a tool that is described at greater length, and most runtimes hand theirs on to its models.
DESCRIPTION_CHARACTERS = 1024
# Runtimes give up after 5 to 20 s where nothing else is said. Ours takes 3.
TIMEOUT_SECONDS = 10


class NotAuthentic(Exception):
    """The request does not prove whose it is; the message says what failed, for the log."""

    def __init__(self, message: str, failure: Failure = Failure.SIGNATURE) -> None:
        super().__init__(message)
        self.failure = failure

    @property
    def detail(self) -> str:
        """What beside the failure is remembered of it."""
        return str(self) if self.failure in (Failure.SIGNATURE, Failure.OLD_TIMESTAMP) else ""


class Unreadable(ValueError):
    """An authentic request, and not of the form that its runtime documents; the message says what to do."""


class Received:
    """A request as it came in: nothing in it is believed yet. The body is not read before it is asked for."""

    def __init__(self, request: HttpRequest, url: str) -> None:
        self.headers: Mapping[str, str] = request.headers
        self.query: Mapping[str, str] = request.GET.dict()
        # The address that we handed out, not the one that a proxy made of it.
        self.url = url
        self._request = request

    @cached_property
    def body(self) -> bytes:
        # Not `request.body`, whose limit is the one for what browsers send.
        return self._request.read(MAX_BODY_BYTES)

    @cached_property
    def envelope(self) -> dict[str, Any]:
        """The body as JSON. Raises Unreadable."""
        try:
            return strict_json(self.body)
        except (ValueError, RecursionError):
            raise Unreadable(
                "The body must be one JSON object in UTF-8, without NaN and without a name twice (RFC 8259)."
            ) from None


class Asked(NamedTuple):
    """One tool call, as the envelope has it. Only `parameters` may be what a model wrote."""

    tool: str
    call_id: str
    tool_call_id: str = ""
    caller_number: str = ""
    caller_name: str = ""
    # None where the model wrote something that is no JSON object.
    parameters: dict[str, Any] | None = None
    # Whether a signature, where there is one, covers the call's id and number.
    is_signed: bool = True


class Answered(NamedTuple):
    """What one tool call is answered with. `message` is for whoever mends a broken request, else ""."""

    asked: Asked
    status: str
    say: str
    code: str = ""
    message_id: UUID | None = None
    message: str = ""

    @property
    def came_to_nothing(self) -> bool:
        return self.status not in ("accepted", "done")

    def as_json(self) -> dict[str, Any]:
        """As the generic door has it."""
        told = {
            "status": self.status,
            "say": self.say,
            "messageId": str(self.message_id) if self.message_id else None,
            "code": self.code,
        }
        return {**told, "message": self.message} if self.message else told


class Webhook(ABC):
    """How one vendor's runtime calls tools, and wants to be answered.

    Subclasses parse, render and define; verify is theirs where the vendor signs.
    """

    # Where the runtime ignores what does not come with 200.
    always_ok: ClassVar[bool] = False

    def verify(self, connection: Connection, received: Received) -> str:
        """What makes the request unlike all others, "" if nothing does. Raises NotAuthentic."""
        secret = self.secret(received)
        if not connection.opens_with(secret):
            raise NotAuthentic("the connection's secret is missing or wrong", connection.why_not(secret))
        return ""

    def secret(self, received: Received) -> str:
        """The connection's secret as the runtime sends it."""
        scheme, _, rest = received.headers.get("Authorization", "").strip().partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else scheme

    @abstractmethod
    def parse(self, received: Received) -> list[Asked]:
        """The tool calls in a request, in order; none where it only reports something. Raises Unreadable."""

    @abstractmethod
    def render(self, answered: Sequence[Answered]) -> Any:
        """The answer, one for each tool call, in their order."""

    @abstractmethod
    def definition(self, tool: Offered, address: str) -> dict[str, Any]:
        """A tool as the vendor takes it, complete but for the secret. `address` is the connection's."""

    @abstractmethod
    def guide(self, way: Way) -> Guide:
        """How the runtime is connected, in its vendor's own words."""


def strict_json(written: str | bytes) -> dict[str, Any]:
    """An object of JSON as RFC 8259 has it: in UTF-8, no NaN, no name twice. Raises ValueError and
    RecursionError.

    A byte order mark is ignored, which some clients write all the same (8.1).
    """
    if isinstance(written, bytes):
        written = written.removeprefix(codecs.BOM_UTF8).decode()
    parsed = _STRICT.decode(written)
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


_STRICT = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_name_twice)


def parameters(written: Any) -> dict[str, Any] | None:
    """What a model wrote, as an object or as JSON in a string; None if it is neither."""
    if written is None or written == "":
        return {}
    if isinstance(written, str):
        try:
            return strict_json(written)
        except (ValueError, RecursionError):
            return None
    return written if isinstance(written, dict) else None


def part(envelope: Any, *names: str) -> dict[str, Any]:
    """The object at a path into an envelope; an empty one where there is none."""
    for name in names:
        envelope = envelope.get(name) if isinstance(envelope, dict) else None
    return envelope if isinstance(envelope, dict) else {}


def words(found: Any) -> str:
    """What an envelope says in a field: "" where it says nothing, or its runtime has not filled it in."""
    return found if isinstance(found, str) and "{{" not in found else ""


def asked_by_address(received: Received, written: dict[str, Any] | None) -> Asked:
    """A tool call whose body has arguments alone: the rest stands in the address, which the vendor filled in
    and did not sign: `?tool=…&call_id=…&caller=…`."""
    return Asked(
        tool=words(received.query.get("tool")),
        call_id=words(received.query.get("call_id")),
        caller_number=number_in_address(received.query.get("caller")),
        parameters=written,
        is_signed=False,
    )


def number_in_address(written: str | None) -> str:
    """A phone number in a query, whose plus reads as a space if the vendor does not escape it."""
    found = words(written)
    return "+" + found[1:] if found.startswith(" ") else found


def other_party(direction: Any, sender: Any, receiver: Any) -> str:
    """The number of whom the agent speaks with."""
    return words(receiver if direction == "outbound" else sender)


def refuse_old(timestamp: str) -> None:
    """Raise NotAuthentic if a signature's time, in seconds or milliseconds, is not about now."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MAX_TIMESTAMP_DIGITS):
        raise NotAuthentic("the signature's time is missing or no number", Failure.OLD_TIMESTAMP)
    at = int(timestamp)
    seconds = at / 1000 if at > _MILLISECONDS else at
    if abs(time.time() - seconds) > SIGNED_WITHIN.total_seconds():
        raise NotAuthentic("the signature's time is not within five minutes of ours", Failure.OLD_TIMESTAMP)


def is_mac(signature: bytes, message: bytes, keys: Iterable[bytes], algorithm: str = "sha256") -> bool:
    """Whether it is the message's HMAC with one of these keys, in constant time.

    An empty one, as a secret that cannot be decoded becomes, counts for none: anybody could sign with it.
    """
    return any(
        hmac.compare_digest(hmac.new(key, message, algorithm).digest(), signature) for key in keys if key
    )


def decoded(written: str, encoding: str) -> bytes:
    """The bytes of a signature in hex or base64; empty if it is neither, which equals none."""
    try:
        if encoding == "hex":
            return bytes.fromhex(written) if written.isascii() and not any(map(str.isspace, written)) else b""
        return base64.b64decode(written, validate=True)
    except (ValueError, binascii.Error):
        return b""


def proof_of(connection: Connection, signature: bytes) -> str:
    """By what a signed request is known when it comes again."""
    return hashlib.sha256(connection.slug.encode() + b"\0" + signature).hexdigest()


def description(tool: Offered, most: int = DESCRIPTION_CHARACTERS) -> str:
    """What the model reads of a tool, in so many characters at most: what ops wrote is cut, never the "
    "rules."""
    if len(tool.description) <= most or not isinstance(tool, Tool):
        return tool.description
    room = most - len(tool.rules) - len("… ")
    return f"{tool.source.description.strip()[:room].rstrip()}… {tool.rules}"


def limit_in_words(rule: dict[str, Any]) -> dict[str, Any]:
    """A property's schema without the keyword for its length, which not all models take."""
    limit = f" At most {rule['maxLength']} characters." if "maxLength" in rule else ""
    kept = {keyword: value for keyword, value in rule.items() if keyword != "maxLength"}
    return {**kept, "description": f"{rule['description']}{limit}"}


def described(tool: Offered, *kept: str) -> dict[str, Any]:
    """A tool's parameters with only these keywords of JSON schema in its properties."""
    properties = {
        name: {keyword: value for keyword, value in rule.items() if keyword in kept}
        for name, rule in tool.parameters["properties"].items()
    }
    return {"type": "object", "properties": properties, "required": tool.parameters["required"]}
