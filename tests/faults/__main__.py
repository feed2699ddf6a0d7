"""The fault runs by hand: python -m tests.faults [--short] [--broken] [--row NAME ...]"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.faults.rows import ALL_BROKERS, ROWS
from tests.faults.run import Result, Row, run
from tests.faults.site import Ground

# Small rows mostly wait: so many run at once. At full size, and broken, each has the machine to itself: what
# is killed must have had something in hand.
SHORT_LANES = 3

COLUMNS = (
    "row",
    "broker",
    "messages",
    "injected",
    "acknowledged",
    "carrier",
    "in doubt",
    "given up",
    "lost",
    "doubled",
    "phantom",
    "stuck",
    "rank",
    "seconds",
    "notes",
)


class Runs:
    """The rows that were asked for, and what came of those that have run."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._few = options.short or options.broken
        self._over = threading.Event()
        self._results: dict[tuple[Row, str], Result] = {}
        self._wrong: list[str] = []
        # Where what went wrong can be looked at.
        self._suspects: list[Ground] = []

    def run(self) -> int:
        """Run them all and print what came of it; 1 when a row is not clean, or with --broken when one is."""
        chosen = list(self._chosen())
        with ExitStack() as ending:
            grounds: list[Ground] = []
            for _ in range(min(SHORT_LANES if self._options.short else 1, len(chosen))):
                ground = Ground(grounds[0] if grounds else None)
                ending.callback(self._end, ground)
                ground.start()
                grounds.append(ground)
            # Each lane takes the next one.
            self._run_on(grounds, iter(chosen))
        found = [self._results[each] for each in chosen if each in self._results]
        print("", _table(found), "", *self._wrong, sep="\n")
        return bool(self._wrong)

    def _run_on(self, grounds: list[Ground], waiting: Iterator[tuple[Row, str]]) -> None:
        if len(grounds) == 1:
            # Here, so that whoever interrupts it need not wait.
            self._lane(grounds[0], waiting)
            return
        with ThreadPoolExecutor(len(grounds)) as pool:
            try:
                for lane in [pool.submit(self._lane, ground, waiting) for ground in grounds]:
                    lane.result()
            finally:
                # Whoever interrupts it waits for the rows that run.
                self._over.set()

    def _end(self, ground: Ground) -> None:
        is_kept = ground in self._suspects
        ground.stop(keep=is_kept)
        if is_kept:
            print(f"What is known of what went wrong is in {ground.folder}.")

    def _chosen(self) -> Iterator[tuple[Row, str]]:
        for row in ROWS:
            if not self._options.row or row.name in self._options.row:
                for broker in self._options.broker or ([row.short_broker] if self._few else row.brokers):
                    yield row, broker

    def _lane(self, ground: Ground, waiting: Iterator[tuple[Row, str]]) -> None:
        for row, broker in waiting:
            if self._over.is_set():
                return
            self._row(ground, row, broker)

    def _row(self, ground: Ground, row: Row, broker: str) -> None:
        options = self._options
        try:
            result = run(
                ground,
                row,
                broker,
                short=self._few,
                seed=options.seed,
                messages=options.messages,
                defect=row.defect if options.broken else "",
            )
        except Exception as error:
            # The rest of an hour's run is worth having.
            traceback.print_exc()
            self._went_wrong(ground, row, broker, f"the run itself broke: {error}")
            return
        self._results[row, broker] = result
        problems = "; ".join(result.problems())
        if bool(problems) != options.broken:
            self._went_wrong(ground, row, broker, problems or "the defect went unnoticed")
        # In one piece, beside other lanes.
        print(f"{_line(result)}  seed {result.seed}  {problems or 'clean'}\n", end="", flush=True)

    def _went_wrong(self, ground: Ground, row: Row, broker: str, why: str) -> None:
        self._wrong.append(f"{row.name} ({broker}): {why}")
        self._suspects.append(ground)


def main() -> int:
    # Told to end, it still ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return Runs(_options()).run()


def _cells(result: Result) -> list[str]:
    verdict = result.verdict
    return [
        result.row + (f" [{result.defect}]" if result.defect else ""),
        result.broker,
        f"{result.messages:,}",
        str(result.injected),
        f"{verdict.acknowledged:,}",
        f"{verdict.carrier:,}",
        str(verdict.doubted),
        str(verdict.given_up),
        str(verdict.lost),
        str(verdict.doubled),
        str(verdict.phantom),
        str(verdict.stuck),
        str(verdict.rank),
        f"{result.seconds:.0f}",
        result.notes,
    ]


def _line(result: Result) -> str:
    return "  ".join(f"{name} {cell}" for name, cell in zip(COLUMNS, _cells(result), strict=True))


def _table(results: list[Result]) -> str:
    lines = [COLUMNS, ["---"] * len(COLUMNS), *map(_cells, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the small sizes, on one broker a row")
    parser.add_argument("--broken", action="store_true", help="each row's broken variant: it must be caught")
    names = [row.name for row in ROWS]
    parser.add_argument("--row", nargs="+", metavar="NAME", choices=names, help=", ".join(names))
    parser.add_argument(
        "--broker", nargs="+", metavar="NAME", choices=ALL_BROKERS, help=", ".join(ALL_BROKERS)
    )
    parser.add_argument("--messages", type=int, default=0, metavar="N", help="another size of the load")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
