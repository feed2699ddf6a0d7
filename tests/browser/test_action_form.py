"""Writing an SMS action in a real browser: with a mouse, by keyboard, by ear and without scripts."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from builder.models import SmsAction
from tests import factories
from tests.browser.tools import barriers, in_browser
from tests.factories import AUTH_TOKEN

ADD = reverse("admin:builder_smsaction_add")
LIST = reverse("admin:builder_smsaction_changelist")
LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_desk": {"color_scheme": "dark"},
    "light_phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}
FOR_AGENT = (
    ".field-max_segments",
    ".field-allowed_hosts",
    ".field-allowed_numbers",
    ".field-forbidden_words",
)
FOR_TEMPLATE = (".field-template", ".field-template_text")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer(olive, carrier):
    """Olive, a superuser with both providers, two templates and a campaign."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    factories.TemplateFactory(name="directions", owner=olive, body="48 Mill Lane. Ask for {{ person }}.")
    factories.TemplateFactory(name="off_season", owner=olive, is_active=False)
    factories.CampaignFactory(name="Booking line", owner=olive)
    return olive


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def shown(page: Page, *selectors: str) -> list[bool]:
    return [page.locator(each).is_visible() for each in selectors]


@pytest.mark.parametrize("look", LOOKS)
def test_an_action_is_written_with_what_the_page_offers(writer, live_server, look):
    def write(page: Page) -> list[str]:
        page.goto(ADD)
        agent, hints = page.locator("[data-agent]"), page.locator("[data-hints]")
        found = barriers(page)
        page.fill("#id_name", "Booking link")
        page.get_by_role("button", name="Use it").click()
        assert page.input_value("#id_name") == "booking_link"
        expect(page.locator("[data-name]")).to_be_hidden()

        page.fill("#id_description", "Send the link.")
        expect(hints).to_contain_text("It does not say when to send the text.")
        expect(hints).to_contain_text("the agent may text no link")
        expect(page.locator("[data-said]")).to_contain_text("It does not say when to send the text.")
        found += barriers(page)
        page.get_by_text("Examples", exact=True).click()
        page.get_by_role("button", name="Use example 1").click()
        expect(hints).not_to_contain_text("when to send")
        assert page.input_value("#id_description").startswith("Send the link. Use this to send a booking")
        page.get_by_label("Web site 1", exact=True).fill("https://www.example.com/book")
        expect(hints).to_be_hidden()
        page.get_by_label("Word 1", exact=True).fill("free")
        page.fill("#id_max_segments", "1")
        expect(agent).to_contain_text("At most 160 characters")
        expect(agent).to_contain_text("Only links to example.com")
        expect(agent).to_contain_text("Never use: free.")

        page.get_by_role("radio", name="Anyone").check()
        expect(page.get_by_text("A number that is misheard is a stranger's.")).to_be_visible()
        expect(agent).to_contain_text("a number that the caller gives")
        expect(hints).to_be_hidden()
        assert fits(page)
        found += barriers(page)
        page.click("[name=_save]")
        page.wait_for_url(f"**{LIST}*")
        return found + barriers(page)

    assert in_browser(live_server.url, write, **LOOKS[look]) == []
    action = SmsAction.objects.get()
    assert (action.name, action.recipient, action.max_segments) == ("booking_link", "anyone", 1)
    assert (action.allowed_hosts, action.forbidden_words) == (["example.com"], ["free"])


@pytest.mark.parametrize("scripts", [True, False], ids=["with_scripts", "without_scripts"])
def test_what_the_choices_need_appears_and_disappears_by_keyboard_alone(writer, live_server, scripts):
    def choose(page: Page) -> None:
        page.goto(ADD)
        assert shown(page, *FOR_AGENT, *FOR_TEMPLATE) == [True] * 4 + [False] * 2
        page.focus("[name=content][value=agent]")
        page.keyboard.press("ArrowDown")
        assert shown(page, *FOR_AGENT, *FOR_TEMPLATE) == [False] * 4 + [True] * 2
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "id_template"
        page.keyboard.press("d")
        assert page.locator("#id_template option:checked").inner_text() == "directions"

        assert page.locator(".only-twilio").is_visible()
        page.focus("#id_provider")
        page.keyboard.press("a")
        assert page.locator(".only-twilio").is_hidden()
        page.focus("[name=recipient][value=caller]")
        page.keyboard.press("ArrowDown")
        assert page.get_by_text("A number that is misheard").is_visible()
        page.fill("#id_name", "way")
        page.fill("#id_description", "Use this when the caller asks for the way.")
        page.press("#id_name", "Enter")
        page.wait_for_url(f"**{LIST}*")

    in_browser(live_server.url, choose, java_script_enabled=scripts)
    action = SmsAction.objects.get()
    assert (action.template.name, action.provider, action.recipient) == ("directions", "atlas", "anyone")


@pytest.mark.parametrize("look", ["light_desk", "dark_phone"])
def test_a_template_shows_its_text_and_what_it_asks_for(writer, live_server, look):
    def choose(page: Page) -> list[str]:
        page.goto(ADD)
        page.get_by_role("radio", name="A template").check()
        page.select_option("#id_template", label="directions")
        expect(page.locator("[data-template-text]")).to_contain_text("48 Mill Lane. Ask for {{ person }}.")
        expect(page.locator("[data-agent]")).to_contain_text("person")
        page.select_option("#id_template", label="off_season")
        expect(page.locator("[data-template-text]")).to_contain_text(
            "Nothing is sent until it is switched on."
        )
        assert fits(page)
        return barriers(page)

    assert in_browser(live_server.url, choose, **LOOKS[look]) == []


@pytest.mark.parametrize("look", LOOKS)
def test_what_is_refused_is_told_at_its_field_and_nothing_typed_is_lost(writer, live_server, look):
    def write(page: Page) -> list[str]:
        page.goto(ADD)
        page.fill("#id_name", "Booking link")
        page.fill("#id_description", "Send it.")
        page.get_by_label("Web site 1", exact=True).fill("192.0.2.1")
        page.fill("#id_max_segments", "12")
        page.click("[name=_save]")
        for field, says in (
            ("name", "without spaces"),
            ("max_segments", "Write a number from 1 to 10."),
            ("allowed_hosts", "“192.0.2.1”: Write a name"),
        ):
            expect(page.locator(f".field-{field} .errorlist")).to_contain_text(says)
        assert page.get_by_label("Web site 1", exact=True).input_value() == "192.0.2.1"
        assert page.input_value("#id_description") == "Send it."
        # Hints stand there, and stop nobody.
        expect(page.locator("[data-hints]")).to_contain_text("It does not say what stands in the text")
        page.get_by_role("button", name="Use it").click()
        assert page.input_value("#id_name") == "booking_link"
        assert fits(page)
        return barriers(page)

    assert in_browser(live_server.url, write, **LOOKS[look]) == []
    assert not SmsAction.objects.exists()


def test_without_scripts_the_page_says_on_saving_what_it_says_live_otherwise(writer, live_server):
    def write(page: Page) -> None:
        page.goto(ADD)
        page.fill("#id_name", "Booking link")
        page.fill("#id_description", "Send it.")
        page.fill("#id_allowed_hosts", "example.com\nbook.example.org")
        page.press("#id_name", "Enter")
        assert "booking_link" in page.locator("[data-name]").inner_text()
        assert page.get_by_text("It does not say when to send the text.").is_visible()
        assert "Only links to example.com or book.example.org" in page.locator("[data-agent]").inner_text()
        assert page.get_by_role("button", name="Use it").count() == 0
        page.fill("#id_name", "booking_link")
        page.press("#id_name", "Enter")
        page.wait_for_url(f"**{LIST}*")

    in_browser(live_server.url, write, java_script_enabled=False)
    assert SmsAction.objects.get().allowed_hosts == ["example.com", "book.example.org"]


def test_a_token_that_is_typed_stays_in_the_page_until_it_is_saved(writer, live_server):
    def write(page: Page) -> list[str]:
        sent: list[str] = []
        page.on(
            "request",
            lambda request: sent.append(request.post_data or "") if "/preview/" in request.url else None,
        )
        page.goto(ADD)
        page.fill("#id_auth_token", AUTH_TOKEN)
        page.fill("#id_name", "note")
        expect(page.locator("[data-agent]")).to_contain_text("note")
        return sent

    sent = in_browser(live_server.url, write)
    assert sent and not any(AUTH_TOKEN in body for body in sent)


@pytest.mark.parametrize("look", LOOKS)
def test_the_list_says_what_comes_next_and_then_what_stands(olive, live_server, look):
    olive.is_staff = olive.is_superuser = True
    olive.save()

    def empty(page: Page) -> list[str]:
        page.goto(LIST)
        assert page.get_by_text("Add one, then attach it to a campaign").is_visible()
        assert page.locator("#content").get_by_role("link", name="Add an SMS action").is_visible()
        assert fits(page)
        return barriers(page)

    def full(page: Page) -> list[str]:
        page.goto(LIST)
        row = page.locator("tr", has_text="booking_link")
        assert "1 segment; links to example.com" in row.inner_text()
        assert "Booking line" in row.inner_text()
        assert "is switched off." in page.locator("tr", has_text="winter_hours").inner_text()
        assert fits(page)
        return barriers(page)

    assert in_browser(live_server.url, empty, **LOOKS[look]) == []
    off = factories.TemplateFactory(name="off_season", owner=olive, is_active=False)
    factories.ActionFactory(name="winter_hours", owner=olive, template=off)
    action = factories.ActionFactory(
        name="booking_link", owner=olive, allowed_hosts=["example.com"], max_segments=1, recipient="anyone"
    )
    factories.AttachmentFactory(campaign__name="Booking line", campaign__owner=olive, action=action)
    assert in_browser(live_server.url, full, **LOOKS[look]) == []
