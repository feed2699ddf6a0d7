"""Users, roles, sharing and handing over in a real browser: looked at, by keyboard, and without scripts."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from sms.models import SmsTemplate, UserProfile
from tests import factories
from tests.browser.tools import barriers, in_browser

LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_desk": {"color_scheme": "dark"},
    "light_phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
LONG = "a_template_with_a_name_of_sixty_four_characters_which_is_the_most"[:64]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bob(db):
    """Bob, who has left, and what he owns: shared, in use elsewhere, and with a From of his account. Olive is
    an Admin."""
    olive = factories.UserFactory(
        username="olive", first_name="Olive", role="Admin", email="olive@example.com"
    )
    bob = factories.UserFactory(username="bob", first_name="Bob", role="Ops", is_active=False)
    carol = factories.UserFactory(username="carol", role="Ops")
    factories.UserFactory(username="victor", role="Viewer")
    UserProfile.objects.filter(user=carol).update(
        twilio_account_sid="AC" + "c" * 32, twilio_from="+13125550199"
    )
    factories.TemplateFactory(
        name="directions", owner=bob, body="48 Mill Lane.", sender="+13125550177", is_shared=True
    )
    factories.TemplateFactory(name=LONG, owner=bob, body="48 Mill Lane.")
    topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", owner=bob)
    campaign = factories.CampaignFactory(name="Olive & Thyme booking line", owner=olive)
    campaign.topics.add(topic)
    action = factories.ActionFactory(name="note", owner=bob)
    own = factories.CampaignFactory(name="Night line", owner=bob)
    factories.AttachmentFactory(campaign=own, action=action)
    return bob


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def hand_over(page: Page, bob, to: str = "carol") -> None:
    page.goto(reverse("admin:auth_user_hand_over", args=[bob.pk]))
    page.locator("select[name=to]").select_option(label=to)
    page.get_by_role("button", name="Show what changes").click()


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_shuts_anybody_out_and_all_fits(bob, live_server, look):
    template = SmsTemplate.objects.get(name="directions")
    pages = {
        "users": reverse("admin:auth_user_changelist"),
        "user": reverse("admin:auth_user_change", args=[bob.pk]),
        "add": reverse("admin:auth_user_add"),
        "delete": reverse("admin:auth_user_delete", args=[bob.pk]),
        "hand_over": reverse("admin:auth_user_hand_over", args=[bob.pk]),
        "template": reverse("admin:sms_smstemplate_change", args=[template.pk]),
    }

    def walk(page: Page) -> list[str]:
        found = []
        for name, url in pages.items():
            page.goto(url)
            found += barriers(page) + ([] if fits(page) else [f"{name} is too wide"])
        hand_over(page, bob)
        found += barriers(page) + ([] if fits(page) else ["what changes is too wide"])
        return found

    assert in_browser(live_server.url, walk, **LOOKS[look]) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_all_that_somebody_owned_is_handed_over(bob, live_server, scripts):
    def use(page: Page) -> str:
        hand_over(page, bob)
        changes = page.get_by_role("region", name="What changes")
        expect(changes).to_contain_text("carol's Twilio account, in place of bob's")
        expect(changes).to_contain_text("not known to have +13125550177, so the default is used")
        expect(changes.get_by_role("listitem").filter(has_text="“directions” is sent again")).to_be_visible()
        page.get_by_role("button", name="Hand over to carol").click()
        return page.get_by_role("status").inner_text()

    said = in_browser(live_server.url, use, java_script_enabled=scripts)

    assert re.search(r"5 things now belong to carol", said)
    assert {template.owner.username for template in SmsTemplate.objects.all()} == {"carol"}


def test_a_role_is_chosen_by_keyboard(bob, live_server):
    def use(page: Page) -> str:
        page.goto(reverse("admin:auth_user_change", args=[bob.pk]))
        role = page.get_by_label("Role")
        role.focus()
        page.keyboard.type("Viewer")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.get_by_role("button", name="Save", exact=True).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/auth/user/")
        return page.locator("main").inner_text()

    assert "Viewer" in in_browser(live_server.url, use)
    changed = User.objects.get(pk=bob.pk)
    assert [group.name for group in changed.groups.all()] == ["Viewer"] and changed.is_active
