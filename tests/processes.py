"""The real processes of an installation, on ports and in folders of a test's own."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from cryptography.fernet import Fernet

from builder import embedded, supervise

ROOT = Path(__file__).resolve().parent.parent
# Long enough for the slowest start on a loaded machine; nothing waits for it when all is well.
PATIENCE_SECONDS = 120
# Beneath those that the kernel gives to connections: none takes one before its server has started.
PORTS = range(20_000, 32_000)
LINES_SHOWN = 30


def free_port() -> int:
    """A port that nothing listens on."""
    while True:
        # Not by `random`, which begins alike in each of the processes that run tests.
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(fact: Callable[[], Any], within: float = PATIENCE_SECONDS, every: float = 0.03) -> Any:
    """What `fact` returns once that is true; fails with its last value if it never is."""
    ends = time.monotonic() + within
    while True:
        found = fact()
        if found:
            return found
        assert time.monotonic() < ends, f"not true within {within} s: {found!r}"
        time.sleep(every)


def until_it_answers(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path) -> None:
    """Return when a server serves that was started; fails with what it wrote if it ends or never does."""
    try:
        eventually(lambda: process.poll() is not None or answers())
        assert process.poll() is None, f"it has ended with {process.returncode}"
    except AssertionError as error:
        error.add_note(_end_of(log))
        raise


def _end_of(log: Path) -> str:
    written = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join([f"--- {log.stem}", *written.splitlines()[-LINES_SHOWN:]])


def request(
    url: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """An HTTP request; status and parsed JSON (or text) of its answer, whatever it says."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, method=method)
    if data is not None:
        asked.add_header("Content-Type", "application/json")
    for name, value in (headers or {}).items():
        asked.add_header(name, value)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


class Carrier:
    """A simulated carrier, as a process of its own."""

    def __init__(self, folder: Path, accounts: dict[str, str], port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._accounts = accounts
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "carrier.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sms.simulator", "--port", str(self.port), "--pace", "0.02"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "SIMULATOR_ACCOUNTS": ",".join(f"{sid}:{token}" for sid, token in self._accounts.items()),
                },
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_it_answers(self._process, self.answers, self._folder / "carrier.log")

    def answers(self) -> bool:
        try:
            return request(f"{self.url}/healthz")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def texts(self) -> list[dict[str, Any]]:
        """All that the carrier holds: the truth that a database is compared with."""
        found: list[dict[str, Any]] = request(f"{self.url}/simulator/texts")[1]
        return found

    def misbehave(self, fault: str, **rule: Any) -> None:
        status, answer = request(f"{self.url}/simulator/misbehaviour", "PUT", {"fault": fault, **rule})
        assert status < 300, answer

    def behave(self) -> None:
        request(f"{self.url}/simulator/misbehaviour", "DELETE", {})

    def forget(self) -> None:
        request(f"{self.url}/simulator/texts", "DELETE", {})


class Stack:
    """Web server, worker, beat and carrier over a database and a broker folder of their own."""

    web_workers = 1

    def __init__(self, folder: Path, host: str = "", **environment: str) -> None:
        """`host` is the socket folder of a PostgreSQL server; the embedded one if silent."""
        self.folder = folder
        self.account_sid, self.auth_token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        self.atlas_sid, self.atlas_token = "AC" + secrets.token_hex(16), secrets.token_hex(16)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.carrier = Carrier(folder, {self.account_sid: self.auth_token, self.atlas_sid: self.atlas_token})
        self.database = f"midcall_{secrets.token_hex(4)}"
        self._host = host or embedded.database()["HOST"]
        self.environment = {
            **os.environ,
            "DATABASE_URL": f"postgresql://postgres@/{self.database}?host={quote(self._host)}",
            "DATA_DIR": str(folder),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "PUBLIC_URL": self.url,
            "ALLOWED_HOSTS": "127.0.0.1",
            "TWILIO_API_URL": self.carrier.url,
            "ATLAS_ACCOUNT_SID": self.atlas_sid,
            "ATLAS_AUTH_TOKEN": self.atlas_token,
            "ATLAS_FROM": "+13125550100",
            "PORT": str(self.port),
            **environment,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def create(self) -> None:
        """The database, migrated."""
        template = migrated(self._host)
        with psycopg.connect(host=self._host, user="postgres", dbname="postgres", autocommit=True) as server:
            server.execute(f"CREATE DATABASE {self.database} TEMPLATE {template}")  # type: ignore[arg-type]

    def drop(self) -> None:
        with psycopg.connect(host=self._host, user="postgres", dbname="postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")  # type: ignore[arg-type]

    def manage(self, *words: str, script: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            input=script,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, *names: str) -> None:
        """Start processes, and return when they serve; if they never do, fails with what they wrote."""
        for name in names:
            self.launch(name)
        try:
            if "web" in names:
                eventually(self.answers)
            for name in names:
                if name.startswith("worker"):
                    eventually(lambda name=name: " ready." in self.log(name))
        except AssertionError as error:
            for name in names:
                error.add_note(_end_of(self.folder / f"{name}.log"))
            raise

    def launch(self, name: str) -> None:
        """Start one process without waiting for it."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self.command(name),
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def command(self, name: str) -> list[str]:
        """What `make run` would start under this name."""
        return supervise.programs({"PORT": self.port}, self.web_workers)[name].split()

    def answers(self) -> bool:
        try:
            return request(f"{self.url}/readyz")[0] == 200
        except OSError:
            return False

    def log(self, name: str) -> str:
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def pid(self, name: str) -> int:
        """The process that was started under a name; what it starts in turn are its children."""
        return self._running[name].pid

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """End a process and its children, at once unless `sign` is kinder."""
        process = self._running.pop(name)
        # One that has ended by itself, and has been noticed, is no more.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        process.wait()

    def stop(self) -> None:
        for name in list(self._running):
            self.kill(name)
        self.carrier.stop()

    def empty(self, *tables: str) -> None:
        """Forget all that stands in some tables, also what is only ever added to."""
        with psycopg.connect(
            host=self._host, user="postgres", dbname=self.database, autocommit=True
        ) as database:
            database.execute(f"TRUNCATE {', '.join(tables)} CASCADE")  # type: ignore[arg-type]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a query finds in the database, past the application."""
        with psycopg.connect(
            host=self._host, user="postgres", dbname=self.database, autocommit=True
        ) as database:
            return database.execute(query, values).fetchall()  # type: ignore[arg-type]


MIGRATED = "midcall_migrated_"


def migrated(host: str = "") -> str:
    """The name of a database that the migrations have made, and nobody connects to: others are copies of it.

    It is made by `manage.py migrate`, once for each state of the code, on the server with that socket folder.
    """
    host = host or embedded.database()["HOST"]
    name = MIGRATED + _state_of_the_code()
    with (
        psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        # Whoever comes second waits, and finds it made.
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [MIGRATED])
        of_any_state = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        found = [each for (each,) in server.execute(of_any_state, [MIGRATED])]
        if name not in found:
            for stale in found:
                server.execute(f"DROP DATABASE {stale}")  # type: ignore[arg-type]
            draft = Stack(Path(folder), host)
            server.execute(f"CREATE DATABASE {draft.database}")  # type: ignore[arg-type]
            try:
                draft.manage("migrate", "--verbosity=0")
                server.execute(f"ALTER DATABASE {draft.database} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
                server.execute(f"ALTER DATABASE {draft.database} RENAME TO {name}")  # type: ignore[arg-type]
            except BaseException:
                draft.drop()
                raise
    return name


def _state_of_the_code() -> str:
    """What changes whenever anything does that a migrated database could depend on."""
    seen = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for package in ("builder", "campaigns", "sms"):
        for file in sorted((ROOT / package).rglob("*.py")):
            seen.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return seen.hexdigest()[:16]
