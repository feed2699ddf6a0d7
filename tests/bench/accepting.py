"""Accepting a tool call, against the least that the same server and framework can do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from builder import supervise
from tests import tools
from tests.bench.services import TABLES_OF_CALLS, Broken, Ground, Service, installation, listens, start_broker
from tests.e2e.conftest import SECRET
from tests.faults.services import Redis
from tests.processes import eventually, free_port

MIDCALL = "Midcall, a tool call"
REFERENCE = "reference: a bare Django view, one INSERT"
CONNECTIONS = 8
# As many as this machine has cores, as in production.
WEB_WORKERS = 2
LOAD = Path(__file__).with_name("accept.lua")
# Some thousands of requests a round, so that some tens stand above p99.
ROUND_SECONDS, SHORT_SECONDS, WARM_UP_SECONDS = 4, 2, 10

REFERENCE_TABLE = """
CREATE TABLE promise (
    id uuid PRIMARY KEY, call_id text NOT NULL, tool_call_id text NOT NULL, recipient text NOT NULL,
    body text NOT NULL, state text NOT NULL, created_at timestamptz NOT NULL, UNIQUE (call_id, tool_call_id)
)
"""


# As every campaign counts, with limits that a run does not reach.
LIMITS = """
UPDATE campaigns_campaign SET texts_per_call = 3, texts_per_number = 5, texts_per_tool = 10000000,
    texts_per_day = 10000000, texts_per_sender = 10000000, texts_per_country = 10000000,
    segments_per_day = 10000000, minutes_before_repeat = 10
"""


class Accepted(NamedTuple):
    """Requests a second, latencies in milliseconds, CPU of the server and of PostgreSQL in ms a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    postgres: float


class Door:
    """A web server under load. The first of `tables` has one row for each request that it accepted."""

    def __init__(self, ground: Ground, url: str, pid: int, database: str, *tables: str) -> None:
        self._ground, self._url, self._pid, self._database = ground, url, pid, database
        self._table, self._tables = tables[0], ", ".join(tables)
        self._rounds = 0

    def measure(self, seconds: int) -> Accepted:
        self._rounds += 1
        with self._ground.connect(self._database) as database:
            # Every round meets tables of the same size.
            database.execute(f"TRUNCATE {self._tables} CASCADE")  # type: ignore[arg-type]
            meter = self._ground.meter(self._pid)
            loaded = self._load(seconds)
            requests = int(loaded["requests"])
            cpu, postgres = meter.milliseconds_per(requests)
            [(rows,)] = database.execute(f"SELECT count(*) FROM {self._table}").fetchall()  # type: ignore[arg-type]
        # Requests that wrk does not wait for at its end are stored too, one a connection.
        if loaded["errors"] or not 0 <= rows - requests <= CONNECTIONS:
            raise Broken(f"{self._url}: {loaded}, and {rows} rows")
        return Accepted(requests / loaded["seconds"], loaded["p50"], loaded["p99"], cpu, postgres)

    def _load(self, seconds: int) -> dict[str, float]:
        wrk = tools.path_of("wrk", "wrk")
        words = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(LOAD), self._url]
        done = subprocess.run(
            [*words, "--", SECRET, f"round-{self._rounds}"], check=True, capture_output=True, text=True
        )
        found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
        return found


class Accepting:
    """The product's tool call and the reference view, under the same Granian with a process a core."""

    def __init__(self, ground: Ground, short: bool) -> None:
        self._seconds = SHORT_SECONDS if short else ROUND_SECONDS
        folder = ground.folder("accepting")
        self._broker = Redis(folder)
        start_broker(ground, self._broker)
        # Nothing sends here: what is queued stays queued.
        line = installation(ground, folder, self._broker, "http://127.0.0.1:9")
        line.web_workers = WEB_WORKERS
        with ground.connect(line.database) as database:
            database.execute(LIMITS)
        line.start("web")
        ground.create("reference", REFERENCE_TABLE)
        port = free_port()
        command = supervise.programs({"PORT": port}, WEB_WORKERS)["web"]
        bare = Service(
            ground,
            folder,
            "reference",
            *command.replace("builder.wsgi:application", "tests.bench.reference:application").split(),
            DATABASE_HOST=ground.host,
        )
        eventually(lambda: listens(port))
        self._doors = {
            MIDCALL: Door(
                ground,
                f"{line.url}/c/line/tools/confirmation",
                line.pid("web"),
                line.database,
                "sms_message",
                *TABLES_OF_CALLS,
            ),
            REFERENCE: Door(ground, f"http://127.0.0.1:{port}/", bare.pid, "reference", "promise"),
        }
        for door in self._doors.values():
            door.measure(WARM_UP_SECONDS)

    def round(self) -> dict[str, Accepted]:
        measured = {}
        for name, door in self._doors.items():
            self._broker.flush()
            measured[name] = door.measure(self._seconds)
        return measured
