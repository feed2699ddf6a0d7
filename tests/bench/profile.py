"""Where the CPU of accepting and of sending goes.

`python -m tests.bench.profile accept|send COUNT`, with an installation's environment: runs the tool call or
the drain in this process under cProfile, and prints the packages and our own functions that cost most.
"""

from __future__ import annotations

import cProfile
import io
import json
import os
import pstats
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django

from tests.e2e.conftest import SECRET
from tests.processes import ROOT

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")
django.setup()

PACKAGES, FUNCTIONS = 8, 10
WARM_UP = 30


def accept(profiler: cProfile.Profile, count: int) -> None:
    """Profile tool calls through the WSGI application, without a server around it."""
    from builder.wsgi import application

    def call(number: int) -> None:
        body = {
            "callId": f"profile-{number}",
            "toolCallId": "1",
            "customerPhoneNumber": f"+1415{2220000 + number:07d}",
            "parameters": {"guests": str(number), "consent": "Yes."},
        }
        raw = json.dumps(body).encode()
        status = []
        answer = application(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": "/c/line/tools/confirmation",
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "HTTP_AUTHORIZATION": f"Bearer {SECRET}",
                "CONTENT_TYPE": "application/json",
                "CONTENT_LENGTH": str(len(raw)),
                "wsgi.input": io.BytesIO(raw),
                "wsgi.url_scheme": "http",
            },
            lambda line, headers: status.append(line),
        )
        if hasattr(answer, "close"):
            answer.close()
        assert status == ["200 OK"], b"".join(answer)

    for number in range(WARM_UP):
        call(number)
    profiler.enable()
    for number in range(count):
        call(WARM_UP + number)
    profiler.disable()


def send(profiler: cProfile.Profile, count: int) -> None:
    """Profile the event loop's thread while it drains what is queued. SQL runs in another one."""
    # What is imported once costs a text nothing.
    import twilio.rest  # noqa: F401

    import builder.urls  # noqa: F401
    from sms import dispatch

    async def switch(on: bool) -> None:
        (profiler.enable if on else profiler.disable)()

    dispatch._run(switch(True))
    handed_over = dispatch.drain()
    dispatch._run(switch(False))
    dispatch.close()
    assert handed_over == count, f"{handed_over} of {count} were handed over"


def table(profiler: cProfile.Profile, count: int) -> str:
    """The costs in shares of the whole: own time by package, then time with callees of our own functions."""
    stats: dict[Any, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    packages: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for (file, _, function), (_, _, own, whole, callers) in stats.items():
        if file == "~":
            # What C code costs is its callers' matter.
            for (calling, _, _), (_, _, spent, _) in callers.items():
                packages[_package(calling)] += spent
        else:
            packages[_package(file)] += own
        if Path(file).is_relative_to(ROOT) and "site-packages" not in file and "tests" not in file:
            ours[f"{Path(file).relative_to(ROOT)} {function}"] += whole
    total = packages.total()
    lines = [f"{total / count * 1000:.2f} ms of CPU each, under the profiler, which multiplies it."]
    for title, found, most in (
        ("Own time by package", packages, PACKAGES),
        ("Our functions, with what they call", ours, FUNCTIONS),
    ):
        shares = ", ".join(f"{name} {share / total:.0%}" for name, share in found.most_common(most))
        lines.append(f"{title}: {shares}.")
    return "\n".join(lines)


def _package(file: str) -> str:
    path = Path(file)
    _, found, inside = file.rpartition("site-packages/")
    if not found and path.is_relative_to(ROOT):
        return path.relative_to(ROOT).parts[0]
    if not found:
        return f"Python's {path.parent.name if path.parent.name in ('asyncio', 'json', 're') else 'library'}"
    parts = Path(inside).parts
    return "django.db" if parts[:2] == ("django", "db") else parts[0]


def main() -> None:
    name, count = sys.argv[1], int(sys.argv[2])
    # CPU of the thread, so that waiting costs nothing.
    profiler = cProfile.Profile(time.thread_time)
    {"accept": accept, "send": send}[name](profiler, count)
    print(table(profiler, count))


if __name__ == "__main__":
    main()
