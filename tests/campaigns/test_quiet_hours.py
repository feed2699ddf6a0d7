"""Quiet hours of a campaign: what the agent is told, what the pages show, and how they are set."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import tools
from campaigns.drafts import Caller
from campaigns.explaining import explain
from campaigns.models import Consent, ToolCall
from sms import outbox
from sms.models import Message, State
from tests import factories
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

HOME = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def night(campaign):
    """It is night where the caller is, for two hours more; when it ends."""
    now = timezone.now().astimezone(HOME).replace(second=0, microsecond=0)
    campaign.has_quiet_hours = True
    campaign.quiet_from = (now - timedelta(hours=1)).time()
    campaign.quiet_until = (now + timedelta(hours=2)).time()
    campaign.save()
    return now + timedelta(hours=2)


def clock(moment):
    return f"{moment:%I:%M %p}".lstrip("0").replace(":00 ", " ")


def test_they_are_off_unless_somebody_wants_them(campaign, door):
    assert campaign.quiet_hours is None
    assert door().json()["say"] == "The text is on its way to the number ending in 2 3."


def test_at_night_the_text_is_promised_and_the_agent_says_when_it_goes_out(night, door):
    answer = door().json()

    message = Message.objects.get()
    assert answer["status"] == "accepted"
    assert answer["messageId"] == str(message.pk)
    assert answer["say"].startswith(
        "It's too late or too early for a text there now, so I'll text the number "
    )
    assert f"ending in 2 3 at {clock(night)} t" in answer["say"]
    assert (message.state, message.next_attempt_at) == (State.HELD, night)
    assert Consent.objects.get().recipient == CALLER
    assert ToolCall.objects.get().say == answer["say"]


def test_it_is_said_again_and_the_text_is_promised_once(night, door):
    assert door().json() == door().json() == door(toolCallId="another").json()
    assert Message.objects.count() == 1


def test_step_by_step_it_is_decided_alike(night, door):
    door()
    other = door(toolCallId="x", parameters={**PARAMETERS, "day": "Saturday"}).json()

    assert "at " + clock(night) in other["say"]
    assert {each.state for each in Message.objects.all()} == {State.HELD}


def test_whoever_asks_for_its_status_hears_when_it_goes_out(night, door, connection):
    door()

    said = door("get_sms_status", toolCallId="s", parameters={}).json()["say"]

    assert said.startswith(f"The text will go out at {clock(night)} t")
    message = Message.objects.get()
    answer = Client().get(
        f"/c/{connection.slug}/messages/{message.pk}", headers={"Authorization": f"Bearer {SECRET}"}
    )
    assert (answer.json()["state"], answer.json()["say"]) == ("held", said)


def test_nobody_waits_for_the_carrier_at_night(night, door, template):
    template.wait_seconds = 3
    template.save()

    assert "at " + clock(night) in door().json()["say"]
    assert Message.objects.get().awaited_until is None


def test_in_the_daytime_a_text_leaves_at_once_and_knows_when_the_night_begins(campaign, door):
    now = timezone.now().astimezone(HOME).replace(second=0, microsecond=0)
    campaign.has_quiet_hours = True
    campaign.quiet_from, campaign.quiet_until = (
        (now + timedelta(hours=1)).time(),
        (now + timedelta(hours=2)).time(),
    )
    campaign.save()

    assert door().json()["say"].startswith("The text is on its way")
    assert Message.objects.get().quiet_at == now + timedelta(hours=1)
    assert len(outbox.claim(1)) == 1


def test_a_dry_run_says_that_it_would_be_held(night, campaign, template):
    tool = next(each for each in tools.of(campaign) if each.name == template.name)

    found = explain(campaign, tool, Caller(CALLER, ""), PARAMETERS)

    assert found.is_held and found.refusing is None
    assert "at " + clock(night) in found.say


@pytest.fixture
def admin(campaign):
    client = Client()
    client.force_login(factories.UserFactory(username="ada", role="Admin"))
    return client


def test_the_texts_page_says_why_it_waits_and_until_when(night, door, admin):
    door()
    message = Message.objects.get()

    page = admin.get(reverse("admin:sms_message_change", args=[message.pk])).content.decode()

    assert "It waits for the morning where the phone is" in page
    assert f"it goes out at {night:%H:%M} on {night.day} {night:%B} (America/Los_Angeles)" in page


def test_what_waits_for_the_morning_is_no_trouble_on_the_dashboard(night, door, admin):
    door()
    stuck = factories.MessageFactory(
        recipient="+13125550177", state=State.HELD, reason="The account is suspended."
    )

    page = admin.get(reverse("admin:index")).content.decode()

    assert str(stuck.pk) in page
    assert str(Message.objects.get(recipient=CALLER).pk) not in page


def form(campaign, **fields):
    return {
        "name": campaign.name,
        "country": "US",
        "language": "en",
        "is_active": "on",
        "minutes_before_repeat": "10",
        "quiet_from": "21:00",
        "quiet_until": "08:00",
        **fields,
    }


def test_who_may_be_texted_is_set_on_the_campaigns_page(admin, campaign):
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    fields = {"has_quiet_hours": "on", "quiet_from": "20:30", "other_countries": ["MX", "CA"]}

    response = admin.post(url, form(campaign, **fields))

    assert response.status_code == 302, response.context["errors"]
    campaign.refresh_from_db()
    assert campaign.other_countries == ["CA", "MX"]
    assert (campaign.quiet_from, campaign.quiet_until) == (time(20, 30), time(8))
    assert (
        campaign.texts("US") and campaign.texts("CA") and not campaign.texts("JM") and not campaign.texts("")
    )
    page = admin.get(url).content.decode()
    assert "Jamaica" in page and "Texts go to numbers of the campaign" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"other_countries": ["ZZ"]}, "ZZ is not one of the available choices"),
        ({"has_quiet_hours": "on", "quiet_from": "08:00"}, "must end at another time than they begin"),
        ({"quiet_from": "late"}, "Enter a valid time"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(admin, campaign, fields, said):
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])

    page = admin.post(url, form(campaign, **fields))

    assert page.status_code == 200
    assert said in page.content.decode()
