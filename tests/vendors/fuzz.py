"""Fuzzing of every endpoint: python -m tests.vendors.fuzz [--seconds N]

Schemathesis sends to the real processes what our OpenAPI allows and what it does not, and the doors that the
OpenAPI leaves out, MCP and vendors' webhooks, are fuzzed by hypothesis (tests/campaigns/test_hostile.py and
runtimes/test_hostile.py), with many times the examples that the tests have.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from builder import embedded
from tests.processes import ROOT, request
from tests.vendors import environments
from tests.vendors.rows import PLAIN
from tests.vendors.site import TOOLS, Line, secret, slug

HYPOTHESIS = ["tests/campaigns/test_hostile.py", "tests/campaigns/runtimes/test_hostile.py"]
# What a schema cannot say is refused with 422, and 409 where one call has two numbers.
CONFIGURATION = """
[parameters]
"path.connection" = "{slug}"

[[operations]]
include-path = "/c/{{connection}}/tools/{{name}}"
parameters = {{ "path.name" = "{tool}" }}

[[operations]]
include-path = "/c/{{connection}}/messages/{{message_id}}"
parameters = {{ "path.message_id" = "{message}" }}

[checks.positive_data_acceptance]
expected-statuses = [200, 304, 401, 403, 404, 409, 413, 422]
"""


def main() -> int:
    """1 when something was found."""
    options = _options()
    # Told to end, it still ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    command = environments.program("schemathesis", "schemathesis")
    embedded.start()
    with tempfile.TemporaryDirectory() as folder:
        line = Line(Path(folder), LEASE_SECONDS="4", LATE_BOUND_SECONDS="1")
        line.create()
        try:
            line.configure([PLAIN])
            line.carrier.start()
            line.start("web", "worker", "beat")
            message, each = _text(line), options.seconds // len(TOOLS)
            ended = [_schemathesis(line, command, tool, message, each) for tool in TOOLS]
            problems = _problems(line)
        finally:
            line.stop()
            line.drop()
    print(*problems, sep="\n")
    factor = {**os.environ, "FUZZ": str(options.factor)}
    ended.append(
        subprocess.run([sys.executable, "-m", "pytest", "-q", *HYPOTHESIS], cwd=ROOT, env=factor).returncode
    )
    return bool(problems or any(ended))


def _text(line: Line) -> str:
    """The id of one that was asked for, so that there is something to read."""
    envelope = {
        "callId": "before",
        "customerPhoneNumber": "+14155550123",
        "parameters": {"guests": "four", "consent": "Yes, please."},
    }
    path = f"{line.url}/c/{slug(PLAIN)}/tools/confirmation"
    status, answer = request(path, "POST", envelope, {"Authorization": f"Bearer {secret(PLAIN)}"})
    assert (status, answer["status"]) == (200, "accepted"), answer
    return str(answer["messageId"])


def _schemathesis(line: Line, command: str, tool: str, message: str, seconds: int) -> int:
    configuration = line.folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(slug=slug(PLAIN), tool=tool, message=message))
    words = [command, "--config-file", str(configuration), "run", f"{line.url}/api/openapi.json"]
    words += ["--header", f"Authorization: Bearer {secret(PLAIN)}", "--max-time", str(seconds)]
    words += ["--continue-on-failure", "--request-timeout", "20", "--report-dir", str(line.folder)]
    return subprocess.run(words, cwd=line.folder).returncode


def _problems(line: Line) -> list[str]:
    """What should not be, whatever was sent: an error of ours, or a text that nobody asked for."""
    found = [text for text in ("Traceback", "Internal Server Error") if text in line.log("web")]
    for wrong, query in {
        "texts without a tool call": "SELECT count(*) FROM sms_message AS message WHERE NOT EXISTS"
        " (SELECT FROM campaigns_toolcall WHERE message_id = message.id)",
        "texts without consent": "SELECT count(*) FROM campaigns_toolcall AS fired WHERE outcome = 'accepted'"
        " AND NOT EXISTS (SELECT FROM campaigns_consent WHERE tool_call_id = fired.id)",
        "calls without a tool call": "SELECT count(*) FROM campaigns_call AS call WHERE NOT EXISTS"
        " (SELECT FROM campaigns_toolcall WHERE call_id = call.id)",
    }.items():
        [(count,)] = line.rows(query)
        if count:
            found.append(f"{count} {wrong}")
    return [f"WRONG: {each}" for each in found]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.vendors.fuzz", description=__doc__)
    parser.add_argument(
        "--seconds", type=int, default=120, metavar="N", help="how long Schemathesis may take"
    )
    parser.add_argument(
        "--factor", type=int, default=10, metavar="N", help="so many times hypothesis' examples"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
