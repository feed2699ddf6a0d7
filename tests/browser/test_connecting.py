"""From “Connect an agent” to a text, in a real browser: choose, copy, paste; and it turns green by itself."""

from __future__ import annotations

import os
import subprocess

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from campaigns.connecting import SAMPLE_CALLER
from campaigns.models import Connection
from sms.models import Message
from tests import factories
from tests.browser.tools import barriers, in_browser

LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(olive, live_server, settings):
    settings.PUBLIC_URL = live_server.url
    olive.is_staff = olive.is_superuser = True
    olive.save()
    campaign = factories.CampaignFactory(name="Booking line", owner=olive)
    template = factories.TemplateFactory(name="confirmation", owner=olive)
    topic = factories.TopicFactory(actions=f"Call {{{{{template.name}}}}}.", owner=olive)
    campaign.topics.add(topic)
    return campaign


def run(command: str) -> str:
    """What the shell prints of a command that was copied."""
    environment = {**os.environ, "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=30
    )
    return done.stdout


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("runtime", "look"), [("Vapi", "light_desk"), ("MCP (any client)", "dark_phone")])
def test_it_turns_red_and_then_green_by_itself(campaign, live_server, runtime, look):
    def use(page: Page) -> list[str]:
        page.goto(reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]))
        page.get_by_role("link", name="Connect an agent").click()
        found = barriers(page)
        page.get_by_role("radio", name=runtime).check()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_text("Waiting for the first call…")).to_be_visible()
        assert fits(page)
        found += barriers(page)
        page.get_by_role("button", name="Copy: curl").click()
        command = page.evaluate("navigator.clipboard.readText()")

        run(command.replace("Bearer mc_", "Bearer mc_wrong_"))
        expect(page.get_by_text("A request came, and it was refused")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("Its secret is not this connection's.").first).to_be_visible()
        found += barriers(page)
        assert "on its way" in run(command)
        expect(page.get_by_text("The call has arrived")).to_be_visible(timeout=20_000)
        assert fits(page)
        return found + barriers(page)

    permissions = ["clipboard-read", "clipboard-write"]
    assert in_browser(live_server.url, use, permissions=permissions, **LOOKS[look]) == []
    assert Message.objects.get().recipient == SAMPLE_CALLER
    assert Connection.objects.get().get_runtime_display() == runtime


def test_without_scripts_there_is_all_to_copy_and_a_way_to_look_again(campaign, live_server):
    def use(page: Page) -> None:
        page.goto(reverse("admin:campaigns_campaign_connect", args=[campaign.pk]))
        page.get_by_role("radio", name="Vapi").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.locator("#secret")).to_be_visible()
        expect(page.get_by_role("group", name="curl", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("Waiting for the first call…")).to_be_visible()
        expect(page.locator("#secret")).to_have_count(0)

    in_browser(live_server.url, use, java_script_enabled=False)
