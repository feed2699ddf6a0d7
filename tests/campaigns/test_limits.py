"""Limits: exact while many are promised at once, in the windows that run, and as they are changed."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.db.models import F, Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import counting
from campaigns.models import Allowance, Campaign, TextedNumber, ToolCall
from campaigns.safeguards.limits import LIMITS
from sms.models import Message, State
from tests import factories
from tests.factories import SECRET

pytestmark = pytest.mark.django_db
at_once = pytest.mark.django_db(transaction=True)

AT_ONCE = 16
REQUESTS = 48
HOUR_SECONDS, ROOM_SECONDS = 3600, 60
UNLIMITED = {rule.field: None for rule in LIMITS}


@pytest.fixture
def line(campaign, connection):
    """Two actions whose texts the agent writes, attached to a campaign without limits."""
    for name in ("note", "menu"):
        action = factories.ActionFactory(name=name, owner=campaign.owner)
        factories.AttachmentFactory(campaign=campaign, action=action)
    limit(campaign, **UNLIMITED)
    return connection


@pytest.fixture
def in_one_hour():
    """Not across the end of an hour, in which a limit by the hour begins anew."""
    left = HOUR_SECONDS - time.time() % HOUR_SECONDS
    if left < ROOM_SECONDS:
        time.sleep(left)


def limit(campaign, **limits):
    Campaign.objects.filter(pk=campaign.pk).update(**limits)


def fire(connection, number: int, tool="note", call="", to="", message="") -> dict:
    response = Client().post(
        f"/c/{connection.slug}/tools/{tool}",
        {
            "callId": call or f"call-{number}",
            "toolCallId": f"tool-call-{number}",
            "customerPhoneNumber": to or f"+1415222{number:04d}",
            "parameters": {"message": message or f"Hello, number {number}.", "consent": "Yes, please."},
        },
        content_type="application/json",
        headers={"authorization": f"Bearer {SECRET}"},
    )
    assert response.status_code == 200, response.text
    return response.json()


def fire_many(connection, asks) -> Counter[str]:
    """How often they were accepted, or refused by which rule, all fired at once."""

    waiting = iter(asks)

    def client(_: int) -> Counter[str]:
        try:
            answers = [fire(connection, **ask) for ask in waiting]
        finally:
            connections.close_all()
        return Counter(answer["code"] or answer["status"] for answer in answers)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(client, range(AT_ONCE)), Counter())


# By field: the rule that refuses, and what all tool calls have in common.
CASES = {
    "texts_per_call": ("call_limit", {"call": "call-1", "to": "+14155550123"}),
    "texts_per_number": ("number_limit", {"to": "+14155550123"}),
    "texts_per_tool": ("tool_limit", {}),
    "texts_per_day": ("campaign_limit", {}),
    "texts_per_sender": ("sender_limit", {}),
    "texts_per_country": ("country_limit", {}),
    "segments_per_day": ("segment_limit", {}),
}


@at_once
def test_of_many_at_once_exactly_so_many_pass(line, in_one_hour):
    for position, (field, (code, common)) in enumerate(CASES.items()):
        Allowance.objects.all().delete()
        TextedNumber.objects.all().delete()
        before = Message.objects.count()
        limit(line.campaign, **{**UNLIMITED, field: 11})
        numbers = range(position * REQUESTS, (position + 1) * REQUESTS)

        answers = fire_many(line, [{"number": number, **common} for number in numbers])

        assert (field, answers) == (field, {"accepted": 11, code: REQUESTS - 11})
        assert Message.objects.count() - before == 11


def test_each_limit_is_a_case_above():
    assert set(CASES) == {rule.field for rule in LIMITS}


@at_once
def test_no_place_is_lost_between_tools_that_share_a_limit(line, in_one_hour):
    limit(line.campaign, texts_per_day=30, texts_per_tool=20)
    asks = [{"number": number, "tool": ("note", "menu")[number % 2]} for number in range(REQUESTS)]

    answers = fire_many(line, asks)

    assert answers["accepted"] == Message.objects.count() == 30
    assert set(answers) <= {"accepted", "campaign_limit", "tool_limit"}
    used = Allowance.objects.aggregate(Sum("texts"), Sum("segments"))
    assert used == {"texts__sum": 30, "segments__sum": 30}


def test_places_that_one_tool_was_granted_and_did_not_use_are_another_ones(line):
    limit(line.campaign, texts_per_day=20)
    fire(line, 1, "note")
    assert Allowance.objects.get().texts_granted > 1

    answers = [fire(line, number, "menu")["status"] for number in range(2, 22)]

    assert answers == ["accepted"] * 19 + ["refused"]


@pytest.mark.parametrize("room", [0, 1, 30, 5_000])
def test_places_are_granted_before_there_are_none_and_never_beyond_the_limit(line, room):
    limit(line.campaign, texts_per_day=50_000)
    fire(line, 1)
    before = dict(Allowance.objects.values_list("pk", "texts"))
    fire(line, 2)
    # Where this connection takes places from; its next text leaves as few there as the mark.
    [own] = [row for row in Allowance.objects.all() if row.texts > before[row.pk]]
    own.texts = own.segments = own.texts_granted - counting.LOW_PLACES - 1
    own.save()
    other = Allowance.objects.exclude(pk=own.pk)[:1]
    granted = Sum("texts_granted")
    before = Allowance.objects.aggregate(granted=granted)["granted"]
    Allowance.objects.filter(pk__in=other.values("pk")).update(
        texts_granted=F("texts_granted") + 50_000 - room - before,
        segments_granted=F("segments_granted") + 50_000 - room - before,
    )

    fire(line, 3)

    own.refresh_from_db()
    assert (own.texts_granted - own.texts > counting.LOW_PLACES) == (room > 0)
    assert Allowance.objects.aggregate(granted=granted)["granted"] <= 50_000


@at_once
def test_the_same_text_is_sent_once_however_many_calls_ask_for_it_at_once(line):
    asks = [{"number": number, "to": "+14155550123", "message": "Hello."} for number in range(30)]

    assert fire_many(line, asks) == {"accepted": 1, "already_sent": 29}
    assert Message.objects.count() == 1


def test_the_campaigns_of_one_sender_count_together_each_to_its_own_limit(line):
    other = factories.ConnectionFactory(campaign=factories.CampaignFactory(owner=line.campaign.owner))
    factories.AttachmentFactory(campaign=other.campaign, action=line.campaign.actions.get(name="note"))
    limit(line.campaign, texts_per_sender=24)
    limit(other.campaign, **UNLIMITED)

    fire(line, 1)
    # What the one was granted and has not used is less than what the other may send meanwhile.
    assert Allowance.objects.get().texts_granted == 3
    others = [fire(other, number)["status"] for number in range(2, 24)]

    assert others == ["accepted"] * 22
    assert [fire(line, number)["code"] for number in (30, 31)] == ["", "sender_limit"]
    assert fire(other, 32)["status"] == "accepted"


class TestAlreadySent:
    def test_is_said_of_what_waits_and_of_what_was_sent(self, line):
        fire(line, 1, to="+14155550123", message="Hello.")
        waiting = fire(line, 2, to="+14155550123", message="Hello.")
        Message.objects.update(state=State.DELIVERED)
        sent = fire(line, 3, to="+14155550123", message="Hello.")

        assert waiting["say"] == (
            "That very text is already on its way to the number ending in 2 3, so I haven't sent it again."
        )
        assert sent["say"] == (
            "That very text was already sent to the number ending in 2 3, so I haven't sent it again."
        )

    @pytest.mark.parametrize("state", ["failed", "undelivered", "expired", "canceled", "unknown"])
    def test_is_not_said_of_what_came_to_nothing(self, line, state):
        fire(line, 1, to="+14155550123", message="Hello.")
        Message.objects.update(state=state)

        assert fire(line, 2, to="+14155550123", message="Hello.")["status"] == "accepted"

    def test_holds_for_the_campaigns_minutes(self, line):
        limit(line.campaign, minutes_before_repeat=30)
        fire(line, 1, to="+14155550123", message="Hello.")
        Message.objects.update(created_at=F("created_at") - timedelta(minutes=29))
        assert fire(line, 2, to="+14155550123", message="Hello.")["code"] == "already_sent"

        Message.objects.update(created_at=F("created_at") - timedelta(minutes=2))

        assert fire(line, 3, to="+14155550123", message="Hello.")["status"] == "accepted"

    def test_is_not_asked_with_no_minutes(self, line):
        limit(line.campaign, minutes_before_repeat=None)
        answers = [fire(line, number, to="+14155550123", message="Hello.")["status"] for number in (1, 2)]

        assert answers == ["accepted", "accepted"]


class TestAWindow:
    def test_of_yesterday_counts_no_more(self, line):
        limit(line.campaign, texts_per_day=1, texts_per_number=1)
        fire(line, 1, to="+14155550123")
        assert fire(line, 2, to="+14155550199")["code"] == "campaign_limit"

        Allowance.objects.update(hour=F("hour") - timedelta(days=1))
        TextedNumber.objects.update(day=F("day") - timedelta(days=1))

        assert fire(line, 3, to="+14155550123")["status"] == "accepted"
        assert TextedNumber.objects.get(number="+14155550123").texts == 1

    def test_of_an_hour_ago_counts_for_the_day_alone(self, line):
        limit(line.campaign, texts_per_country=1)
        fire(line, 1)
        Allowance.objects.update(hour=F("hour") - timedelta(hours=1))

        assert fire(line, 2)["status"] == "accepted"

    def test_that_is_over_is_forgotten(self, line):
        fire(line, 1)
        fire(line, 2)
        Allowance.objects.update(hour=F("hour") - timedelta(days=3))
        TextedNumber.objects.filter(number="+14152220001").update(day=F("day") - timedelta(days=1))

        counting.purge()

        assert not Allowance.objects.exists()
        assert TextedNumber.objects.get().number == "+14152220002"


class TestALimit:
    def test_that_is_lowered_holds_at_once(self, line):
        limit(line.campaign, texts_per_day=1000)
        fire(line, 1)
        fire(line, 2)

        limit(line.campaign, texts_per_day=2)

        assert fire(line, 3)["code"] == "campaign_limit"
        limit(line.campaign, texts_per_day=3)
        assert fire(line, 4)["status"] == "accepted"
        assert fire(line, 5)["code"] == "campaign_limit"

    def test_counts_segments(self, line):
        limit(line.campaign, segments_per_day=5)

        answers = [fire(line, number, message="xyz"[number - 1] * 200)["code"] for number in (1, 2, 3)]

        assert answers == ["", "", "segment_limit"]
        assert fire(line, 4)["status"] == "accepted"

    def test_is_not_used_up_by_what_is_refused_or_comes_twice(self, line):
        limit(line.campaign, texts_per_day=2)
        for _ in range(3):
            fire(line, 1)
        fire(line, 2, message="See example.com.")
        fire(line, 3, to="+14152220001", message="Hello, number 1.")

        assert fire(line, 4)["status"] == "accepted"
        assert ToolCall.objects.filter(outcome="accepted").count() == 2

    def test_that_is_far_away_costs_no_statement(self, line):
        limit(line.campaign, texts_per_day=3000, texts_per_country=500)
        fire(line, 1)

        # What is asked, counted and stored goes by one statement, past Django's cursors: they are not used.
        with CaptureQueriesContext(connections["default"]) as asked:
            assert fire(line, 2)["status"] == "accepted"

        assert [query["sql"] for query in asked] == []
