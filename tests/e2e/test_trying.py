"""A test of a template, from the browser through worker and carrier to the receipt, all of it real."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.browser import tools
from tests.browser.tools import in_browser


def test_a_person_sees_their_test_arrive(line, olive):
    def go(page: Page) -> Any:
        page.goto(f"{line.url}/admin/")
        page.fill("#id_username", "ops")
        page.fill("#id_password", "ops")
        page.keyboard.press("Enter")
        page.wait_for_selector("#nav-sidebar")
        page.goto(f"{line.url}/admin/sms/smstemplate/")
        page.click("#result_list a:text('confirmation')")
        page.click("text=Send a test")
        page.fill("#id_number", "+1 415 555 0199")
        page.check("#id_is_own")
        page.fill("#id_value-guests", "nine")
        page.click("button:text('Send the test')")
        page.wait_for_url("**/test/*-*/")
        page.wait_for_selector("[data-tried] >> text=It is on the phone.")
        return page.locator(".mc-life .mc-label").all_inner_texts(), page.inner_text("[data-tried-said]")

    try:
        steps, said = in_browser(line.url, go)
    finally:
        tools.close()

    assert steps == ["Promised", "Being handed over", "With the carrier", "Sent", "Delivered"]
    assert said == "Delivered. It is on the phone."
    [text] = [text for text in line.carrier.texts() if text["to"] == "+14155550199"]
    assert text["body"] == "Your table for nine."
