"""The tools that every campaign has: to text a caller no more, and to say where their text is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from campaigns.models import LONGEST_CALL, ToolCall
from sms import outbox
from sms.models import Message, OptOut, State
from sms.providers.base import Report
from tests.factories import CALLER

pytestmark = pytest.mark.django_db


class TestStopTexting:
    def test_who_says_so_aloud_is_texted_no_more(self, door):
        answer = door("stop_texting", parameters={"words": "Don't text me again."}).json()

        assert (answer["status"], answer["messageId"]) == ("done", None)
        assert OptOut.objects.get().evidence == "Don't text me again."
        assert door(toolCallId="2").json()["code"] == "opted_out"

    def test_twice_is_answered_alike(self, door):
        words = {"words": "No more texts."}

        assert door("stop_texting", parameters=words).json() == door("stop_texting", parameters=words).json()
        assert ToolCall.objects.count() == 1

    @pytest.mark.parametrize(
        "parameters", [{}, {"words": None}, {"words": "x" * 9000}, {"words": "\u202e\0 stop"}, {"why": "x"}]
    )
    def test_whatever_the_model_writes_a_stop_is_a_stop(self, door, parameters):
        assert door("stop_texting", parameters=parameters).json()["status"] == "done"
        assert OptOut.stands_for(CALLER)

    def test_without_a_number_it_says_so(self, door):
        answer = door("stop_texting", parameters={"words": "Stop."}, customerPhoneNumber="").json()

        assert (answer["status"], answer["code"]) == ("refused", "no_caller_number")
        assert not OptOut.objects.exists()


class TestTheStatus:
    def test_is_that_of_the_calls_last_text(self, door):
        first = door().json()
        second = door(toolCallId="2", parameters={"guests": "six", "day": "Sunday", "consent": "Yes."}).json()
        assert first["messageId"] != second["messageId"]

        answer = door("get_sms_status", toolCallId="3", parameters={}).json()

        assert answer == {
            "status": "done",
            "say": "The text is about to be sent.",
            "messageId": second["messageId"],
            "code": "",
        }
        asked = ToolCall.objects.get(tool="get_sms_status")
        assert (asked.outcome, asked.say, asked.message) == ("done", answer["say"], None)

    def test_is_another_one_once_the_text_has_arrived_or_failed(self, door):
        door()
        message = Message.objects.get()
        Message.objects.update(state="accepted", provider_sid="SM1", attempt=1)
        assert "handed to the phone network" in door("get_sms_status", parameters={}).json()["say"]

        outbox.receipt(message, 1, Report("SM1", "undelivered", State.UNDELIVERED, 30003))
        answer = door("get_sms_status", parameters={}).json()

        assert (answer["status"], answer["code"]) == ("done", "carrier_30003")
        assert "handed to" not in answer["say"]
        assert ToolCall.objects.filter(tool="get_sms_status").count() == 2

    def test_of_another_call_is_not_told(self, door):
        door()

        answer = door("get_sms_status", callId="another", parameters={}).json()

        assert (answer["messageId"], answer["code"]) == (None, "nothing_sent")
        assert answer["say"] == "I haven't sent any text in this call."

    def test_of_another_call_is_not_told_even_where_the_runtime_uses_its_id_again(self, door):
        door()
        Message.objects.update(created_at=Now() - LONGEST_CALL - timedelta(minutes=1))

        answer = door("get_sms_status", customerPhoneNumber="", parameters={}).json()

        assert (answer["messageId"], answer["code"]) == (None, "nothing_sent")

    def test_needs_no_number_and_sends_nothing(self, door):
        answer = door("get_sms_status", customerPhoneNumber="", parameters={"why": "x" * 9000}).json()

        assert answer["status"] == "done"
        assert not Message.objects.exists()


def test_a_text_that_failed_meanwhile_is_not_said_to_be_on_its_way(door):
    first = door().json()
    assert "on its way" in first["say"]
    message = Message.objects.get()
    Message.objects.update(state="accepted", provider_sid="SM1", attempt=1)
    assert door().json() == first
    outbox.receipt(message, 1, Report("SM1", "failed", State.FAILED, 30006))

    for again in (door().json(), door(toolCallId="another").json()):
        assert (again["status"], again["code"]) == ("failed", "carrier_30006")
        assert again["messageId"] == first["messageId"]
        assert "on its way" not in again["say"]
    assert Message.objects.count() == 1
