"""What the tests of a topic's form share."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

ADD = "/admin/builder/topic/add/"
LIST = "/admin/builder/topic/"
# Refers to one template that can be sent, one that is switched off, and one that there is not.
THREE_REFERENCES = "Call {{directions}}, {{summer_menu}} or {{nothing}}."
DIRECTIONS = "Olive & Thyme, 12 Mill Lane. You can park behind the house; the gate opens with 1234#."


def actions(page: Page, typed: str = "") -> Locator:
    """The Actions field, with the focus and something typed."""
    field = page.locator("#id_actions")
    field.click()
    if typed:
        page.keyboard.type(typed)
    return field
