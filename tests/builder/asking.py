"""Requests of runtimes, as a web server hands them to the application."""

from __future__ import annotations

import io
import json


def asked(application, path, *, body=None, secret="", scheme="http"):
    """Status, headers and body of what the application answers."""
    raw = json.dumps(body).encode() if body is not None else b""
    started = []
    answer = application(
        {
            "REQUEST_METHOD": "POST" if raw else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_AUTHORIZATION": f"Bearer {secret}",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": scheme,
        },
        lambda status, headers: started.extend([status, dict(headers)]),
    )
    return started[0], started[1], b"".join(answer)
