"""A tool that waits for the carrier: the agent hears what became of the text, or that it is on its way."""

from __future__ import annotations

import concurrent.futures

import pytest

from tests.processes import eventually

WAIT = """
from sms.models import SmsTemplate
SmsTemplate.objects.filter(name="confirmation").update(wait_seconds={seconds})
"""
NO_LANDLINES = 21614


@pytest.fixture
def patient(line):
    """The installation, whose template waits for two seconds."""
    line.manage("shell", "--no-imports", script=WAIT.format(seconds=2))
    yield line
    line.carrier.behave()
    line.manage("shell", "--no-imports", script=WAIT.format(seconds=0))


def told(line, message_id):
    [(say,)] = line.rows("SELECT say FROM campaigns_toolcall WHERE message_id = %s", message_id)
    return say


def test_the_agent_hears_that_the_carrier_has_the_text(patient):
    status, answer = patient.fire("call-wait", guests="six")

    assert (status, answer["status"], answer["code"]) == (200, "accepted", "")
    assert patient.state(answer["messageId"]) in ("accepted", "sent", "delivered")
    assert answer["say"] in (
        "The text has been handed to the phone network.",
        "The text has been sent and should arrive any moment.",
        "The text has arrived.",
    )
    assert told(patient, answer["messageId"]) == answer["say"]


def test_the_agent_hears_in_the_call_that_the_number_cannot_get_texts(patient):
    patient.carrier.misbehave("error", code=NO_LANDLINES, times=1)

    answer = patient.fire("call-landline", guests="seven")[1]

    assert (answer["status"], answer["code"]) == ("failed", f"carrier_{NO_LANDLINES}")
    assert answer["say"] != "The text is on its way to the number that ends in 23."
    assert "can't get" in answer["say"] or "can't receive" in answer["say"]
    assert told(patient, answer["messageId"]) == answer["say"]

    again = patient.fire("call-landline", guests="seven")[1]
    assert (again["status"], again["say"], again["messageId"]) == (
        "failed",
        answer["say"],
        answer["messageId"],
    )


def test_a_carrier_that_takes_its_time_does_not_keep_the_caller_waiting(patient):
    patient.carrier.misbehave("answer_slow", seconds=6, times=1)
    # One that came would say as much as the answer.
    patient.carrier.misbehave("callbacks_delayed", seconds=7, times=3)

    answer = patient.fire("call-slow", guests="eight")[1]

    assert answer["status"] == "accepted"
    assert answer["say"].startswith("The text is on its way")
    assert patient.state(answer["messageId"]) == "submitting"
    eventually(lambda: patient.state(answer["messageId"]) == "delivered")


def test_of_many_at_once_one_waits_and_none_is_held_up_by_it(patient):
    patient.carrier.misbehave("answer_slow", seconds=1.2)
    patient.carrier.misbehave("callbacks_delayed", seconds=1.5)

    def fire(number):
        return patient.fire(f"call-many-{number}", guests=f"party {number}")[1]

    with concurrent.futures.ThreadPoolExecutor(6) as callers:
        calls = [callers.submit(fire, number) for number in range(6)]
        answers = [call.result() for call in concurrent.futures.as_completed(calls)]

    assert ["on its way" in answer["say"] for answer in answers] == [True] * 5 + [False]
    assert {answer["status"] for answer in answers} == {"accepted"}
    assert len({answer["messageId"] for answer in answers}) == 6
    for answer in answers:
        eventually(lambda pk=answer["messageId"]: patient.state(pk) == "delivered")


def test_a_text_that_a_person_takes_back_wakes_whoever_waits(patient):
    patient.kill("worker")
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as callers:
            waiting = callers.submit(patient.fire, "call-canceled", guests="nine")
            eventually(lambda: patient.rows("SELECT 1 FROM sms_message WHERE body LIKE %s", "% nine."))
            patient.manage(
                "shell",
                "--no-imports",
                script="from sms import outbox\nfrom sms.models import Message\n"
                "outbox.cancel(list(Message.objects.filter(state='queued').values_list('pk', flat=True)),"
                " 'ops', 'a mistake')\n",
            )
            answer = waiting.result()[1]
    finally:
        patient.start("worker")

    # The shell may take longer to start than the answer waits; then a second request says it.
    if answer["status"] == "accepted":
        answer = patient.fire("call-canceled", guests="nine")[1]
    assert (answer["status"], answer["code"]) == ("failed", "canceled")
    assert answer["say"] == "That text was canceled on our side, so it was not sent."
