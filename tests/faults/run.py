"""One row of the catalogue: an installation is set up, asked for texts, hurt, and then compared."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.faults.checker import Verdict, check, settle
from tests.faults.injectors import Injector, nothing
from tests.faults.load import Load, asks
from tests.faults.site import Ground, Site, Times

# In production: reach 3, connect 10, answer 38, lease 120, late bound 60, reconciled every 15 s.
FULL = Times(connect=1, answer=3, lease=8, late=4, reconcile=1)
SHORT = Times(connect=0.5, answer=1.5, lease=4, late=2, reconcile=0.5)
# Longer than any doubt can last in the row, plus this for a machine that is busy with a backlog.
SETTLE_SECONDS = {True: 120, False: 120}

Rule = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Result:
    """What one row came to. `breaches` are promises of the row's own that were not kept."""

    messages: int
    seed: int
    verdict: Verdict
    injected: int = 0
    notes: str = ""
    breaches: tuple[str, ...] = ()
    row: str = ""
    broker: str = ""
    seconds: float = 0
    defect: str = ""
    folder: Path | None = None

    def problems(self) -> list[str]:
        """Why the row is not clean, in words; nothing if it is."""
        return [f"{name} {count}" for name, count in self.verdict.faults().items()] + list(self.breaches)


@dataclass(frozen=True)
class Row:
    """One fault of the catalogue.

    `full` is the load, as messages and the seconds that they are spread over, `short` the same in the short
    run, on `short_broker` alone; `misbehaviour` is what the carrier is told to do, `allowance` how many texts
    may end honestly without the carrier, and `defect` the broken variant that the checker must catch.
    """

    name: str
    says: str
    defect: str
    full: tuple[int, float]
    short: tuple[int, float]
    inject: Injector = nothing
    inject_short: Injector | None = None
    misbehaviour: Callable[[Times], list[Rule]] = lambda times: []
    brokers: tuple[str, ...] = ("filesystem",)
    short_broker: str = "filesystem"
    processes: tuple[str, ...] = ("web", "worker", "beat")
    pool: int = 0
    allowance: Callable[[int], int] = lambda messages: 0
    everything_delivered: bool = False
    # A row with a figure of its own runs itself.
    figure: Callable[..., Result] | None = None


def run(
    ground: Ground, row: Row, broker_name: str, *, short: bool, seed: int, messages: int = 0, defect: str = ""
) -> Result:
    """Run a row with one broker and return what came of it; nothing of it is left running."""
    began = time.monotonic()
    folder = ground.new_folder(f"{row.name}-{broker_name}-{seed}-{defect or 'sound'}")
    site = Site(
        ground,
        ground.broker(broker_name, folder),
        SHORT if short else FULL,
        folder,
        pool=row.pool,
        defect=defect,
    )
    size, seconds = row.short if short else row.full
    if messages:
        size, seconds = messages, seconds * messages / size
    site.create()
    try:
        with site.supervised():
            if row.figure:
                result = row.figure(site, size, seed, short)
            else:
                result = _hurt(site, row, size, seconds, seed, short)
    finally:
        site.stop()
        site.drop()
    notes = [result.notes, *(f"{name} ended by itself" for name in site.revived)]
    return replace(
        result,
        notes=", ".join(filter(None, notes)),
        row=row.name,
        broker=broker_name,
        seconds=time.monotonic() - began,
        defect=defect,
        folder=folder,
    )


def _hurt(site: Site, row: Row, size: int, seconds: float, seed: int, short: bool) -> Result:
    load = Load(site.url, asks(size, seed), seconds, seed)
    inject = (short and row.inject_short) or row.inject
    site.carrier.start()
    for fault, parameters in row.misbehaviour(site.times):
        site.carrier.misbehave(fault, **parameters)
    if "commits_not_flushed" in site.defects:
        site.ground.postgres.forget_commits(site.database)
    site.start(*(name for name in row.processes if name != "beat" or "no_poller" not in site.defects))
    injected: list[int] = []
    failed: list[BaseException] = []

    def injecting() -> None:
        try:
            injected.append(inject(site, load, random.Random(seed)))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=injecting, name="injector")
    thread.start()
    try:
        load.run()
    finally:
        thread.join()
    if failed:
        raise failed[0]
    patience = site.times.doubt + SETTLE_SECONDS[short]
    settle(site, patience, everything_delivered=row.everything_delivered)
    verdict = check(site, load)
    breaches = []
    if verdict.given_up > row.allowance(size):
        breaches.append(f"given up {verdict.given_up}")
    if load.refused:
        breaches.append(f"refused {len(load.refused)}")
    wrong = {status: count for status, count in load.statuses.items() if status in range(400, 503)}
    if wrong:
        breaches.append(f"answers {wrong}")
    notes = [f"{count}x {status}" for status, count in load.statuses.items() if status != 200]
    return Result(size, seed, verdict, injected[0], ", ".join(notes), tuple(breaches))
