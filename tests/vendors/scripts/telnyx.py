"""Telnyx, of `telnyx`: its client posts the tools, and its own verification has to agree with ours."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import ClassVar

from nacl.signing import SigningKey
from telnyx import Telnyx
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from telnyx.types.ai import InferenceEmbeddingWebhookToolParamsParam

from tests.vendors.scripts.api import answering
from tests.vendors.scripts.fitting import fits
from tests.vendors.scripts.runtime import Asked, Heard, Runtime, heard, main


class WebhookTool(Runtime):
    """A webhook tool; its request is signed, and its headers, which name the call, are not."""

    signs: ClassVar[bool] = True
    signs_no_call: ClassVar[bool] = True
    one_a_request: ClassVar[str] = "one a request"

    def listed(self) -> list[str]:
        definitions = self.definitions("telnyx")
        with answering(lambda body: {"id": "1", "created_at": "2026-11-28T12:00:00Z", **body}) as api:
            client = Telnyx(api_key="none", base_url=api.url)
            for definition in definitions:
                fits(InferenceEmbeddingWebhookToolParamsParam, definition)
            client.ai.assistants.create(
                name="an assistant", model="a-model", instructions="Be kind.", tools=definitions
            )
            assert api.last["tools"] == definitions, api.last
        return [definition["webhook"]["name"] for definition in definitions]

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        [each] = asked
        body, signing = json.dumps(each.arguments).encode(), signing_key(key)
        signature = signing.sign(f"{int(at)}|".encode() + body).signature
        signed = {
            "Telnyx-Timestamp": str(int(at)),
            "Telnyx-Signature-Ed25519": base64.b64encode(signature).decode(),
        }
        headers = {"X-Call-Id": each.call, "X-Caller-Number": each.caller, **signed}
        answer = heard(*self.post("telnyx?tool=confirmation", body, headers))
        try:
            verify_webhook_signature(body, signed, public_key(self.site.signing_key))
            holds = True
        except WebhookVerificationError:
            holds = False
        assert holds == (answer.status != 401), (holds, answer)
        return [answer]


def signing_key(secret: str) -> SigningKey:
    """The key pair of an account, made of a secret of the test's."""
    return SigningKey(hashlib.sha256(secret.encode()).digest())


def public_key(secret: str) -> str:
    """As Telnyx' portal shows it."""
    return base64.b64encode(bytes(signing_key(secret).verify_key)).decode()


if __name__ == "__main__":
    main(WebhookTool)
