"""The fault runs by hand: python -m tests.faults [--short] [--broken] [--row NAME ...]"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import traceback

from tests.faults.rows import ROWS
from tests.faults.run import Result, run
from tests.faults.site import Ground

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


def main() -> int:
    """1 when a row is not clean, or with --broken when one is."""
    options = _options()
    # Told to end, it still ends what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    few = options.short or options.broken
    ground = Ground()
    results: list[Result] = []
    wrong: list[str] = []
    try:
        ground.start()
        for row in ROWS:
            if options.row and row.name not in options.row:
                continue
            for broker in options.broker or ([row.short_broker] if few else row.brokers):
                defect = row.defect if options.broken else ""
                try:
                    result = run(
                        ground,
                        row,
                        broker,
                        short=few,
                        seed=options.seed,
                        messages=options.messages,
                        defect=defect,
                    )
                except Exception as error:
                    # The rest of an hour's run is worth having.
                    traceback.print_exc()
                    wrong.append(f"{row.name} ({broker}): the run itself broke: {error}")
                    continue
                results.append(result)
                problems = "; ".join(result.problems())
                if bool(problems) != options.broken:
                    wrong.append(f"{row.name} ({broker}): {problems or 'the defect went unnoticed'}")
                print(_line(result), f"seed {result.seed}", problems or "clean", sep="  ", flush=True)
    finally:
        ground.stop(keep=bool(wrong))
    print("", _table(results), "", *wrong, sep="\n")
    if wrong:
        print(f"What is known of them is in {ground.folder}.")
    return bool(wrong)


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
    parser.add_argument("--row", nargs="+", metavar="NAME", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--broker", nargs="+", metavar="NAME", help="filesystem, redis, rabbitmq")
    parser.add_argument("--messages", type=int, default=0, metavar="N", help="another size of the load")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
