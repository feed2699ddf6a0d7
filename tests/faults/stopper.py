"""People who text STOP: a process that opts numbers out. Each line of its input is a number and a delay."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import django

CONCURRENT = 8


def main() -> None:
    django.setup()
    from django.db import connections

    from sms import outbox
    from sms.models import OptOut

    def stop(number: str, at: float) -> None:
        time.sleep(max(0, at - time.monotonic()))
        outbox.opt_out(number, OptOut.Source.KEYWORD, "STOP")

    with ThreadPoolExecutor(CONCURRENT) as people:
        print("ready", flush=True)
        done = []
        for line in sys.stdin:
            number, delay = line.split()
            done.append(people.submit(stop, number, time.monotonic() + float(delay)))
        for future in done:
            future.result()
    connections.close_all()


if __name__ == "__main__":
    main()
