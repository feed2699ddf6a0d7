"""From an empty account to a text on a phone, in a real browser: create with Twilio, once more with nothing
entered, with Atlas; attach; fire. And when nothing is sent, the agent is told what to say."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from builder.models import SmsAction
from sms import dispatch
from sms.models import UserProfile
from tests import factories
from tests.browser.tools import barriers, in_browser
from tests.conftest import ATLAS_SID
from tests.factories import ACCOUNT_SID, AUTH_TOKEN, CALLER
from tests.processes import request
from tests.sms.test_admin import allow

ADD = reverse("admin:builder_smsaction_add")
LIST = reverse("admin:builder_smsaction_changelist")
OWN, ATLAS = "+13125550142", "+13125550100"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(olive, carrier, live_server, settings):
    """A campaign of Olive's, who writes actions and has entered no credentials yet."""
    settings.PUBLIC_URL = live_server.url
    olive.is_staff = True
    olive.save()
    verbs = ("view", "add", "change")
    allow(olive, "view_pause", *(f"{verb}_{model}" for verb in verbs for model in ("smsaction", "campaign")))
    UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None, twilio_from="")
    yield factories.CampaignFactory(name="Booking line", owner=olive)
    dispatch.close()


def describe(page: Page, name: str) -> None:
    page.goto(ADD)
    page.fill("#id_name", name)
    page.fill("#id_description", "Use this to text the caller once they have asked for it in writing.")


def save(page: Page, path: str) -> None:
    page.click("[name=_save]")
    page.wait_for_url(f"**{path}*")


def fire(way_in: dict[str, str], tool: str, body: str) -> tuple[int, dict[str, Any]]:
    """What the agent hears that calls a tool by the connection made in the browser."""
    asked = {
        "callId": f"call of {body}",
        "customerPhoneNumber": CALLER,
        "parameters": {"message": body, "consent": "Yes, please text me."},
    }
    headers = {"Authorization": f"Bearer {way_in['secret']}"}
    return request(f"{way_in['url']}/{tool}", "POST", asked, headers)


def is_speakable(answer: dict[str, Any]) -> bool:
    """Whether an answer has a sentence that says, to a caller, that there is no text."""
    say = str(answer["say"])
    return (
        say.endswith(".")
        and any(word in say for word in ("can't", "couldn't", "nothing was sent"))
        and "_" not in say
    )


def test_the_five_steps(campaign, carrier, live_server):
    tools = reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])

    def create(page: Page) -> list[str]:
        # One, with Twilio: the credentials are entered here.
        describe(page, "first")
        page.fill("#id_account_sid", ACCOUNT_SID)
        page.fill("#id_auth_token", AUTH_TOKEN)
        page.press("#id_auth_token", "Tab")
        expect(page.locator("select#id_default_from")).to_be_visible()
        page.select_option("#id_default_from", OWN)
        save(page, LIST)
        expect(page.get_by_text("Your Twilio credentials are stored on your profile.")).to_be_visible()

        # Two, with nothing entered again.
        describe(page, "second")
        assert page.input_value("#id_account_sid") == ACCOUNT_SID
        assert page.input_value("#id_auth_token") == ""
        expect(page.get_by_text("A token is stored, verified just now; it is never shown.")).to_be_visible()
        assert AUTH_TOKEN not in page.content()
        found = barriers(page)
        save(page, LIST)

        # Three, with Atlas: there is nothing to enter.
        describe(page, "third")
        page.select_option("#id_provider", "atlas")
        expect(page.locator(".only-twilio")).to_be_hidden()
        found += barriers(page)
        save(page, LIST)
        return found

    def connect(page: Page) -> dict[str, str]:
        page.goto(tools)
        page.get_by_role("link", name="Connect an agent").click()
        page.get_by_role("radio", name="HTTP (any runtime)").check()
        page.get_by_role("button", name="Connect", exact=True).click()
        return {name: page.inner_text(f"#{name}") for name in ("url", "secret")}

    def attach(page: Page) -> list[str]:
        page.goto(tools)
        for name in ("first", "second", "third"):
            page.get_by_role("checkbox", name=name).check()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("to be attached").first).to_be_hidden()
        for name in ("first", "second", "third"):
            expect(page.get_by_role("checkbox", name=name)).to_be_checked()
        return barriers(page)

    def detach_the_second(page: Page) -> None:
        page.goto(tools)
        page.get_by_role("checkbox", name="second").uncheck()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", name="Save these changes?")).to_be_visible()
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("checkbox", name="second")).not_to_be_checked()

    def pause(page: Page) -> None:
        page.goto(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
        page.get_by_role("link", name="Pause this campaign").click()
        page.fill("#id_because", "The price is wrong")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_role("region", name="What is paused")).to_contain_text("The price is wrong")

    def resume(page: Page) -> None:
        page.goto(reverse("admin:index"))
        page.get_by_role("link", name="Resume: ").click()
        page.get_by_role("button", name="Resume", exact=True).click()
        expect(page.get_by_role("region", name="What is paused")).to_be_hidden()

    assert in_browser(live_server.url, create) == []
    assert list(SmsAction.objects.order_by("name").values_list("name", "provider")) == [
        ("first", "twilio"),
        ("second", "twilio"),
        ("third", "atlas"),
    ]

    way_in = in_browser(live_server.url, connect)
    status, answer = fire(way_in, "first", "Not yet.")
    assert (status, answer["error"], is_speakable(answer)) == (404, "unknown_tool", True), answer

    assert in_browser(live_server.url, attach) == []
    for tool in ("first", "second", "third"):
        status, answer = fire(way_in, tool, f"By the {tool}.")
        assert (status, answer["status"]) == (200, "accepted"), answer
    dispatch.drain()
    sent = {text["body"]: (text["account_sid"], text["from"], text["to"]) for text in carrier.texts()}
    assert sent == {
        "By the first.": (ACCOUNT_SID, OWN, CALLER),
        "By the second.": (ACCOUNT_SID, OWN, CALLER),
        "By the third.": (ATLAS_SID, ATLAS, CALLER),
    }

    in_browser(live_server.url, pause)
    status, answer = fire(way_in, "first", "While it is paused.")
    assert (status, answer["status"], answer["code"]) == (200, "refused", "paused")
    assert is_speakable(answer), answer
    in_browser(live_server.url, resume)
    assert fire(way_in, "first", "Going on.")[1]["status"] == "accepted"

    in_browser(live_server.url, detach_the_second)
    status, answer = fire(way_in, "second", "No more.")
    assert (status, answer["error"], is_speakable(answer)) == (404, "unknown_tool", True), answer
    dispatch.drain()
    assert len(carrier.texts()) == 4
