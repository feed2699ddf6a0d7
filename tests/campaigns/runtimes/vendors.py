"""Vendors' runtimes as they document themselves: the requests that they send, built without our code.

Each is one way in that an integrator may choose; `signed` ones have a secret, or a key, to sign with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.factories import CALLER, SECRET

SIGNING_SECRET = "key_of_a_vendor_0123456789abcdef"
PARAMETERS = {"guests": "four", "day": "Friday", "consent": "Yes, please text me."}


class Vendor:
    """A runtime with one tool call at a time, which sends a bearer secret."""

    runtime = ""
    signs = False
    always_ok = False
    # Whether its signature also holds for a time.
    dated = True
    # Whether it tells a tool call's id, so that another one is another request.
    has_ids = True

    def stored(self) -> dict:
        """What the connection must have for it."""
        return {"signing_secret": SIGNING_SECRET} if self.signs else {}

    def request(self, connection, body=None, secret=SECRET, at=None, key=SIGNING_SECRET, **asked):
        """The path, the body and the headers of a request. `body` replaces what it would write."""
        written = json.dumps(self.envelope(**asked)).encode() if body is None else body
        headers = dict(self.headers(secret, **asked))
        if self.signs:
            headers |= self.signature(written, time.time() if at is None else at, key)
        return f"/c/{connection.slug}/{self.runtime}{self.query(**asked)}", written, headers

    def headers(self, secret, **asked):
        return {} if self.signs or not secret else {"Authorization": f"Bearer {secret}"}

    def query(self, **asked):
        return ""

    def answer(self, response) -> dict:
        """The one answer: its status, what to say and why."""
        return response.json()


class Vapi(Vendor):
    runtime = "vapi"
    always_ok = True

    def envelope(
        self, tool="confirmation", call="call-1", caller=CALLER, id="tc-1", parameters=PARAMETERS, more=()
    ):
        first = {"id": id, "type": "function", "function": {"name": tool, "arguments": parameters}}
        message = {
            "type": "tool-calls",
            "timestamp": 1_780_000_000_000,
            "toolCallList": [first, *more],
            "call": {"id": call, "type": "inboundPhoneCall", "customer": {"number": caller}},
            "phoneNumber": {"number": "+13125550142"},
        }
        return {"message": message}

    def answer(self, response):
        [result] = response.json()["results"]
        if "result" in result:
            return {"status": "accepted", "say": result["result"], "id": result["toolCallId"]}
        return {"status": "", "say": result["error"], "id": result["toolCallId"]}


class VapiSigned(Vapi):
    signs = True

    def stored(self):
        return {"signing_secret": SIGNING_SECRET, "signing": {"algorithm": "sha256"}}

    def signature(self, body, at, key):
        message = f"{int(at)}.".encode() + body
        return {
            "X-Timestamp": str(int(at)),
            "X-Signature": hmac.new(key.encode(), message, hashlib.sha256).hexdigest(),
        }


class Retell(Vendor):
    runtime = "retell"

    def envelope(self, tool="confirmation", call="call-1", caller=CALLER, id="tc-1", parameters=PARAMETERS):
        said = [
            {"role": "agent", "content": "May I text you?"},
            {"role": "user", "content": "Yes, please text me."},
            {
                "role": "tool_call_invocation",
                "tool_call_id": id,
                "name": tool,
                "arguments": json.dumps(parameters),
            },
        ]
        call = {
            "call_id": call,
            "call_type": "phone_call",
            "direction": "inbound",
            "from_number": caller,
            "to_number": "+13125550142",
            "transcript_with_tool_calls": said if id else [],
        }
        return {"name": tool, "call": call, "args": parameters}


class RetellSigned(Retell):
    signs = True

    def signature(self, body, at, key):
        at = str(int(at * 1000))
        digest = hmac.new(key.encode(), body + at.encode(), hashlib.sha256).hexdigest()
        return {"X-Retell-Signature": f"v={at},d={digest}"}


class RetellArgsOnly(RetellSigned):
    """With “Payload: args only”: the rest stands in the address."""

    has_ids = False

    def envelope(self, parameters=PARAMETERS, **asked):
        return parameters

    def query(self, tool="confirmation", call="call-1", caller=CALLER, **asked):
        return "?" + urlencode({"tool": tool, "call_id": call, "caller": caller})


class ElevenLabs(Vendor):
    runtime = "elevenlabs"
    has_ids = False

    def envelope(self, tool="confirmation", call="call-1", caller=CALLER, parameters=PARAMETERS, id=""):
        return {
            "tool": tool,
            "direction": "inbound",
            "call_id": call,
            "caller": caller,
            "called": "+13125550142",
            "parameters": parameters,
        }


class Bland(Vendor):
    runtime = "bland"
    has_ids = False

    def envelope(self, tool="confirmation", call="call-1", caller=CALLER, parameters=PARAMETERS, id=""):
        return {"tool": tool, "call_id": call, "caller": caller, "parameters": parameters}


class Jambonz(Vendor):
    runtime = "jambonz"
    always_ok = True

    def envelope(self, tool="confirmation", id="tc-1", parameters=PARAMETERS, **asked):
        return {"tool_call_id": id, "name": tool, "args": parameters}

    def query(self, call="call-1", caller=CALLER, **asked):
        # As an application joins it, which does not escape the plus.
        return f"?call_id={call}&caller={caller}"

    def headers(self, secret, **asked):
        return {"Authorization": "Basic " + base64.b64encode(f"jambonz:{secret}".encode()).decode()}

    def answer(self, response):
        return response.json()["result"]


class Telnyx(Vendor):
    runtime = "telnyx"
    has_ids = False

    def envelope(self, parameters=PARAMETERS, **asked):
        return parameters

    def query(self, tool="confirmation", **asked):
        return f"?tool={tool}"

    def headers(self, secret, call="call-1", caller=CALLER, **asked):
        return {"X-Call-Id": call, "X-Caller-Number": caller, **super().headers(secret)}


class TelnyxSigned(Telnyx):
    signs = True

    def _private(self, key):
        return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(key.encode()).digest())

    def stored(self):
        public = self._private(SIGNING_SECRET).public_key().public_bytes_raw()
        return {"signing": {"public_key": base64.b64encode(public).decode()}}

    def signature(self, body, at, key):
        signed = self._private(key).sign(f"{int(at)}|".encode() + body)
        return {
            "Telnyx-Timestamp": str(int(at)),
            "Telnyx-Signature-Ed25519": base64.b64encode(signed).decode(),
        }


ALL = [
    Vapi(),
    VapiSigned(),
    Retell(),
    RetellSigned(),
    RetellArgsOnly(),
    ElevenLabs(),
    Bland(),
    Jambonz(),
    Telnyx(),
    TelnyxSigned(),
]
SIGNING = [vendor for vendor in ALL if vendor.signs]
