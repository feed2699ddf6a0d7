"""`python -m tests.bench [--row NAME …] [--rounds 5] [--short]`: the tables, in Markdown.

What is compared runs in one run, in turns. A figure is the median of its rounds, and a ratio the median of
the rounds' ratios. Absolute figures belong to this machine and its load, so goals are ratios wherever there
is something to compare with. Ends with 0 unless something did not do what it is measured for.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib.metadata import version
from statistics import median
from typing import Any

import psutil
import pytest

from tests.bench import accepting, idle, limiting, rotating, sending
from tests.bench.services import Ground

ROUNDS, SHORT_ROUNDS = 5, 2
PACKAGES = ("django", "celery", "granian", "twilio", "aiohttp", "uvloop", "psycopg")

# The figures of each round, by who was measured.
Rounds = dict[str, list[Any]]


class Goals:
    """What was wanted and what came out, in the order of measuring."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []

    def add(self, what: str, sign: str, wanted: float, found: list[float], unit: str = "") -> None:
        """Judge the median of `found`, one figure a round: on which side of `wanted` is it to be?"""
        middle = median(found)
        met = middle >= wanted if sign == "≥" else middle <= wanted
        spread = f" ({min(found):.3g} to {max(found):.3g})" if len(found) > 1 else ""
        measured = f"{middle:.3g}{unit}{spread}"
        self.rows.append((what, f"{sign} {wanted:.3g}{unit}", measured, "yes" if met else "NO"))


def _ratios(rounds: Rounds, ours: str, theirs: str, figure: Callable[[Any], float]) -> list[float]:
    return [figure(our) / figure(their) for our, their in zip(rounds[ours], rounds[theirs], strict=True)]


def _whole_cpu(figures: Any) -> float:
    """Of the process and of PostgreSQL."""
    return float(figures.cpu + figures.postgres)


def accept(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    load = _load()
    doors = accepting.Accepting(ground, short)
    measured: Rounds = {}
    for _ in range(rounds):
        _note(measured, doors.round())
    server = f"Granian with {accepting.WEB_WORKERS} workers"
    print(f"\n## Accepting: {accepting.CONNECTIONS} connections, {server} ({load})\n")
    head = ("", "requests/s", "p50 ms", "p99 ms", "server CPU ms", "PostgreSQL CPU ms")
    _table(head, [(name, *_medians(figures)) for name, figures in measured.items()])
    both = accepting.MIDCALL, accepting.REFERENCE
    goals.add("accepting: requests/s of the reference", "≥", 0.5, _ratios(measured, *both, lambda f: f.rate))
    goals.add("accepting: p99 of the reference", "≤", 2, _ratios(measured, *both, lambda f: f.p99))


def send(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    load = _load()
    bench = sending.Sending(ground, short)
    measured: dict[int, Rounds] = {delay: {} for delay in sending.DELAYS}
    for _ in range(rounds):
        for delay, found in measured.items():
            _note(found, bench.round(delay))
    for delay, found in measured.items():
        print(f"\n## Sending: the carrier answers after {delay} ms ({load})\n")
        head = ("", "texts/s", "sender CPU ms", "PostgreSQL CPU ms")
        _table(head, [(name, *_medians(figures)) for name, figures in found.items()])
    at_once, later = measured[0], measured[100]
    threads = sending.MIDCALL, sending.THREADS
    prefork = sending.MIDCALL, sending.PREFORK
    raw = sending.MIDCALL, sending.RAW
    goals.add(
        "sending at 100 ms: rate of the tutorial, threads",
        "≥",
        20,
        _ratios(later, *threads, lambda f: f.rate),
    )
    goals.add("sending at 0 ms: rate of the raw loop", "≥", 0.5, _ratios(at_once, *raw, lambda f: f.rate))
    for pool, both in (("prefork", prefork), ("threads", threads)):
        what = f"sending at 0 ms: CPU of the tutorial, {pool}"
        goals.add(what, "≤", 1 / 15, _ratios(at_once, *both, _whole_cpu))


def idle_system(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    found = {}
    load = _load()
    for name in idle.BROKERS:
        found[name] = idle.measure(ground, name, short)
    print(f"\n## One text on an idle system, ms from the answer to the carrier ({load})\n")
    head = ("", "p50", "p99", "p50 from the request on")
    _table(head, [(name, *map(_short, delay)) for name, delay in found.items()])
    for name, delay in found.items():
        goals.add(f"commit to carrier, {name}: p50", "≤", idle.WANTED[name], [delay.p50], " ms")


def profile(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    for title, costs in sending.profiles(ground, short).items():
        print(f"\n## What {title} costs\n\n{costs}")


def rotate(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    load = _load()
    found = rotating.measure(ground, short)
    print(
        f"\n## A new encryption key, kill -9 in the middle ({load})\n\n"
        f"{found.rows:,} secrets; killed when {found.at_kill:,} had the new key; the rest in "
        f"{found.seconds:.1f} s ({found.rate:,.0f} a second) by a second run, in which {found.entered:,} "
        f"tokens were entered and {found.calls:,} tool calls answered, the slowest in "
        f"{found.slowest_ms:,.0f} ms. With the new key alone, all are read, each with what it has to be."
    )


def limits(ground: Ground, goals: Goals, rounds: int, short: bool) -> None:
    load = _load()
    found = limiting.measure(ground, short)
    print(f"\n## Tool calls of {limiting.CLIENTS} clients at limits: each count exact ({load})\n")
    _table(
        ("limit", "tool calls", "allowed", "accepted", "refused", "seconds"),
        [(each.limit, *map(_short, each[1:])) for each in found],
    )


ROWS = {
    "limits": limits,
    "send": send,
    "accept": accept,
    "idle": idle_system,
    "profile": profile,
    "rotate": rotate,
}


def _note(rounds: Rounds, found: dict[str, Any]) -> None:
    for name, figures in found.items():
        rounds.setdefault(name, []).append(figures)


def _medians(figures: list[Any]) -> Iterable[str]:
    return [_short(median(column)) for column in zip(*figures, strict=True)]


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _load() -> str:
    return f"load average before: {os.getloadavg()[0]:.1f}"


def _machine(ground: Ground) -> str:
    versions = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]
    with ground.connect() as server:
        versions.append(f"PostgreSQL {server.info.server_version // 10000}")
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Machine: {psutil.cpu_count()} CPUs, {memory:.0f} GB, {platform.system()} {platform.machine()}; "
        + ", ".join(versions)
        + "."
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--row", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME", help=", ".join(ROWS)
    )
    parser.add_argument("--rounds", type=int, help=f"{ROUNDS} if silent, or {SHORT_ROUNDS} with --short")
    parser.add_argument(
        "--short", action="store_true", help="fewer texts a round: for a look, not for figures"
    )
    asked = parser.parse_args()
    rounds = asked.rounds or (SHORT_ROUNDS if asked.short else ROUNDS)
    goals = Goals()
    ground = Ground()
    ended = 0
    try:
        print(f"{_machine(ground)} Medians of {rounds} rounds in turns.")
        for name in asked.row:
            try:
                ROWS[name](ground, goals, rounds, asked.short)
            except pytest.skip.Exception as missing:
                print(f"\nNot measured: {name}. {missing}")
            except Exception:
                # The other rows are worth having.
                print(f"\nBroken: {name}.", flush=True)
                traceback.print_exc()
                ended = 1
            finally:
                ground.end_row()
            sys.stdout.flush()
        if goals.rows:
            print("\n## Goals (ratios: Midcall against the other, median and range of the rounds)\n")
            _table(("", "wanted", "measured", "met"), goals.rows)
    finally:
        ground.stop()
    return ended


if __name__ == "__main__":
    sys.exit(main())
