"""A new encryption key for everything stored, with kill -9 in the middle, while tokens are entered and calls
answered."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from cryptography.fernet import Fernet

from sms.envelope import VERSION, id_of
from tests.bench.services import Broken, Ground
from tests.e2e.conftest import Line
from tests.processes import ROOT, eventually

ROWS, SHORT_ROWS = 100_000, 5_000
# Killed when so much has the new key.
KILLED_AT = 0.5
# Every so manieth row gets a token entered while the keys are rotated.
ENTERED_EVERY = 1000

FILL = """
from django.contrib.auth import get_user_model
from sms.models import UserProfile
User = get_user_model()
for start in range(0, {rows}, 5000):
    ids = range(start, min(start + 5000, {rows}))
    users = User.objects.bulk_create([User(username=f"user {{n}}", password="!") for n in ids])
    UserProfile.objects.bulk_create(
        [UserProfile(user=user, twilio_auth_token=f"token of {{user.username}}") for user in users]
    )
"""
ENTER = """
from sms.models import UserProfile
for profile in UserProfile.objects.filter(user__username__startswith="user ").order_by("-pk")[::{every}]:
    profile.twilio_auth_token = f"entered by {{profile.user.username}}"
    profile.save()
"""
READ = """
from collections import Counter
from sms.models import UserProfile
found = Counter()
profiles = UserProfile.objects.select_related("user").filter(user__username__startswith="user ")
for profile in profiles.iterator():
    words, _, name = profile.twilio_auth_token.reveal().partition(" user ")
    found[words if f"user {name}" == profile.user.username else "another's"] += 1
print(found["token of"], found["entered by"], found.total())
"""


class Rotated(NamedTuple):
    """`at_kill` rows had the new key when the first run was killed; the second one did the rest in `seconds`.

    Of the calls that were made meanwhile, all answered, the slowest took `slowest_ms`.
    """

    rows: int
    at_kill: int
    rate: float
    seconds: float
    entered: int
    calls: int
    slowest_ms: float


def measure(ground: Ground, short: bool) -> Rotated:
    """Raises Broken unless every secret is read afterwards with the new key alone."""
    rows = SHORT_ROWS if short else ROWS
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    line = Line(ground.folder("rotating"), ground.host, FIELD_ENCRYPTION_KEY=old)
    ground.at_end(line.stop)
    line.create()
    line.configure()
    line.manage("shell", "--no-imports", script=FILL.format(rows=rows))
    line.environment["FIELD_ENCRYPTION_KEY"] = f"{new},{old}"
    line.start("web")

    first = _start(line, "rotate_keys")
    eventually(lambda: _rotated(line, new) >= rows * KILLED_AT or first.poll() is not None, within=300)
    if first.poll() is not None:
        raise Broken("The first run ended before it could be killed.")
    first.kill()
    first.wait()
    at_kill = _rotated(line, new)

    began = time.monotonic()
    second = _start(line, "rotate_keys")
    entering = _start(line, "shell", "--no-imports", script=ENTER.format(every=ENTERED_EVERY))
    took = []
    while second.poll() is None:
        called = time.monotonic()
        status, answer = line.fire(f"call {len(took)}", guests=f"{len(took)}")
        took.append((time.monotonic() - called) * 1000)
        if status != 200:
            raise Broken(f"A call was answered with {status}: {answer}")
    seconds = time.monotonic() - began
    if second.returncode or entering.wait():
        raise Broken(line.log("rotate_keys") + line.log("shell"))
    line.environment["FIELD_ENCRYPTION_KEY"] = new
    kept, entered, total = map(int, line.manage("shell", "--no-imports", script=READ).split()[-3:])
    if kept + entered != rows or total != rows or entered != -(-rows // ENTERED_EVERY):
        raise Broken(f"Of {rows} secrets {kept} are what they were, and {entered} what was entered.")
    line.manage("rotate_keys", "--dry-run")
    return Rotated(rows, at_kill, (rows - at_kill) / seconds, seconds, entered, len(took), max(took))


def _start(line: Line, *words: str, script: str = "") -> subprocess.Popen[bytes]:
    """One of the installation's commands, left to itself."""
    folder = Path(line.folder)
    given = folder / f"{words[0]}.in"
    given.write_text(script)
    with (folder / f"{words[0]}.log").open("ab") as log, given.open("rb") as entered:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, **line.environment},
            stdin=entered,
            stdout=log,
            stderr=log,
        )


def _rotated(line: Line, key: str) -> int:
    """How many rows have a key, looked at past the application."""
    [(count,)] = line.rows(
        "SELECT count(*) FROM sms_userprofile WHERE starts_with(twilio_auth_token, %s)",
        f"{VERSION}:{id_of(key)}:",
    )
    return int(count)
