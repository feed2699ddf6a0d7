"""Answers that nobody need be given twice: with an ETag, and 304 while nothing has changed (RFC 9110)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

ETAG = {
    "description": "Strong (RFC 9110): it changes with the answer. Send it back as If-None-Match.",
    "schema": {"type": "string"},
}
# What the documentation says of such a door, beside its answer.
DOCUMENTED: dict[str, Any] = {
    "parameters": [
        {
            "in": "header",
            "name": "If-None-Match",
            "required": False,
            "description": "The ETag of an answer that you have: while it still holds, the answer is 304 and "
            "empty.",
            "schema": {"type": "string"},
        }
    ],
    "responses": {200: {"headers": {"ETag": ETAG}}, 304: {"headers": {"ETag": ETAG}}},
}


def answered(request: HttpRequest, answer: dict[str, Any]) -> HttpResponse:
    """The answer as JSON; 304 and nothing, if whoever asks has it already."""
    response = HttpResponse(json.dumps(answer), content_type="application/json; charset=utf-8")
    response["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    # Kept by whoever asked, and asked for each time all the same.
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, response["ETag"], response=response) or response
