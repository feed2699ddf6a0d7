"""The list of templates and a test of one, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Page

from sms import outbox
from sms.models import Message, OptOut, SmsTemplate, State
from tests import factories
from tests.browser.tools import barriers, in_browser

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/sms/smstemplate/"
WIDTHS = {1440: 900, 390: 844}


@pytest.fixture
def template(olive, settings):
    """Olive, a superuser, with a template that a topic, an action and two campaigns use."""
    settings.DEMO = False
    olive.is_staff = olive.is_superuser = True
    olive.save()
    template = factories.TemplateFactory(name="booking_confirmation", owner=olive)
    factories.VariableFactory(template=template, name="day", description="The day, such as Friday 3 May.")
    factories.VariableFactory(template=template, name="guests", pattern="[1-9]|one|two|three|four")
    factories.TranslationFactory(template=template)
    topic = factories.TopicFactory(name="Booking a table", actions="Call {{booking_confirmation}}.")
    action = factories.ActionFactory(name="confirm_again", template=template, owner=olive)
    factories.CampaignFactory(name="Booking line").topics.add(topic)
    factories.AttachmentFactory(campaign=factories.CampaignFactory(name="Night line"), action=action)
    for number in range(30):
        factories.MessageFactory(
            template=template,
            profile=olive.sms_profile,
            state=State.DELIVERED if number else State.FAILED,
            provider_sid=f"SM{number:032x}",
        )
    return template


def address(template) -> str:
    return reverse("admin:sms_smstemplate_try", args=[template.pk])


def in_its_own_connection(do):
    """A function for the browser's thread, where Django refuses the database."""
    import threading

    def run() -> None:
        def work() -> None:
            do()
            connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    return run


def send(page: Page, template, number: str = "+1 415 555 0123") -> None:
    page.goto(address(template))
    page.fill("#id_number", number)
    if page.locator("#id_is_own").count():
        page.check("#id_is_own")
    page.click("text=Send the test")


def test_a_template_is_copied_with_one_click_and_no_key_presses_that_button_by_mistake(template, live_server):
    def go(page: Page) -> Any:
        page.goto(LIST)
        page.focus("input[name=_selected_action]")
        page.keyboard.press("Enter")
        page.wait_for_load_state()
        before = page.url
        page.click("text=Duplicate")
        page.wait_for_url("**/change/")
        page.evaluate("document.querySelector('#id_name').value")
        return before, page.input_value("#id_name"), page.is_checked("#id_is_active")

    before, name, is_active = in_browser(live_server.url, go)

    assert before.endswith(LIST)
    assert (name, is_active) == ("booking_confirmation_copy", False)
    assert SmsTemplate.objects.count() == 2


def test_the_text_follows_what_is_typed(template, live_server):
    def go(page: Page) -> Any:
        page.goto(address(template))
        text = page.locator("[data-trial-text]")
        first = text.inner_text()
        page.fill("#id_value-day", "Sunday")
        page.wait_for_function("document.querySelector('[data-trial-text]').innerText.includes('Sunday')")
        page.select_option("#id_language", "es")
        page.wait_for_function("document.querySelector('[data-trial-text]').innerText.includes('Su mesa')")
        return first, text.inner_text(), page.locator("[data-look]").is_visible()

    first, last, can_look = in_browser(live_server.url, go)

    assert "Your table for 1 is booked for Friday 3 May." in first and "1 segment (GSM-7)" in first
    assert "Su mesa para 1 está reservada para el Sunday." in last and "UCS-2" in last
    assert not can_look


def test_a_test_is_sent_by_keyboard_and_its_way_is_told_as_it_goes(template, live_server):
    def move(state: str, reason: str = "") -> Any:
        return in_its_own_connection(
            lambda: Message.objects.exclude(tested_by="").update(state=state, reason=reason)
        )

    def go(page: Page) -> Any:
        page.goto(address(template))
        page.focus("#id_number")
        page.keyboard.type("+14155550123")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_url("**/test/*-*/")
        said = page.locator("[data-tried-said]")
        page.wait_for_function("document.querySelector('[data-tried-said]').textContent.startsWith('Queued')")
        move("sent")()
        page.wait_for_function("document.querySelector('[data-tried-said]').textContent.startsWith('Sent')")
        heard = [said.inner_text()]
        move("undelivered", "That number cannot get texts: it is a landline.")()
        page.wait_for_function("document.querySelector('[data-tried-said]').textContent.startsWith('Not')")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(2500)
        return (
            [*heard, said.inner_text()],
            page.inner_text("[data-tried]"),
            page.locator("[data-tried-reload]").is_visible(),
            asked,
        )

    heard, shown, can_reload, asked = in_browser(live_server.url, go)

    assert heard[1] == "Not delivered. That number cannot get texts: it is a landline."
    assert "What to do:" in shown
    assert not can_reload
    assert not [url for url in asked if url.endswith("/state/")]


def test_a_server_that_is_away_for_a_moment_is_asked_again(template, live_server):
    def go(page: Page) -> Any:
        send(page, template)
        page.wait_for_url("**/test/*-*/")
        page.route("**/state/", lambda route: route.abort())
        page.wait_for_function(
            "document.querySelector('[data-tried-note]').textContent.includes('cannot be asked')"
        )
        page.unroute("**/state/")
        in_its_own_connection(lambda: Message.objects.update(state=State.DELIVERED))()
        page.wait_for_selector("[data-tried] >> text=It is on the phone.")
        return page.locator("[data-tried-note]").is_visible()

    assert not in_browser(live_server.url, go)


def test_all_of_it_goes_without_a_script(template, live_server):
    def go(page: Page) -> Any:
        page.goto(address(template))
        page.fill("#id_number", "+14155550123")
        page.check("#id_is_own")
        page.fill("#id_value-day", "Sunday")
        page.click("text=See the text")
        looked = page.inner_text("[data-trial-text]")
        page.check("#id_is_own")
        page.click("text=Send the test")
        page.wait_for_url("**/test/*-*/")
        before = page.inner_text("[data-tried]")
        in_its_own_connection(lambda: Message.objects.exclude(tested_by="").update(state="delivered"))()
        with page.expect_navigation():
            page.click("[data-tried-reload]")
        after = page.inner_text("[data-tried]")
        page.goto(LIST)
        page.click("text=Duplicate")
        page.wait_for_url("**/change/")
        return looked, before, after

    looked, before, after = in_browser(live_server.url, go, java_script_enabled=False)

    assert "for Sunday." in looked
    assert "Queued" in before and "Delivered" in after
    assert SmsTemplate.objects.count() == 2


def pages(template) -> dict[str, str]:
    """The pages of this, by a name, each in a state that has much to show."""
    factories.TemplateFactory(name="not_used", owner=template.owner, is_active=False)
    test = factories.MessageFactory(
        template=template, profile=template.owner.sms_profile, tested_by="olive", state=State.UNDELIVERED,
        error_code=30006, reason="That number cannot get texts: it is a landline.",
    )  # fmt: skip
    under_way = factories.MessageFactory(template=template, tested_by="olive", state=State.QUEUED)
    tried = "admin:sms_smstemplate_tried"
    return {
        "list": LIST,
        "template": reverse("admin:sms_smstemplate_change", args=[template.pk]),
        "test": address(template),
        "failed": reverse(tried, args=[template.pk, test.pk]),
        "under way": reverse(tried, args=[template.pk, under_way.pk]),
        "delete": reverse("admin:sms_smstemplate_delete", args=[template.pk]),
        "messages": "/admin/sms/message/?tests=yes",
        "message": reverse("admin:sms_message_change", args=[test.pk]),
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_shuts_anybody_out_or_is_wider_than_the_screen(template, live_server, scheme):
    addresses = pages(template)

    def walk(page: Page) -> list[str]:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        for name, url in addresses.items():
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.goto(url)
                if page.evaluate("document.scrollingElement.scrollWidth > innerWidth"):
                    complaints.append(f"{name} is too wide at {width}")
                complaints += barriers(page)
        return complaints

    assert in_browser(live_server.url, walk, color_scheme=scheme) == []


def test_a_refused_test_shows_where_and_why(template, live_server):
    outbox.opt_out("+14155550123", OptOut.Source.KEYWORD, "STOP")

    def go(page: Page) -> Any:
        page.goto(address(template))
        page.fill("#id_number", "+14155550123")
        page.fill("#id_value-guests", "a crowd")
        page.click("text=Send the test")
        page.wait_for_load_state()
        return page.locator(".errors").all_inner_texts(), barriers(page)

    errors, shut_out = in_browser(live_server.url, go)

    assert "has opted out" in errors[0]
    assert any("must look like" in error for error in errors)
    assert shut_out == []
    assert not Message.objects.exclude(tested_by="").exists()
