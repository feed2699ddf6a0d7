"""A pause in an installation of real processes: nothing leaves within it, what waits goes on after it."""

from __future__ import annotations

import concurrent.futures
import time

import pytest

from tests.e2e.test_planted_secret import Person
from tests.processes import eventually

TEXTS = 90
A_SECOND = 1.0
RATE = "UPDATE sms_sender SET messages_per_second = %s WHERE address = '+13125550142' RETURNING id"


@pytest.fixture
def slow(line):
    """The installation, whose sender sends a burst of fifty and then five a second."""
    line.rows(RATE, 5)
    yield line
    line.rows(RATE, 1000)


def sent(line) -> int:
    return len([text for text in line.carrier.texts() if "pause" in text["body"]])


def test_within_a_second_nothing_leaves_any_more_and_afterwards_all_of_it_does(slow):
    admin = Person(slow, "ops")
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        answers = list(
            callers.map(
                lambda number: slow.fire(f"call-pause-{number}", guests=f"pause {number}")[1], range(TEXTS)
            )
        )
    assert {answer["status"] for answer in answers} == {"accepted"}
    eventually(lambda: sent(slow))

    admin.post("/admin/sms/pause/campaign/1/", {"because": "The price is wrong"})

    refused = slow.fire("call-during", guests="pause and more")[1]
    assert (refused["status"], refused["code"]) == ("refused", "paused")
    time.sleep(A_SECOND)
    before = sent(slow)
    assert before < TEXTS
    # Time in which ten more would leave.
    time.sleep(2 * A_SECOND)
    assert sent(slow) == before
    eventually(lambda: slow.states().get("held") == TEXTS - before)

    slow.rows(RATE, 1000)
    [(pause,)] = slow.rows("SELECT id FROM sms_pause WHERE lifted_at IS NULL")
    admin.post(f"/admin/sms/pause/{pause}/resume/", {"because": "Mended"})

    eventually(lambda: sent(slow) == TEXTS)
    eventually(lambda: {slow.state(answer["messageId"]) for answer in answers} == {"delivered"})
    assert slow.fire("call-after", guests="pause no more")[1]["status"] == "accepted"
