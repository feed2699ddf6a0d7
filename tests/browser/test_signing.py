"""The page on which signing secrets are entered, in a browser: seen, read aloud and used without a mouse."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from campaigns.models import Connection
from tests import factories
from tests.browser.tools import barriers, in_browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(olive):
    """The address of the page for a runtime."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    campaign = factories.CampaignFactory(owner=olive, name="Booking line")

    def address(runtime, **fields):
        found = factories.ConnectionFactory(
            campaign=campaign, runtime=runtime, name="The booking line's agent", **fields
        )
        return reverse("admin:campaigns_campaign_signing", args=[campaign.pk, found.pk])

    return address


@pytest.mark.parametrize("stored", [{}, {"signing_secret": "abc"}], ids=["at first", "later"])
@pytest.mark.parametrize("runtime", ["vapi", "retell", "telnyx"])
def test_nobody_is_shut_out(address, live_server, runtime, stored):
    path = address(runtime, **stored)

    def use(page: Page) -> list[str]:
        page.goto(path)
        found = barriers(page)
        page.set_viewport_size({"width": 390, "height": 844})
        width = page.evaluate("document.documentElement.scrollWidth")
        return [*found, *([f"{width} wide"] if width > 390 else [])]

    assert in_browser(live_server.url, use) == []


def test_by_keyboard_and_without_scripts(address, live_server):
    path = address("retell")

    def use(page: Page) -> None:
        page.goto(path)
        page.get_by_label("Signing secret").focus()
        page.keyboard.type("key_of_retell_0123456789")
        page.keyboard.press("Enter")
        expect(page.get_by_text("must be signed from now on")).to_be_visible()

    in_browser(live_server.url, use, java_script_enabled=False)

    assert Connection.objects.get().signing_secrets() == ["key_of_retell_0123456789"]
