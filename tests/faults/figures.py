"""Rows that are a figure: what a caller waits while the broker hangs, whom a slow account holds up, what a
STOP comes too late for."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time

from tests.faults.checker import check, settle
from tests.faults.load import Ask, Load, asks, phone
from tests.faults.run import Result
from tests.faults.services import BlackHole
from tests.faults.site import Site
from tests.processes import ROOT, eventually

# A tool call may take so many times longer with a broker that hangs, at the 99th percentile. In small that
# is the second worst of two hundred and says more of the machine: there it is the one in the middle, and not
# more than this share may take longer than all that did not hang.
MAX_RATIO = 2.0
PERCENTILE, SHORT_PERCENTILE = 99, 50
MAX_SHARE_BEHIND = 0.1
ROUNDS = 10
# Another account's text must be with the carrier within this. In small there is room for a machine that
# stands still for seconds, but not for one answer of the slow account's, which takes twice as long.
NEIGHBOUR_SECONDS = 1
SHORT_NEIGHBOUR_SECONDS = 8
NEIGHBOURS = 10
# A STOP comes at a random moment of the first so many seconds of a text's life.
STOP_WITHIN_SECONDS = 0.12


def latency_with_black_hole(site: Site, size: int, seed: int, short: bool) -> Result:
    """The latency of tool calls of two web servers, one with a broker and one with a hole for a broker.

    They take turns over one database, so that whatever else this machine does slows both alike.
    """
    hole = BlackHole()
    second = Second(site, hole)
    site.carrier.start()
    try:
        site.start("web")
        second.start("web")
        loads: dict[str, list[Load]] = {"up": [], "hole": []}
        for turn in range(-1, ROUNDS):
            for name, url in (("up", site.url), ("hole", second.url)):
                load = Load(url, asks(size // ROUNDS // 2, seed * 1000 + 2 * turn + (name == "up")), 0, seed)
                load.run()
                loads[name].append(load)
        second.stop()
        site.start("worker", "beat")
        settle(site, site.times.doubt + 60)
    finally:
        second.stop()
        hole.end()
    share = SHORT_PERCENTILE if short else PERCENTILE
    # The first turn of each warms it up.
    latencies = {name: [t for load in turns[1:] for t in load.latencies] for name, turns in loads.items()}
    waited = {name: _percentile(seconds, share) for name, seconds in latencies.items()}
    behind = sum(each > max(latencies["up"]) for each in latencies["hole"]) / len(latencies["hole"])
    ratio = waited["hole"] / waited["up"]
    breaches = [f"p{share} is {ratio:.1f} times as long"] if ratio > MAX_RATIO else []
    if short and behind > MAX_SHARE_BEHIND:
        breaches.append(f"{behind:.0%} took longer than all with the broker up")
    every = [load for turns in loads.values() for load in turns]
    return Result(
        messages=sum(len(load.asked) for load in every),
        seed=seed,
        verdict=check(site, *every),
        notes=f"p{share} {1000 * waited['hole']:.1f} ms with the broker hung, "
        f"{1000 * waited['up']:.1f} ms with it up: {ratio:.2f}x",
        breaches=tuple(breaches),
    )


class Second(Site):
    """A second web server of a site, over the same database, with another broker."""

    def __init__(self, first: Site, broker: BlackHole) -> None:
        folder = first.ground.new_folder(f"{first.folder.name}-second")
        super().__init__(first.ground, broker, first.times, folder, defect=" ".join(first.defects))
        self.database = first.database
        self.environment["DATABASE_URL"] = self.database_url()
        self.environment["PUBLIC_URL"] = first.url


def slow_account(site: Site, size: int, seed: int, short: bool) -> Result:
    """How long another account's texts take to the carrier while one account's are answered late."""
    answer = 2 * SHORT_NEIGHBOUR_SECONDS if short else 30
    # As in production, a late answer is not a broken one.
    site.environment |= {
        "FAULTS_ANSWER_SECONDS": str(answer + 5),
        "LEASE_SECONDS": str(3 * (answer + 7)),
    }
    site.carrier.start()
    site.carrier.misbehave("answer_slow", seconds=answer, account=site.account_sid)
    site.start("web", "worker", "beat")
    slow = Load(site.url, asks(size, seed), 0, seed)
    slow.run()
    # Until the slow account's first texts are with the carrier, nothing holds anybody up.
    eventually(lambda: site.carrier.texts())
    time.sleep(1)
    neighbours = []
    for turn in range(NEIGHBOURS):
        text = Ask(f"neighbour-{turn}", phone(100_000 + turn), f"neighbour-{seed}-{turn}")
        load = Load(site.url, [text], 0, seed, tool="note")
        load.run()
        neighbours.append(load)
        # At full size for longer than the worker's tasks wait for a drain.
        time.sleep(0.3 if short else 4)
    rounds = 1 + size // 100
    settle(site, site.times.doubt + rounds * answer)
    taken = {text["body"]: text["created_at"] for text in site.carrier.texts()}
    waits = [
        taken.get(load.asked[0].text, float("inf")) - load.answered_at[load.asked[0].call]
        for load in neighbours
    ]
    longest = SHORT_NEIGHBOUR_SECONDS if short else NEIGHBOUR_SECONDS
    return Result(
        messages=size + NEIGHBOURS,
        seed=seed,
        verdict=check(site, slow, *neighbours),
        notes=f"{answer} s an answer; another account's text was with the carrier after "
        f"{max(waits):.2f} s at most, {statistics.median(waits):.2f} s in the middle",
        breaches=() if max(waits) <= longest else (f"the neighbour waited {max(waits):.1f} s",),
    )


# A claim is compared by the time of its commit, and by the time that the message itself shows.
LATE_CLAIMS = """
SELECT count(*) FILTER (WHERE e.at > pg_xact_commit_timestamp(o.xmin)),
       count(*) FILTER (WHERE pg_xact_commit_timestamp(e.xmin) > pg_xact_commit_timestamp(o.xmin))
FROM sms_optout o
JOIN sms_message m ON m.recipient = o.recipient
JOIN sms_messageevent e ON e.message_id = m.id AND e.state = 'submitting'
"""


def stop_at_random(site: Site, size: int, seed: int, short: bool) -> Result:
    """A text and a STOP for each of many numbers, the STOP at a random moment of the text's life.

    Some texts are refused at first, and wait in the queue for their next try: a STOP must stop those, too.
    """
    chance = random.Random(seed)
    site.carrier.start()
    site.carrier.misbehave("rate_limited", probability=0.3)
    site.start("web", "worker", "beat")
    load = Load(site.url, [Ask(f"stop-{n}", phone(n), f"{seed}-{n}") for n in range(size)], size / 60, seed)
    stopper = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.stopper"],
        cwd=ROOT,
        env=site.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert stopper.stdin and stopper.stdout
    stopper.stdout.readline()

    def stop(ask: Ask) -> None:
        assert stopper.stdin
        stopper.stdin.write(f"{ask.phone} {chance.uniform(0, STOP_WITHIN_SECONDS):.4f}\n")
        stopper.stdin.flush()

    load.on_ask = stop
    try:
        load.run()
        stopper.stdin.close()
        stopper.wait(timeout=60)
    finally:
        stopper.kill()
        stopper.wait()
    settle(site, site.times.doubt + 60)
    [(late, late_commits)] = site.rows(LATE_CLAIMS)
    verdict = check(site, load)
    [(stops,)] = site.rows("SELECT count(*) FROM sms_optout")
    breaches = []
    if late:
        breaches.append(f"{late} submitted after the STOP's commit")
    if stops != size:
        breaches.append(f"{stops} STOPs of {size} were recorded")
    return Result(
        messages=size,
        injected=stops,
        seed=seed,
        verdict=verdict,
        notes=f"{late} submitted after the STOP's commit; {verdict.carrier} sent before it, "
        f"{verdict.given_up} blocked, {len(load.refused)} refused; {late_commits} claims begun before it "
        "committed after it",
        breaches=tuple(breaches),
    )


def _percentile(seconds: list[float], share: int) -> float:
    return statistics.quantiles(seconds, n=100)[share - 1]
