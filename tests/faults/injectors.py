"""What is done to an installation while agents ask for texts. Each returns how often it was done.

An injector runs beside the load in a thread of its own, and leaves everything running when it returns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import psutil

from tests.faults.load import Load
from tests.faults.site import Site
from tests.processes import eventually

Injector = Callable[[Site, Load, random.Random], int]

LOOK_SECONDS = 0.02
# A doorbell is published within this of the text that it rings for.
RING_SECONDS = 0.3
# From here on, what happens lasts until the load has ended.
NEARLY = 0.9


def nothing(site: Site, load: Load, chance: random.Random) -> int:
    """The fault is the carrier's."""
    load.done.wait()
    return 0


def kill_children(every: float) -> Injector:
    """SIGKILL a random process of the worker's pool."""

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        killed = 0
        while not load.done.wait(every):
            children = site.children("worker")
            if children:
                try:
                    chance.choice(children).kill()
                    killed += 1
                except psutil.NoSuchProcess:
                    continue
        return killed

    return inject


def kill_groups(every: float) -> Injector:
    """SIGKILL a whole worker, the other one the next time; it is started again at once."""

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        killed = 0
        while not load.done.wait(every):
            site.restart(("worker", "worker-2")[killed % 2])
            killed += 1
        return killed

    return inject


def flush_broker(every: float) -> Injector:
    """Empty the broker; every other time with doorbells in it that no worker has heard.

    The last time is one of those, and nobody rings after it: what is queued then, only the poller can find.
    """

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        flushed = 0
        while load.progress < NEARLY and not load.done.wait(every):
            if flushed % 2:
                site.kill("worker")
                load.done.wait(every / 5)
            site.broker.flush()
            if flushed % 2:
                site.launch("worker")
            flushed += 1
        _lose_the_last_rings(site, load, site.broker.flush)
        return flushed + 1

    return inject


def broker_outages(times: int, seconds: float) -> Injector:
    """Kill the broker and start it again; the last time with doorbells in it that no worker has heard."""

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        def outage() -> None:
            site.broker.kill()
            time.sleep(chance.uniform(0.2, 1) * seconds)
            site.broker.start()

        for turn in range(times - 1):
            _reach(load, (turn + 0.5) / times)
            outage()
        _reach(load, NEARLY)
        _lose_the_last_rings(site, load, outage)
        return times

    return inject


def kill_postgres(times: int, seconds: float) -> Injector:
    """SIGKILL all of PostgreSQL and start it again."""

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        for turn in range(times):
            _reach(load, (turn + chance.uniform(0.3, 0.9)) / times)
            site.ground.postgres.kill()
            time.sleep(chance.uniform(0, 1) * seconds)
            site.ground.postgres.start()
        return times

    return inject


def kill_web(every: float) -> Injector:
    """SIGKILL the web server, with requests in it, and start it again."""

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        killed = 0
        while not load.done.wait(chance.uniform(0.5, 1.5) * every):
            site.kill("web")
            site.start("web")
            killed += 1
        return killed

    return inject


def freeze_worker(times: int) -> Injector:
    """Stop a worker that has just claimed, let another one act on its texts, and let it go on.

    It is stopped within milliseconds of its claim, so that most of what it claimed is not written yet.
    """

    def inject(site: Site, load: Load, chance: random.Random) -> int:
        for turn in range(times):
            site.kill("worker")
            _reach(load, (turn + 1) / times)
            site.launch("worker")
            eventually(lambda: site.count("state = 'submitting'"), every=0)
            site.freeze("worker")
            site.start("worker-2")
            time.sleep(site.times.doubt + 2)
            site.thaw("worker")
            time.sleep(1)
            site.kill("worker-2")
        return times

    return inject


def _lose_the_last_rings(site: Site, load: Load, lose: Callable[[], None]) -> None:
    """What is queued after this, nothing but the poller can find."""
    site.kill("worker")
    load.done.wait()
    time.sleep(RING_SECONDS)
    lose()
    site.launch("worker")


def _reach(load: Load, progress: float) -> None:
    while load.progress < progress and not load.done.wait(LOOK_SECONDS):
        continue
