"""The doorbell: off the path that a caller waits on, and of no consequence when it is lost."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import pytest
from celery import current_app
from kombu import pools

from sms import doorbell
from sms.tasks import drain
from tests.processes import ROOT, eventually


@pytest.fixture
def broker():
    """Point Celery at another broker, for as long as the test takes."""
    before = current_app.conf.broker_url, current_app.conf.broker_transport_options

    def use(url: str) -> None:
        # A pool that is closed stays known by its address.
        pools.reset()
        current_app._pool = None
        current_app.amqp._producer_pool = None
        current_app.conf.broker_url = url
        current_app.conf.broker_write_url = url
        current_app.conf.broker_transport_options = {"socket_connect_timeout": 0.5, "socket_timeout": 1}

    yield use
    use(before[0])
    current_app.conf.broker_transport_options = before[1]


def rung_in(seconds: float) -> bool:
    """Whether a hundred rings come back in that time."""
    start = time.monotonic()
    for _ in range(100):
        doorbell.ring()
    return time.monotonic() - start < seconds


@pytest.mark.parametrize("kind", ["refused", "black hole"])
def test_a_broker_that_does_not_answer_holds_nobody_up(broker, kind):
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if kind == "black hole":
            hole.listen(1)
        broker(f"redis://127.0.0.1:{hole.getsockname()[1]}/0")

        assert rung_in(1)


def test_the_thread_that_rings_is_one():
    for _ in range(20):
        doorbell.ring()

    assert [thread.name for thread in threading.enumerate()].count("doorbell") == 1


# A thread's stack is some megabytes of addresses, which this process has not left at first.
NO_ROOM_FOR_A_THREAD = """
import resource, threading
from sms import doorbell

def rings():
    doorbell.ring()
    return any(thread.name == "doorbell" for thread in threading.enumerate())

with open("/proc/self/statm") as statm:
    used = int(statm.read().split()[0]) * resource.getpagesize()
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + 1_000_000, hard))
before = rings()
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
print(before, rings())
"""


def test_where_no_thread_can_be_started_the_next_ring_tries_again():
    told = subprocess.run(
        [sys.executable, "-c", NO_ROOM_FOR_A_THREAD], cwd=ROOT, capture_output=True, text=True
    )

    assert told.stdout == "False True\n"
    assert "the poller will find the text" in told.stderr


def test_rings_reach_the_broker(broker, settings):
    from kombu import Connection

    with Connection("memory://") as connection:
        queue = connection.SimpleQueue(settings.CELERY_TASK_DEFAULT_QUEUE)

        def rung():
            # Each time anew: one that was being published meanwhile brings the broker before back.
            broker("memory://")
            doorbell.ring()
            try:
                return queue.get(timeout=1)
            except queue.Empty:
                return None

        assert eventually(rung).headers["task"] == drain.name
