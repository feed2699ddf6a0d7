"""Writing a topic in a real browser: its questions, and the way to a new template and back."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from builder.models import Topic
from sms.models import SmsTemplate, UserProfile
from tests import factories
from tests.browser.tools import barriers, in_browser
from tests.browser.topics import ADD, LIST, THREE_REFERENCES, actions

pytestmark = pytest.mark.django_db(transaction=True)


class TestSampleQuestions:
    def test_are_added_moved_and_removed_by_keyboard_without_a_page_load(self, templates, live_server):
        def write(page: Page) -> Any:
            page.goto(ADD)
            page.evaluate("window.sameDocument = true")
            page.fill("#id_name", "Parking")
            page.keyboard.press("Tab")
            for line in ("Where?", "How much?", "Is it far?"):
                page.keyboard.type(line)
                page.keyboard.press("Enter")
            # The empty fourth goes again, and the third moves up.
            page.keyboard.press("Backspace")
            page.keyboard.press("Alt+ArrowUp")
            said = page.inner_text(".mc-lines [role=status]")
            names = page.locator(".mc-lines input").evaluate_all("all => all.map((one) => one.ariaLabel)")
            focused = page.evaluate("document.activeElement.value")
            assert page.evaluate("window.sameDocument")
            page.keyboard.press("Control+Enter")
            page.click("button[name=_save]:visible")
            page.wait_for_url(f"**{LIST}")
            return said, names[:2], focused

        said, names, focused = in_browser(live_server.url, write)

        assert Topic.objects.get().questions == ["Where?", "Is it far?", "How much?"]
        assert said == "Moved to place 2 of 3."
        assert names == ["Question 1", "Question 2"]
        assert focused == "Is it far?"

    def test_go_with_the_mouse_too_come_back_and_end_at_twenty(self, templates, live_server):
        topic = factories.TopicFactory(questions=["Where?", "How much?"])

        def write(page: Page) -> Any:
            page.goto(reverse("admin:builder_topic_change", args=[topic.pk]))
            page.click("[aria-label='Move down: question 1']")
            page.click("[aria-label='Remove: question 1']")
            removed = page.input_value("#id_questions")
            page.click(".mc-lines button:text('Undo')")
            back = page.input_value("#id_questions")
            page.click("text=Add a question")
            page.evaluate("navigator.clipboard.writeText('One?\\r\\nTwo?\\n\\nThree?')")
            page.keyboard.press("Control+v")
            pasted = page.input_value("#id_questions")
            for _ in range(15):
                page.click("text=Add a question")
            full = page.locator("text=Add a question").is_disabled(), page.locator(".mc-lines li").count()
            return removed, back, pasted, full

        removed, back, pasted, full = in_browser(
            live_server.url, write, permissions=["clipboard-read", "clipboard-write"]
        )

        assert removed == "Where?"
        assert back == "How much?\nWhere?"
        assert pasted == "How much?\nWhere?\nOne?\nTwo?\nThree?"
        assert full == (True, 20)


def fill_template(page: Page, name: str) -> None:
    page.fill("#id_name", name)
    page.fill("#id_description", "Use this when the caller asks for it.")
    page.fill("#id_body", "The gate opens with 1234#.")


class TestAddingATemplateOnTheWay:
    def write(self, page: Page, name: str = "Parking") -> None:
        """A topic with unsaved text in every field, and the caret in the middle of Actions."""
        page.goto(ADD)
        page.fill("#id_name", name)
        page.fill("[aria-label='Question 1']", "Where can I park? 🚗")
        page.fill("#id_content", "Behind the house.\nFor free.")
        page.uncheck("#id_is_active")
        actions(page, "🚗 Offer it.\nIf they agree, call  and go on.")
        for _ in range(len(" and go on.")):
            page.keyboard.press("ArrowLeft")

    def read(self, page: Page) -> tuple[str, ...]:
        fields = ("name", "questions", "content", "actions")
        assert not page.is_checked("#id_is_active")
        return tuple(page.input_value(f"#id_{field}") for field in fields)

    KEPT = ("Parking", "Where can I park? 🚗", "Behind the house.\nFor free.")
    BEFORE, AFTER = "🚗 Offer it.\nIf they agree, call ", " and go on."

    def leave(self, page: Page) -> None:
        page.keyboard.type("/")
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sms/smstemplate/add/**")

    def test_leads_back_with_all_text_and_the_template_at_the_caret(self, templates, live_server):
        def go(page: Page) -> Any:
            self.write(page)
            self.leave(page)
            note = page.inner_text(".mc-note")
            # A refusal on the way keeps the way.
            page.click("button[name=_save]:visible")
            fill_template(page, "gate_code")
            page.click("button[name=_save]:visible")
            page.wait_for_url("**/topic/add/**")
            back = self.read(page)
            page.keyboard.type("!")
            typed_on = page.input_value("#id_actions")
            state = page.locator(".mc-actions-paint mark").get_attribute("data-state")
            page.click("button[name=_save]:visible")
            page.wait_for_url(f"**{LIST}")
            return note, back, typed_on, state, page.locator("text=You left").count()

        note, back, typed_on, state, left = in_browser(live_server.url, go)

        assert "for the topic “Parking”" in note
        assert back == (*self.KEPT, self.BEFORE + "{{gate_code}}" + self.AFTER)
        assert typed_on == self.BEFORE + "{{gate_code}}!" + self.AFTER
        assert state == "known" and left == 0
        topic = Topic.objects.get()
        assert topic.questions == ["Where can I park? 🚗"] and topic.references == ["gate_code"]

    @pytest.mark.parametrize("way", ["cancel", "back", "stray"])
    def test_loses_nothing_when_one_turns_round(self, templates, live_server, way):
        def go(page: Page) -> tuple[str, ...]:
            self.write(page)
            self.leave(page)
            if way == "cancel":
                page.click("text=Go back without one")
            elif way == "back":
                page.go_back()
            else:
                page.click("#nav-sidebar >> text=Managed Topics")
                page.click("text=Go on with it")
            page.wait_for_url("**/topic/add/**")
            page.locator(".mc-live").wait_for()
            return self.read(page)

        assert in_browser(live_server.url, go) == (*self.KEPT, self.BEFORE + self.AFTER)

    def test_keeps_several_tabs_apart(self, templates, live_server):
        def go(page: Page) -> list[tuple[str, ...]]:
            tabs = {name: page.context.new_page() for name in ("Parking", "Gates")}
            for name, tab in tabs.items():
                self.write(tab, name)
            for tab in tabs.values():
                self.leave(tab)
            for name, tab in reversed(tabs.items()):
                fill_template(tab, name.lower())
                tab.click("button[name=_save]:visible")
                tab.wait_for_url("**/topic/add/**")
            return [self.read(tab) for tab in tabs.values()]

        assert in_browser(live_server.url, go) == [
            (name, *self.KEPT[1:], f"{self.BEFORE}{{{{{name.lower()}}}}}{self.AFTER}")
            for name in ("Parking", "Gates")
        ]

    def test_works_without_a_script_as_everything_else_does(self, templates, live_server):
        def go(page: Page) -> tuple[str, ...]:
            page.goto(ADD)
            assert page.locator("#id_questions").is_visible()
            page.fill("#id_name", "Parking")
            page.fill("#id_questions", "Where?\nHow much?")
            page.fill("#id_actions", "If they agree, call")
            page.click("text=Templates to refer to")
            assert "{{directions}}" in page.inner_text(".mc-actions-plain")
            page.click("text=+ add sms template")
            fill_template(page, "gate_code")
            page.click("button[name=_save]:visible")
            page.wait_for_url("**/topic/add/**")
            shown = page.input_value("#id_actions")
            # Enter saves, as in any form.
            page.press("#id_name", "Enter")
            page.wait_for_url(f"**{LIST}")
            page.goto(ADD)
            page.fill("#id_name", "Hours")
            page.click("text=+ add sms template")
            page.go_back()
            page.reload()
            page.click("text=Go on with it")
            return shown, page.input_value("#id_name")

        shown, name = in_browser(live_server.url, go, java_script_enabled=False)

        assert shown == "If they agree, call {{gate_code}}"
        assert name == "Hours"
        topic = Topic.objects.get()
        assert topic.questions == ["Where?", "How much?"] and topic.references == ["gate_code"]


@pytest.mark.parametrize("has_credentials", [True, False])
def test_from_an_empty_account_it_takes_four_clicks_nine_keys_and_what_is_written(
    olive, live_server, has_credentials
):
    """Without credentials two clicks more: the topic says what is missing, and is saved all the same."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    if not has_credentials:
        UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None, twilio_from="")
    counts = {"clicks": 0, "keys": 0, "letters": 0}

    def go(page: Page) -> None:
        def click(what: str) -> None:
            counts["clicks"] += 1
            page.locator(what).locator("visible=true").first.click()

        def press(key: str) -> None:
            counts["keys"] += 1
            page.keyboard.press(key)

        def write(text: str) -> None:
            counts["letters"] += len(text)
            page.keyboard.type(text)

        page.goto("/admin/")
        click("#nav-sidebar >> text=Managed Topics")
        page.wait_for_url(f"**{LIST}")
        click("a:has-text('Add a topic')")
        page.wait_for_url(f"**{ADD}")
        write("Parking")
        press("Tab")
        write("Where can I park?")
        while page.evaluate("document.activeElement.id") != "id_actions":
            press("Tab")
        write("Offer to text the way. If they agree, call /")
        press("Enter")
        press("Enter")
        page.wait_for_url("**/sms/smstemplate/add/**")
        write("directions")
        press("Tab")
        write("Use this when the caller asks for the way.")
        press("Tab")
        write("12 Mill Lane, behind the church.")
        click("button[name=_save]")
        page.wait_for_url("**/topic/add/**")
        write(".")
        click("button[name=_save]")
        if not has_credentials:
            page.wait_for_selector("text=has no Twilio credentials")
            click("text=Save with this warning")
            click("button[name=_save]")
        page.wait_for_url(f"**{LIST}")

    in_browser(live_server.url, go)

    assert Topic.objects.get().actions == "Offer to text the way. If they agree, call {{directions}}."
    assert SmsTemplate.objects.get().name == "directions"
    assert (counts["clicks"], counts["keys"]) == (4 if has_credentials else 6, 9)
    assert counts["letters"] == 153


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(templates, live_server, scheme):
    """As far as a checker sees; what it does not see is tried above."""
    topic = factories.TopicFactory(
        name="Parking", questions=["Where?"], actions=THREE_REFERENCES, owner=templates["directions"].owner
    )
    change = reverse("admin:builder_topic_change", args=[topic.pk])

    def look(page: Page) -> list[str]:
        found = []
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(LIST)
            found += barriers(page)
            page.goto(ADD)
            page.click("button[name=_save]:visible")
            found += barriers(page)
            page.goto(change)
            actions(page, " /")
            found += barriers(page)
            page.keyboard.press("Enter")
            found += barriers(page)
            page.keyboard.press("Escape")
            page.focus(".mc-ref")
            found += barriers(page)
        return found

    assert in_browser(live_server.url, look, color_scheme=scheme) == []
