"""Entering credentials and choosing a From in a real browser, against the simulated carrier."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sms.models import UserProfile
from tests import factories
from tests.browser.tools import barriers, in_browser
from tests.factories import ACCOUNT_SID, AUTH_TOKEN

ME = reverse("admin:sms_userprofile_me")
ADD_ACTION = reverse("admin:builder_smsaction_add")
LISTED = ["None yet", "Booking line (MG0123456789abcdef0123456789abcdef)", "+13125550100", "+13125550142"]
LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_desk": {"color_scheme": "dark"},
    "light_phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def newcomer(olive, carrier):
    """Olive, a superuser who has entered nothing yet, and a campaign of hers."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None, twilio_from="")
    template = factories.TemplateFactory(name="directions", owner=olive)
    topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", owner=olive)
    factories.CampaignFactory(name="Booking line", owner=olive).topics.add(topic)
    factories.ActionFactory(name="text_the_caller", owner=olive)
    return template.owner


def options(page: Page, name: str) -> list[str]:
    return page.locator(f"#{name} option").all_inner_texts()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("look", LOOKS)
def test_credentials_are_entered_verified_and_a_from_is_chosen(newcomer, live_server, look):
    def enter(page: Page) -> list[str]:
        page.goto(ME)
        assert page.locator("#id_twilio_from").is_visible()
        found = barriers(page)
        page.fill("#id_twilio_account_sid", ACCOUNT_SID)
        page.fill("#id_auth_token", AUTH_TOKEN)
        page.press("#id_auth_token", "Tab")
        expect(page.locator("select#id_twilio_from")).to_be_visible()
        assert options(page, "id_twilio_from") == [*LISTED, "Another one …"]
        assert page.locator("#id_twilio_from_typed").is_hidden()
        page.select_option("#id_twilio_from", "+13125550142")
        page.click("[name=_save]")
        expect(page.get_by_text("Verified with Twilio: “Simulated account” is active")).to_be_visible()
        assert page.input_value("#id_twilio_from") == "+13125550142"
        assert "SMS templates directions; SMS actions text_the_caller; campaigns Booking line" in (
            page.inner_text("main")
        )
        assert fits(page)
        return found + barriers(page)

    assert in_browser(live_server.url, enter, **LOOKS[look]) == []
    profile = UserProfile.objects.get(user=newcomer)
    assert (profile.twilio_from, profile.twilio_auth_token.reveal()) == ("+13125550142", AUTH_TOKEN)


@pytest.mark.parametrize("look", LOOKS)
def test_a_wrong_token_is_told_at_its_field_and_nothing_that_was_typed_is_lost(newcomer, live_server, look):
    def enter(page: Page) -> list[str]:
        page.goto(ME)
        page.fill("#id_twilio_account_sid", ACCOUNT_SID)
        page.fill("#id_auth_token", "0" * 32)
        page.fill("#id_twilio_from", "+13125550142")
        page.click("[name=_save]")
        expect(page.locator(".errorlist").first).to_contain_text("does not accept this token")
        expect(page.locator("#id_auth_token")).to_be_focused()
        assert page.input_value("#id_twilio_account_sid") == ACCOUNT_SID
        assert page.input_value("#id_twilio_from") == "+13125550142"
        assert "0" * 32 not in page.content()
        return barriers(page)

    assert in_browser(live_server.url, enter, **LOOKS[look]) == []


@pytest.mark.parametrize("look", LOOKS)
def test_the_second_action_shows_them_as_stored_and_offers_the_accounts_numbers(newcomer, live_server, look):
    def add(page: Page) -> list[str]:
        page.goto(ADD_ACTION)
        page.fill("#id_name", "first")
        page.fill("#id_description", "Use this when the caller asks for it in writing.")
        page.fill("#id_account_sid", ACCOUNT_SID)
        page.fill("#id_auth_token", AUTH_TOKEN)
        page.press("#id_auth_token", "Tab")
        expect(page.locator("select#id_default_from")).to_be_visible()
        page.select_option("#id_default_from", "+13125550100")
        page.click("[name=_save]")
        expect(page.get_by_text("Your Twilio credentials are stored on your profile.")).to_be_visible()

        page.goto(ADD_ACTION)
        assert page.input_value("#id_account_sid") == ACCOUNT_SID
        assert page.get_by_text("A token is stored, verified just now; it is never shown.").is_visible()
        assert page.input_value("#id_default_from") == "+13125550100"
        page.select_option("#id_sender", "other")
        assert page.evaluate("document.activeElement.id") == "id_sender_typed"
        page.keyboard.type("+13125550150")
        page.fill("#id_name", "second")
        page.fill("#id_description", "Use this when the caller asks for it in writing.")
        page.click("[name=_save]")
        refused = page.locator(".errorlist", has_text="cannot text from +13125550150")
        expect(refused).to_be_visible()
        assert page.input_value("#id_sender_typed") == "+13125550150"
        assert fits(page)
        return barriers(page)

    assert in_browser(live_server.url, add, **LOOKS[look]) == []


def test_without_scripts_the_list_is_what_the_account_had_when_it_was_verified(newcomer, live_server):
    def choose(page: Page) -> None:
        page.goto(ME)
        page.fill("#id_twilio_account_sid", ACCOUNT_SID)
        page.fill("#id_auth_token", AUTH_TOKEN)
        page.fill("#id_twilio_from", "+13125550142")
        page.press("#id_twilio_from", "Enter")
        assert options(page, "id_twilio_from") == [*LISTED, "Another one …"]
        assert page.locator("#id_twilio_from_typed").is_visible()
        page.select_option("#id_twilio_from", "+13125550100")
        page.press("#id_twilio_account_sid", "Enter")

    in_browser(live_server.url, choose, java_script_enabled=False)
    assert UserProfile.objects.get(user=newcomer).twilio_from == "+13125550100"
