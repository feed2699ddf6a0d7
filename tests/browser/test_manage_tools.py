"""Manage Tools in a real browser: searching, selecting, detaching; by keyboard, by ear, without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import ToolAttachment
from sms.models import Sender, UserProfile
from tests import factories
from tests.browser.tools import barriers, in_browser

LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_desk": {"color_scheme": "dark"},
    "light_phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
LONG = "an_action_with_a_name_of_sixty_four_characters_which_is_the_mos"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def line(olive):
    """Olive, a superuser, with a campaign that has one action of three, and one that is not healthy."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    UserProfile.objects.filter(user=olive).update(verified_at=timezone.now() - timedelta(days=3))
    carol = factories.UserFactory(username="carol")
    topic = factories.TopicFactory(name="Finding us", content="Then send booking_link.", owner=olive)
    campaign = factories.CampaignFactory(name="Booking line", owner=olive)
    campaign.topics.add(topic)
    own = [
        factories.ActionFactory(name=name, owner=olive, description="Use this when they ask. " * 20)
        for name in ("booking_link", "gift_card", LONG)
    ]
    factories.ActionFactory(name="survey", owner=carol, is_shared=True, sender="+13125550177")
    Sender.objects.create(
        account_sid=factories.ACCOUNT_SID, address="+13125550177", messages_per_second=1,
        held_at=timezone.now(), held_code=30034, held_because="B" * 200,
    )  # fmt: skip
    ToolAttachment.attach(campaign, own[:1], olive)
    ToolAttachment.attach(factories.CampaignFactory(name="N" * 60), own[:1], olive)
    return campaign


def open_tools(page: Page, campaign) -> None:
    page.goto(reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]))


def names(page: Page) -> list[str]:
    return page.locator("[data-picklist-row]:visible strong").all_inner_texts()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"))


def attached(campaign) -> set[str]:
    return set(campaign.actions.values_list("name", flat=True))


@pytest.mark.parametrize("look", LOOKS)
def test_searched_selected_and_saved(line, live_server, look):
    def use(page: Page) -> list[str]:
        open_tools(page, line)
        found = barriers(page)
        assert fits(page)
        assert names(page) == ["booking_link", LONG, "gift_card", "survey"]
        page.get_by_label("Search SMS actions").fill("gift")
        expect(page.locator("[data-picklist-count]")).to_have_text("1 of 4 selected, 1 shown")
        assert names(page) == ["gift_card"]
        page.get_by_role("checkbox", name="gift_card").check()
        expect(page.get_by_text("to be attached", exact=True).filter(visible=True)).to_have_count(1)
        found += barriers(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("gift_card attached. Agents see it from their next call")).to_be_visible()
        assert page.get_by_role("checkbox", name="booking_link").is_checked()
        return found

    assert in_browser(live_server.url, use, **LOOKS[look]) == []
    assert attached(line) == {"booking_link", "gift_card"}


@pytest.mark.parametrize("look", LOOKS)
def test_detached_once_it_is_said_what_still_mentions_it(line, live_server, look):
    def use(page: Page) -> list[str]:
        open_tools(page, line)
        page.get_by_role("checkbox", name="booking_link").uncheck()
        expect(page.get_by_text("to be detached", exact=True).filter(visible=True)).to_have_count(1)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("link", name="The Content of the topic “Finding us”")).to_be_visible()
        expect(page.get_by_text("Then send booking_link.")).to_be_visible()
        assert fits(page)
        found = barriers(page)
        page.get_by_role("button", name="Back to the selection").click()
        assert not page.get_by_role("checkbox", name="booking_link").is_checked()
        page.get_by_role("button", name="Save").click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("booking_link detached. Agents see it")).to_be_visible()
        expect(page.get_by_text("olive detached booking_link")).to_be_visible()
        return found + barriers(page)

    assert in_browser(live_server.url, use, **LOOKS[look]) == []
    assert attached(line) == set()


def test_narrowed_to_one_kind_and_back(line, live_server):
    def use(page: Page) -> None:
        open_tools(page, line)
        for words, found in {
            "Attached": ["booking_link"],
            "Not attached": [LONG, "gift_card", "survey"],
            "Healthy": ["booking_link", LONG, "gift_card"],
            "Needs attention": ["survey"],
            "Mine": ["booking_link", LONG, "gift_card"],
        }.items():
            page.get_by_label("Show", exact=True).select_option(label=words)
            assert names(page) == found, words
        page.get_by_label("Search SMS actions").fill("survey")
        assert names(page) == []
        page.get_by_label("Search SMS actions").fill("to be attached")
        assert names(page) == []
        page.get_by_role("link", name="Show all").click()
        assert len(names(page)) == 4
        page.goto(page.url + "?q=gift&show=mine")
        assert names(page) == ["gift_card"]
        assert page.get_by_label("Show", exact=True).input_value() == "mine"

    in_browser(live_server.url, use)


def test_by_keyboard_alone(line, live_server):
    def use(page: Page) -> None:
        open_tools(page, line)
        page.get_by_label("Search SMS actions").focus()
        page.keyboard.type("gift")
        page.keyboard.press("Enter")
        assert names(page) == ["gift_card"]
        for _ in range(9):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.type") == "checkbox":
                break
        page.keyboard.press("Space")
        for _ in range(9):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "Save":
                break
        page.keyboard.press("Enter")
        expect(page.get_by_text("gift_card attached.")).to_be_visible()

    in_browser(live_server.url, use)
    assert attached(line) == {"booking_link", "gift_card"}


def test_by_ear_a_row_is_its_name_and_what_the_columns_say(line, live_server):
    def use(page: Page) -> str:
        page.set_viewport_size({"width": 390, "height": 844})
        open_tools(page, line)
        table = page.get_by_role("table", name="Manage Tools")
        assert table.get_by_role("row").count() == 4
        box = page.get_by_role("checkbox", name="survey", exact=True)
        expect(box).to_have_accessible_description("Use this when the caller asks for something in writing.")
        return table.get_by_role("row").filter(has=box).get_by_role("cell").all_inner_texts()[2]

    assert in_browser(live_server.url, use).startswith("sender held")


def test_whoever_leaves_with_choices_that_are_not_saved_is_asked(line, live_server):
    def use(page: Page) -> list[str]:
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        open_tools(page, line)
        page.get_by_role("checkbox", name="survey").check()
        page.get_by_role("link", name="Open gift_card").click()
        expect(page.get_by_role("checkbox", name="survey")).to_be_checked()
        page.get_by_role("checkbox", name="survey").uncheck()
        page.get_by_label("Search SMS actions").fill("gift")
        page.get_by_role("link", name="Open gift_card").click()
        expect(page.locator("#id_name")).to_have_value("gift_card")
        return asked

    assert in_browser(live_server.url, use) == ["beforeunload"]


def test_without_scripts_a_search_loses_nothing_that_is_selected(line, live_server):
    def use(page: Page) -> None:
        open_tools(page, line)
        page.get_by_role("checkbox", name="survey").check()
        page.get_by_label("Search SMS actions").fill("gift")
        with page.expect_navigation():
            page.get_by_label("Search SMS actions").press("Enter")
        assert names(page) == ["gift_card"]
        page.get_by_role("checkbox", name="gift_card").check()
        page.get_by_label("Search SMS actions").fill("")
        with page.expect_navigation():
            page.get_by_role("button", name="Search").click()
        assert len(names(page)) == 4
        assert page.get_by_role("checkbox", name="survey").is_checked()
        page.get_by_role("button", name="Save").click()

    in_browser(live_server.url, use, java_script_enabled=False)
    assert attached(line) == {"booking_link", "gift_card", "survey"}
