"""Each user sends so many texts a day through Atlas as the operator allows, and not one more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sms.models import AtlasDay, Message
from tests import factories
from tests.conftest import ATLAS_SID
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tools(olive, connection, settings):
    """An Atlas action and a Twilio action of Olive's, attached; three texts a day are allowed."""
    settings.ATLAS_ACCOUNT_SID, settings.ATLAS_FROM = ATLAS_SID, "+13125550100"
    settings.ATLAS_MAX_PER_DAY = 3
    for name, provider in (("by_atlas", "atlas"), ("by_twilio", "twilio")):
        action = factories.ActionFactory(name=name, provider=provider, owner=olive)
        factories.AttachmentFactory(campaign=connection.campaign, action=action)
    return connection


def fire(connection, tool: str, number: int) -> dict:
    response = Client().post(
        f"/c/{connection.slug}/tools/{tool}",
        {
            "callId": f"call-{number}",
            "toolCallId": f"call-{number}",
            "customerPhoneNumber": CALLER,
            "parameters": {"message": f"Hello, number {number}.", "consent": "Yes, please."},
        },
        content_type="application/json",
        headers={"authorization": f"Bearer {SECRET}"},
    )
    assert response.status_code == 200, response.text
    return response.json()


def test_one_more_is_refused_with_words_to_speak_and_nothing_is_written(tools, olive):
    for number in range(3):
        assert fire(tools, "by_atlas", number)["status"] == "accepted"

    answer = fire(tools, "by_atlas", 3)

    assert (answer["status"], answer["code"], answer["messageId"]) == ("refused", "daily_cap", None)
    assert "today" in answer["say"] and "nothing was sent" in answer["say"]
    assert Message.objects.count() == 3
    assert AtlasDay.objects.get(user=olive).texts == 3


def test_of_many_at_once_exactly_so_many_pass(tools, olive):
    def one(number: int) -> str:
        try:
            return fire(tools, "by_atlas", number)["status"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))

    assert answers.count("accepted") == 3 and answers.count("refused") == 21
    assert Message.objects.count() == 3


def test_what_comes_twice_is_counted_once(tools, olive):
    assert fire(tools, "by_atlas", 1) == fire(tools, "by_atlas", 1)

    assert AtlasDay.objects.get(user=olive).texts == 1


def test_what_is_refused_for_another_reason_is_not_counted(tools, olive):
    Client().post(
        f"/c/{tools.slug}/tools/by_atlas",
        {"callId": "1", "customerPhoneNumber": CALLER, "parameters": {"message": "Hello."}},
        content_type="application/json",
        headers={"authorization": f"Bearer {SECRET}"},
    )

    assert not AtlasDay.objects.exists()


def test_a_new_day_begins_anew(tools, olive):
    AtlasDay.objects.create(user=olive, day=timezone.now().date() - timedelta(days=1), texts=3)

    assert fire(tools, "by_atlas", 1)["status"] == "accepted"


def test_each_user_has_their_own(tools, olive):
    bob = factories.UserFactory(username="bob")
    action = factories.ActionFactory(name="bobs", provider="atlas", owner=bob, is_shared=True)
    factories.AttachmentFactory(campaign=tools.campaign, action=action)
    AtlasDay.objects.create(user=olive, day=timezone.now().date(), texts=3)

    assert fire(tools, "by_atlas", 1)["code"] == "daily_cap"
    assert fire(tools, "bobs", 2)["status"] == "accepted"


def test_twilio_and_an_atlas_without_a_cap_are_not_counted(tools, olive, settings):
    assert fire(tools, "by_twilio", 1)["status"] == "accepted"
    settings.ATLAS_MAX_PER_DAY = 0
    tools.campaign.save()
    assert fire(tools, "by_atlas", 2)["status"] == "accepted"

    assert not AtlasDay.objects.exists()


def test_a_text_by_twilio_asks_nothing_more(tools):
    fire(tools, "by_twilio", 1)

    # What is asked and stored goes by one statement of its own, past Django's cursors: they are not used.
    with CaptureQueriesContext(connections["default"]) as asked:
        assert fire(tools, "by_twilio", 2)["status"] == "accepted"

    assert [query["sql"] for query in asked] == []


def test_a_test_of_a_template_is_counted_and_refused_too(olive, settings):
    settings.ATLAS_ACCOUNT_SID, settings.ATLAS_FROM = ATLAS_SID, "+13125550100"
    settings.ATLAS_MAX_PER_DAY = 1
    olive.is_staff = olive.is_superuser = True
    olive.save()
    template = factories.TemplateFactory(owner=olive, provider="atlas", body="Hello.")
    client = Client()
    client.force_login(olive)
    url = reverse("admin:sms_smstemplate_try", args=[template.pk])

    pages = []
    for test in ("0" * 31 + "1", "0" * 31 + "2"):
        fields = {"number": "+14155550123", "is_own": "on", "language": "en", "test": test}
        pages.append(client.post(url, fields, follow=True).text)

    assert Message.objects.count() == 1
    assert "are used up for today: 1 is the most" in pages[1]
