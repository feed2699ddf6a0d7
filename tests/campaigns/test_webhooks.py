"""The doors of vendors' webhooks, whatever comes to them and whatever happens meanwhile."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client

from campaigns.models import Call, Campaign
from campaigns.webhooks import MAX_UNPROVEN_BYTES
from sms.models import Message
from tests import factories
from tests.campaigns.runtimes.vendors import PARAMETERS, Vapi
from tests.factories import SECRET
from tests.processes import eventually

SWITCHED_OFF = "I can't send text messages at the moment, so nothing was sent."
PAGE = {"guests": "five", **{name: PARAMETERS[name] for name in ("day", "consent")}}


@pytest.fixture
def vapi(campaign, template):
    return factories.ConnectionFactory(campaign=campaign, runtime="vapi")


def post(connection, sent, **headers):
    return Client().post(
        f"/c/{connection.slug}/vapi",
        data=sent if isinstance(sent, bytes) else json.dumps(sent).encode(),
        content_type="application/json",
        headers={"Authorization": f"Bearer {SECRET}", **headers},
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", ["campaign", "connection"])
def test_what_is_switched_off_while_one_call_waits_is_off_for_the_next_of_the_same_request(
    vapi, template, change
):
    template.wait_seconds = 1
    template.save()
    next_call = {"id": "tc-2", "function": {"name": "confirmation", "arguments": PAGE}}
    answers = []

    def fire():
        try:
            answers.append(post(vapi, Vapi().envelope(more=[next_call])).json()["results"])
        finally:
            database.close()

    waiting = threading.Thread(target=fire)
    waiting.start()
    eventually(Message.objects.exists)
    if change == "campaign":
        Campaign.objects.update(is_active=False)
    else:
        vapi.revoke()
    waiting.join()

    [[first, second]] = answers
    assert "on its way" in first["result"]
    assert second["error"] == SWITCHED_OFF if change == "campaign" else "error" in second
    assert Message.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_several_calls_in_one_request_wait_no_longer_than_one_may(vapi, template):
    """Else five of them take fifteen seconds, and the runtime has given up long before."""
    template.wait_seconds = 2
    template.save()
    more = [
        {"id": f"tc-{n}", "function": {"name": "confirmation", "arguments": {**PAGE, "guests": str(n)}}}
        for n in (2, 3)
    ]

    [*results] = post(vapi, Vapi().envelope(more=more)).json()["results"]

    assert ["on its way" in result["result"] for result in results] == [True] * 3
    first, second, third = Message.objects.order_by("created_at")
    # By when each was awaited stands with it: the second had what the first had left, the third nothing.
    assert first.awaited_until - first.created_at == timedelta(seconds=2)
    assert second.awaited_until - second.created_at <= timedelta(seconds=1)
    assert third.awaited_until is None


@pytest.mark.django_db
def test_much_that_proves_nothing_is_not_taken_apart(vapi):
    sent = Vapi().envelope()
    large = json.dumps({**sent, "transcript": "x" * MAX_UNPROVEN_BYTES}).encode()

    answers = [post(vapi, body, Authorization="Bearer wrong").json()["results"] for body in (sent, large)]

    assert [result["toolCallId"] for [result] in answers] == ["tc-1", ""]
    assert all("prove" in result["error"] for [result] in answers)


@pytest.mark.django_db
@pytest.mark.parametrize("length", ["²", "-1", "1e3", "9" * 5000, " 7", "٣"])
def test_a_length_that_is_none_opens_nothing(vapi, length):
    answer = Client().post(
        f"/c/{vapi.slug}/vapi",
        data=json.dumps(Vapi().envelope()),
        content_type="application/json",
        headers={"Authorization": f"Bearer {SECRET}"},
        CONTENT_LENGTH=length,
    )

    assert "KB at most" in answer.json()["results"][0]["error"]
    assert not Call.objects.exists()
