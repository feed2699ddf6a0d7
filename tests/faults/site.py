"""An installation to be hurt: the product's processes, with shorter waits, over a run's own services."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from cryptography.fernet import Fernet

from tests.faults.services import Broker, Folder, Postgres, RabbitMQ, Redis, new_folder
from tests.processes import Carrier, Stack

SECRET = "mc_of_the_fault_runs_and_nothing_else"
TEMPLATE_DATABASE = "faults_template"
# A Messaging Service, which chooses its numbers.
SERVICE_SID = "MG" + "5eed" * 8
SUPERVISE_SECONDS = 0.5

CONFIGURE = """
from django.contrib.auth import get_user_model
from builder.models import SmsAction, Topic
from campaigns.models import Alarm, Brake, Campaign, Connection, ToolAttachment
from campaigns.safeguards.limits import LIMITS
from sms.models import SmsTemplate, UserProfile

ops = get_user_model().objects.create_superuser("ops", "", "ops")
UserProfile.objects.create(
    user=ops, twilio_account_sid="{sid}", twilio_auth_token="{token}", twilio_from="{sender}"
)
# Nothing expires in a run: what is late is to be seen as late.
template = SmsTemplate.objects.create(
    name="confirmation", description="After a booking.", body="Your table: {{{{ number }}}}.", owner=ops,
    send_within_seconds=36000,
)
topic = Topic.objects.create(name="Booking", actions="Call {{{{confirmation}}}}.", owner=ops)
note = SmsAction.objects.create(
    name="note", description="On request.", provider="atlas", owner=ops, send_within_seconds=36000
)
unlimited = dict.fromkeys([*(rule.field for rule in LIMITS), "minutes_before_repeat"])
campaign = Campaign.objects.create(name="Booking line", owner=ops, **unlimited)
campaign.topics.add(topic)
# Thousands of texts out of nothing, and all that fails, are what a run is about.
Brake.objects.create(campaign=campaign, is_on=False)
Alarm.objects.create(pk=1, is_on=False)
ToolAttachment.objects.create(campaign=campaign, action=note)
connection = Connection(slug="line", campaign=campaign, name="Agent")
connection.issue_secret("{secret}")
connection.save()
"""
# A run is about what is lost, not about what carriers take a second.
UNHURRIED = """
INSERT INTO sms_sender
    (account_sid, address, messages_per_second, free_at, paused_until, held_because, held_with_account)
VALUES (%s, %s, 10000, now(), now(), '', false) RETURNING id
"""
RANKS = """
import json
from sms.outbox import RANK
print("RANK", json.dumps({str(state): rank for state, rank in RANK.items()}))
"""


@dataclass(frozen=True)
class Times:
    """The product's waits, in seconds: shorter than in production, in the same order."""

    connect: float
    answer: float
    lease: int
    late: int
    reconcile: float

    @property
    def lateness(self) -> float:
        """How late a carrier takes a text that nobody waits for any more: within the late bound."""
        return (self.answer + self.late) / 2

    @property
    def doubt(self) -> float:
        """The longest that a text is in doubt: its lease, then two listings with the late bound between."""
        return self.lease + 2 * (self.late + self.reconcile)

    def environment(self) -> dict[str, str]:
        return {
            "LEASE_SECONDS": str(self.lease),
            "LATE_BOUND_SECONDS": str(self.late),
            "FAULTS_CONNECT_SECONDS": str(self.connect),
            "FAULTS_ANSWER_SECONDS": str(self.answer),
            "FAULTS_RECONCILE_SECONDS": str(self.reconcile),
        }


class Ground:
    """What all rows of a run share: PostgreSQL with a configured database to copy, and brokers on demand."""

    def __init__(self, like: Ground | None = None) -> None:
        """Configured as `like` is, if that is given and started: for rows that run beside those of it."""
        self.folder = new_folder()
        self.postgres = Postgres(self.new_folder("postgres"), like and like.postgres)
        self._brokers: dict[str, Redis | RabbitMQ] = {}
        self.ranks: dict[str, int] = like.ranks if like else {}
        self.keys = like.keys if like else _keys()
        self.accounts = (
            like.accounts if like else ["AC" + secrets.token_hex(16), "AC" + secrets.token_hex(16)]
        )
        self.tokens = like.tokens if like else [secrets.token_hex(16), secrets.token_hex(16)]

    def start(self) -> None:
        self.postgres.start()
        if not self.ranks:
            self._configure()

    def _configure(self) -> None:
        folder = self.new_folder("template")
        site = Site(self, Folder(folder), Times(1, 2, 4, 2, 1), folder)
        site.database = TEMPLATE_DATABASE
        site.environment["DATABASE_URL"] = site.database_url()
        site.create_from("template1")
        site.manage("migrate", "--verbosity=0")
        for account in self.accounts:
            site.rows(UNHURRIED, account, SERVICE_SID)
        site.manage(
            "shell",
            "--no-imports",
            script=CONFIGURE.format(
                sid=site.account_sid, token=site.auth_token, sender=SERVICE_SID, secret=SECRET
            ),
        )
        said = site.manage("shell", "--no-imports", script=RANKS)
        [line] = [line for line in said.splitlines() if "RANK {" in line]
        self.ranks = json.loads(line[line.index("{") :])

    def stop(self, *, keep: bool = False) -> None:
        """End everything; with `keep`, leave the logs and the stories of suspects."""
        for broker in self._brokers.values():
            broker.end()
        self.postgres.end()
        if not keep:
            shutil.rmtree(self.folder)

    def new_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def broker(self, name: str, folder: Path) -> Broker:
        """The broker of that name, running and empty."""
        if name == "filesystem":
            return Folder(folder)
        if name not in self._brokers:
            self._brokers[name] = {"redis": Redis, "rabbitmq": RabbitMQ}[name](self.new_folder(name))
        broker = self._brokers[name]
        if not broker.runs:
            broker.start()
        broker.flush()
        return broker


def _keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    }


class Site(Stack):
    """Web, workers, beat and carrier of one row. Names may have a number: "worker" and "worker-2" are two.

    `pool` is how many processes a worker has; 0 for threads, as the product is started.
    """

    def __init__(
        self,
        ground: Ground,
        broker: Broker,
        times: Times,
        folder: Path,
        *,
        pool: int = 0,
        defect: str = "",
    ) -> None:
        super().__init__(folder, host=ground.postgres.host)
        self.ground, self.times, self.broker, self.pool = ground, times, broker, pool
        self.defects = defect.split()
        self.revived: list[str] = []
        self.account_sid, self.atlas_sid = ground.accounts
        self.auth_token, self.atlas_token = ground.tokens
        self.carrier = Carrier(self.folder, dict(zip(ground.accounts, ground.tokens, strict=True)))
        self.environment |= {
            **ground.keys,
            **times.environment(),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "FAULTS_DEFECT": defect,
            "TWILIO_API_URL": self.carrier.url,
            "ATLAS_ACCOUNT_SID": self.atlas_sid,
            "ATLAS_AUTH_TOKEN": self.atlas_token,
            "ATLAS_FROM": SERVICE_SID,
        }
        self.environment.pop("CELERY_BROKER_URL", None)
        if broker.url:
            self.environment["CELERY_BROKER_URL"] = broker.url

    def database_url(self) -> str:
        return f"postgresql://postgres@/{self.database}?host={self._host}"

    def create(self) -> None:
        self.create_from(TEMPLATE_DATABASE)

    def create_from(self, template: str) -> None:
        self.ground.postgres.run(f"CREATE DATABASE {self.database} TEMPLATE {template}")

    def drop(self) -> None:
        self.ground.postgres.run(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")

    def command(self, name: str) -> list[str]:
        program, _, number = name.partition("-")
        words = super().command(program)
        if program == "worker":
            words += ["--hostname", f"{name}@%h"]
        if program == "worker" and self.pool:
            # The last of an option counts.
            words += ["--pool", "prefork", "--concurrency", str(self.pool)]
        return words

    def children(self, name: str) -> list[psutil.Process]:
        """The pool's processes of a worker."""
        try:
            return psutil.Process(self.pid(name)).children()
        except psutil.NoSuchProcess:
            return []

    def restart(self, name: str) -> None:
        """Kill a group of processes, and start it again without waiting until it is ready."""
        self.kill(name)
        self.launch(name)

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Start again what ends without being told to, as the supervisor of an installation does."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(SUPERVISE_SECONDS):
                for name, process in list(self._running.items()):
                    if process.poll() is not None and self._running.get(name) is process:
                        self.revived.append(name)
                        self.launch(name)

        thread = threading.Thread(target=watch, name="supervisor")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def freeze(self, name: str) -> None:
        os.killpg(self.pid(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.killpg(self.pid(name), signal.SIGCONT)

    def count(self, where: str, *values: Any) -> int:
        """How many messages the database has of a kind."""
        [(found,)] = self.rows(f"SELECT count(*) FROM sms_message WHERE {where}", *values)
        return int(found)
