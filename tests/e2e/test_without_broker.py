"""A broker carries the doorbell and nothing else: a worker that never finds one does all that has to be."""

from __future__ import annotations

import pytest

from tests.faults.services import BlackHole
from tests.processes import eventually

EVENTS = "SELECT state FROM sms_messageevent WHERE message_id = %s ORDER BY at, id"


@pytest.fixture(params=["redis", "amqp"])
def deaf(line, request):
    """The installation with one worker whose broker takes connections and never answers, and with no beat."""
    hole = BlackHole(request.param)
    with_broker = line.environment
    for name in ("worker", "beat"):
        line.kill(name)
    line.environment = {**with_broker, "CELERY_BROKER_URL": hole.url}
    line.launch("worker")
    yield line
    line.kill("worker")
    line.environment = with_broker
    line.carrier.behave()
    line.start("worker", "beat")
    hole.end()


def test_texts_are_sent_and_doubts_are_resolved_while_the_broker_never_answers(deaf):
    call = f"call-deaf-{deaf.environment['CELERY_BROKER_URL']}"
    sent = deaf.fire(f"{call}-sent", guests="seven")[1]["messageId"]
    eventually(lambda: deaf.state(sent) == "delivered")
    deaf.carrier.misbehave("callbacks_dropped")
    deaf.carrier.misbehave("accept_then_reset")

    in_doubt = deaf.fire(f"{call}-doubt", guests="eight")[1]["messageId"]

    # By the carrier's list, which knows of the receipts that were lost, too.
    eventually(lambda: deaf.state(in_doubt) in ("accepted", "sent", "delivered"))
    states = [state for (state,) in deaf.rows(EVENTS, in_doubt)]
    assert states[:2] == ["submitting", "unconfirmed"]
    assert len([text for text in deaf.carrier.texts() if in_doubt in text["status_callback"]]) == 1
