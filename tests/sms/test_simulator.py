"""The simulated carrier as a process: it starts, stops, remembers, and says why it cannot start.

`Simulator`, `Receiver` and their like are what the other test_simulator files work with.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

ROOT = Path(__file__).resolve().parents[2]
SID, TOKEN = "AC" + "a" * 32, "token of account a"
OTHER_SID, OTHER_TOKEN = "AC" + "b" * 32, "token of account b"
SERVICE = "MG" + "c" * 32
SENDER = "+14155550100"
PACE = "0.01"
PATIENCE_SECONDS = 5.0
T = TypeVar("T")
_numbers = itertools.count(14155560000)


def a_number() -> str:
    """A phone that no other test texts."""
    return f"+{next(_numbers)}"


def wait_for(what: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """The first true value of `what`; fails when none comes in time."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain, last saw {value!r}"
        time.sleep(0.01)
    return value


def settings(**changes: str) -> dict[str, str]:
    """The environment of a simulator of these tests, whatever this process has in its own."""
    kept = {name: value for name, value in os.environ.items() if "SIMULATOR" not in name}
    return {**kept, "SIMULATOR_ACCOUNTS": f"{SID}:{TOKEN}, {OTHER_SID}:{OTHER_TOKEN}", **changes}


class Simulator:
    """A simulated carrier in a process of its own, on a free port."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sms.simulator", "--port", "0", "--pace", PACE, *options],
            cwd=ROOT,
            env=settings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert address, (line, self.process.communicate())
        self.url, self.port = address[0], int(address[1])
        self.session = requests.Session()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            _, errors = self.stop()
            assert "Traceback" not in errors, errors

    def stop(self) -> tuple[str, str]:
        """Ends the process as a supervisor does; returns what it had to say."""
        self.session.close()
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_SECONDS)

    def kill(self) -> None:
        self.session.close()
        self.process.kill()
        self.process.communicate()

    def client(self, sid: str = SID, token: str = TOKEN, timeout: float = 5) -> Client:
        client = Client(sid, token, http_client=TwilioHttpClient(timeout=timeout))
        client.api.base_url = self.url
        return client

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        if body is not None:
            options["json"] = body
        return self.session.request(
            method, f"{self.url}/simulator/{path}", timeout=PATIENCE_SECONDS, **options
        )

    def get(self, path: str, **query: Any) -> Any:
        response = self.ask("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def misbehave(self, fault: str, **rule: Any) -> int:
        response = self.ask("PUT", "misbehaviour", {"fault": fault, **rule})
        assert response.status_code == 201, response.text
        return int(response.json()["id"])

    def truth(self, to: str) -> list[dict[str, Any]]:
        """What the carrier accepted for a number."""
        texts = self.get("texts", to=to)
        assert isinstance(texts, list)
        return texts

    def post_text(self, to: str, timeout: float = 5, **changes: str) -> requests.Response:
        """Asks for a text as a plain HTTP client does."""
        return requests.post(
            f"{self.url}/2010-04-01/Accounts/{SID}/Messages.json",
            auth=(SID, TOKEN),
            data={"To": to, "From": SENDER, "Body": "Hello", **changes},
            timeout=timeout,
        )


class Received:
    """One webhook as it came in."""

    def __init__(self, url: str, headers: Mapping[str, str], body: str) -> None:
        self.url = url
        self.headers = headers
        self.fields = dict(parse_qsl(body, keep_blank_values=True))
        self.at = time.monotonic()

    def is_signed_with(self, token: str) -> bool:
        signature = self.headers.get("X-Twilio-Signature", "")
        return bool(RequestValidator(token).validate(self.url, self.fields, signature))


class Receiver:
    """An application that takes webhooks. `answers` are its next HTTP statuses, 204 after them."""

    def __init__(self) -> None:
        self.webhooks: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.webhooks.append(Received(f"{receiver.url}{self.path}", self.headers, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def told(self, sid: str) -> list[Received]:
        return [webhook for webhook in self.webhooks if webhook.fields["MessageSid"] == sid]

    def statuses(self, sid: str) -> list[str]:
        return [webhook.fields["MessageStatus"] for webhook in self.told(sid)]


def run(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A simulator that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "sms.simulator", *options],
        cwd=ROOT,
        env=settings(**environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def journal_of(directory: Path) -> Path:
    (journal,) = directory.glob("*.jsonl")
    return journal


def test_a_taken_port_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("--port", str(taken.getsockname()[1]))

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "SIMULATOR_PORT" in ended.stderr


def test_the_port_may_come_from_the_environment():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert port in run(SIMULATOR_PORT=port).stderr


def test_settings_that_make_no_sense_are_refused_without_repeating_a_token():
    assert run("--port", "70000").returncode == 2
    assert run("--pace", "nan").returncode == 2
    ended = run(SIMULATOR_ACCOUNTS=f"{SID}:fine,notasid:very-secret")

    assert ended.returncode == 2
    assert "entry 2" in ended.stderr
    assert "very-secret" not in ended.stderr


def test_it_ends_quickly_and_quietly_even_while_an_answer_hangs():
    with Simulator() as simulator:
        simulator.misbehave("hang")
        with socket.create_connection(("127.0.0.1", simulator.port)) as page:
            page.sendall(b"GET /simulator/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            page.recv(1)
            threading.Thread(target=lambda: _ignore_errors(simulator.post_text, a_number())).start()
            wait_for(lambda: simulator.get("posts"))
            started = time.monotonic()
            _, errors = simulator.stop()

        assert time.monotonic() - started < 1.5
        assert errors == ""
        assert simulator.process.returncode == 0


def _ignore_errors(what: Callable[[str], object], value: str) -> None:
    try:
        what(value)
    except requests.RequestException:
        return


def test_texts_and_accounts_survive_kill_9(tmp_path):
    with Simulator("--data", str(tmp_path)) as simulator:
        simulator.ask("POST", "accounts", {"sid": "AC" + "d" * 32, "auth_token": "d"})
        sent = simulator.client().messages.create(to=a_number(), from_=SENDER, body="before")
        wait_for(lambda: simulator.truth(sent.to)[0]["status"] == "delivered")
        unfinished = simulator.client().messages.create(to=a_number(), from_=SENDER, body="mid")
        simulator.kill()

    with Simulator("--data", str(tmp_path)) as simulator:
        assert simulator.truth(sent.to)[0]["status"] == "delivered"
        assert simulator.truth(sent.to)[0]["body"] == "before"
        wait_for(lambda: simulator.truth(unfinished.to)[0]["status"] == "delivered")
        assert simulator.client("AC" + "d" * 32, "d").messages.list() == []


def test_a_torn_last_line_costs_only_itself(tmp_path):
    with Simulator("--data", str(tmp_path)) as simulator:
        sent = simulator.client().messages.create(to=a_number(), from_=SENDER, body="whole")
        wait_for(lambda: simulator.truth(sent.to)[0]["status"] == "delivered")
        simulator.kill()
    with journal_of(tmp_path).open("a") as journal:
        journal.write('not json\n[1, 2]\n{"text": {"sid": 7}}\n{"text":{"sid":"SMtorn","bo')

    for _ in range(2):
        with Simulator("--data", str(tmp_path)) as simulator:
            assert [text["sid"] for text in simulator.get("texts")] == [sent.sid]


def test_the_journal_does_not_grow_without_bound(tmp_path):
    with Simulator("--data", str(tmp_path)) as simulator:
        simulator.client().messages.create(to=a_number(), from_=SENDER, body="pattern")
        simulator.kill()
    pattern = next(
        line["text"]
        for line in map(json.loads, journal_of(tmp_path).read_text().splitlines())
        if "text" in line
    )
    with journal_of(tmp_path).open("a") as journal:
        for number in range(5_100):
            text = {**pattern, "sid": f"SM{number:032x}", "status": "delivered"}
            journal.write(json.dumps({"text": text}) + "\n")

    with Simulator("--data", str(tmp_path)) as simulator:
        sids = [text["sid"] for text in simulator.get("texts")]
        assert (len(sids), sids[0], sids[-1]) == (5_000, f"SM{100:032x}", f"SM{5_099:032x}")
        assert sum("text" in line for line in journal_of(tmp_path).open()) == 5_000


def test_cleared_texts_stay_cleared_and_tokens_stay_private(tmp_path):
    with Simulator("--data", str(tmp_path)) as simulator:
        simulator.client().messages.create(to=a_number(), from_=SENDER, body="gone")
        assert simulator.ask("DELETE", "texts").status_code == 204
        kept = simulator.client().messages.create(to=a_number(), from_=SENDER, body="kept")
        assert journal_of(tmp_path).stat().st_mode & 0o077 == 0
        simulator.process.send_signal(signal.SIGINT)
        assert simulator.process.wait(PATIENCE_SECONDS) == 0

    with Simulator("--data", str(tmp_path)) as simulator:
        assert [text["sid"] for text in simulator.get("texts")] == [kept.sid]


def test_two_of_them_do_not_share_a_journal(tmp_path):
    with Simulator("--data", str(tmp_path)):
        ended = run("--port", "0", "--data", str(tmp_path))

    assert ended.returncode == 1
    assert "in use" in ended.stderr


def test_idle_it_stays_small():
    with Simulator() as simulator:
        status = Path(f"/proc/{simulator.process.pid}/status")
        if not status.exists():
            return
        (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", status.read_text())

    assert int(resident) < 48_000
