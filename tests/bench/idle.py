"""From the answer to a tool call to the arrival at the carrier, on a system with nothing else to do."""

from __future__ import annotations

import http.client
import json
import random
import time
from statistics import median, quantiles
from typing import NamedTuple

from tests.bench.sending import UNLIMITED
from tests.bench.services import Broken, Carrier, Ground, installation, start_broker
from tests.e2e.conftest import SECRET, Line
from tests.faults.services import Folder, RabbitMQ, Redis
from tests.processes import eventually

BROKERS = {"Redis": Redis, "RabbitMQ": RabbitMQ, "the embedded broker": Folder}
# The goals, in milliseconds.
WANTED = {"Redis": 15, "RabbitMQ": 15, "the embedded broker": 300}
CALLS, SHORT_CALLS, WARM_UP_CALLS = 60, 15, 3
# Apart from each other, and never in step with what polls.
PAUSE_SECONDS = (0.2, 0.45)
PATIENCE_SECONDS = 15


class Delay(NamedTuple):
    """Milliseconds from the answer (the commit is just before it), and the median from the request on."""

    p50: float
    p99: float
    from_request: float


def measure(ground: Ground, name: str, short: bool) -> Delay:
    """Start an installation over one broker, and call its tool now and then."""
    folder = ground.folder("idle")
    broker = BROKERS[name](folder)
    start_broker(ground, broker)
    carrier = Carrier(ground, folder)
    line = installation(ground, folder, broker, carrier.url)
    line.start("web", "worker", "beat")
    found = _calls(line, carrier, SHORT_CALLS if short else CALLS)
    # The next one is to be alone, too.
    ground.end_row()
    return found


def _calls(line: Line, carrier: Carrier, count: int) -> Delay:
    web = http.client.HTTPConnection("127.0.0.1", line.port)
    pause = random.Random(0)
    delays, whole = [], []
    for number in range(WARM_UP_CALLS + count):
        carrier.reset(0)
        time.sleep(pause.uniform(*PAUSE_SECONDS))
        asked, answered = _call(web, number)
        [arrived] = _arrivals(line, carrier)
        if number == 0:
            line.rows(f"{UNLIMITED} RETURNING 1")
        if number >= WARM_UP_CALLS:
            delays.append((arrived - answered) * 1000)
            whole.append((arrived - asked) * 1000)
    return Delay(median(delays), quantiles(delays, n=100, method="inclusive")[98], median(whole))


def _arrivals(line: Line, carrier: Carrier) -> list[float]:
    try:
        eventually(carrier.count, PATIENCE_SECONDS)
    except AssertionError:
        raise Broken(f"the text does not arrive: {line.states()}\n{line.log('worker')[-2000:]}") from None
    return carrier.arrivals()


def _call(web: http.client.HTTPConnection, number: int) -> tuple[float, float]:
    """One tool call; when it was asked and when answered, in seconds of the monotonic clock."""
    body = {
        "callId": f"idle-{number}",
        "customerPhoneNumber": f"+1415{2220000 + number:07d}",
        "parameters": {"guests": str(number), "consent": "Yes."},
    }
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    asked = time.monotonic()
    web.request("POST", "/c/line/tools/confirmation", json.dumps(body), headers)
    answer = web.getresponse().read()
    answered = time.monotonic()
    if json.loads(answer).get("status") != "accepted":
        raise Broken(answer.decode())
    return asked, answered
