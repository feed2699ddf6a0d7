"""What a run of the benchmarks stands on: a database server, a carrier and meters of its own."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from tests.e2e.conftest import Line
from tests.faults.services import Broker, Postgres, RabbitMQ, Redis, kill_tree
from tests.processes import ROOT, eventually, free_port

# What a tool call writes beside its text.
TABLES_OF_CALLS = (
    "campaigns_call",
    "campaigns_toolcall",
    "campaigns_consent",
    "campaigns_textednumber",
)


class Broken(Exception):
    """Something did not do what it is measured for, so that its figure would mean nothing."""


class Ground:
    """A temporary folder, and a PostgreSQL server for this run alone, so that its CPU is the run's.

    What a row starts ends with the row, however it ends: see at_end().
    """

    def __init__(self) -> None:
        self._ends = ExitStack()
        self._folder = Path(tempfile.mkdtemp(prefix="midcall-bench-"))
        self._folder.chmod(0o755)
        self._postgres = Postgres(self.folder("postgres"))
        self._postgres.start()
        self.host = self._postgres.host

    def folder(self, name: str) -> Path:
        """A new folder of this run's. PostgreSQL's user, another one than root, may enter it."""
        made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))
        made.chmod(0o755)
        return made

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(self.host)}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection of the benchmark's own, committing each statement."""
        return psycopg.connect(self.url(database), autocommit=True)

    def create(self, database: str, table: str) -> None:
        """A new database with one table."""
        self._postgres.run(f"CREATE DATABASE {database}")
        with self.connect(database) as made:
            made.execute(table)  # type: ignore[arg-type]

    def meter(self, pid: int) -> Meter:
        postmaster = Path(self.host) / "data" / "postmaster.pid"
        return Meter(pid, int(postmaster.read_text().split()[0]))

    def at_end(self, stop: Callable[[], object]) -> None:
        """Call `stop` when the row is over; what was started last is stopped first."""
        self._ends.callback(stop)

    def end_row(self) -> None:
        self._ends.close()

    def stop(self) -> None:
        self._ends.close()
        self._postgres.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class Meter:
    """CPU that a process tree and PostgreSQL use from here on."""

    def __init__(self, pid: int, postmaster: int) -> None:
        self._pids = (pid, postmaster)
        self._before = [cpu_seconds(pid) for pid in self._pids]

    def milliseconds_per(self, count: int) -> tuple[float, float]:
        """Of the tree and of PostgreSQL, by each of `count`."""
        tree, postgres = (
            (cpu_seconds(pid) - before) * 1000 / count
            for pid, before in zip(self._pids, self._before, strict=True)
        )
        return tree, postgres


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its descendants, with the ended ones that it waited for."""
    parent = psutil.Process(pid)
    total = 0.0
    for process in [parent, *parent.children(recursive=True)]:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


class Service:
    """A process that a row needs, until its end, with its log in the row's folder."""

    def __init__(self, ground: Ground, folder: Path, name: str, *command: str, **environment: str) -> None:
        with (folder / f"{name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid
        ground.at_end(lambda: kill_tree(self._process))


class Carrier(Service):
    """The carrier of carrier.py."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(ground, folder, "carrier", sys.executable, "-m", "tests.bench.carrier", str(port))
        eventually(lambda: listens(port))
        # Kept, so that to look often costs little.
        self._http = http.client.HTTPConnection("127.0.0.1", port)

    def reset(self, delay: int) -> None:
        """Answer after `delay` milliseconds from now on, and forget what arrived."""
        self._ask(f"/delay/{delay}")

    def count(self) -> int:
        """How many texts arrived."""
        return int(self._ask("/count"))

    def arrivals(self) -> list[float]:
        """When texts arrived, in seconds of the monotonic clock."""
        return list(self._ask("/arrivals"))

    def _ask(self, path: str) -> Any:
        self._http.request("GET", path)
        return json.loads(self._http.getresponse().read())


def start_broker(ground: Ground, broker: Broker) -> None:
    """Start a broker that ends with the row; the embedded one is a folder, with nothing to start."""
    if isinstance(broker, RabbitMQ):
        ground.at_end(broker.end)
        broker.start()
    elif isinstance(broker, Redis):
        ground.at_end(broker.kill)
        broker.start()


def installation(ground: Ground, folder: Path, broker: Broker, carrier_url: str) -> Line:
    """A configured installation without processes; those that are started in it end with the row."""
    line = Line(folder, ground.host, CELERY_BROKER_URL=broker.url, TWILIO_API_URL=carrier_url)
    ground.at_end(line.stop)
    line.create()
    line.configure()
    return line


def listens(port: int) -> bool:
    """Whether something on this machine takes connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
