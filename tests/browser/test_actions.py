"""The Actions field in a real browser, by every hand and eye: keyboard, mouse, finger, ear."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from sms.models import SmsTemplate
from tests import factories
from tests.browser.tools import in_browser, settle
from tests.browser.topics import ADD, DIRECTIONS, THREE_REFERENCES, actions

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
# Least size of what a finger is to hit (WCAG 2.5.5), in CSS pixels.
FINGER = 44

pytestmark = pytest.mark.django_db(transaction=True)


def offered(page: Page) -> list[str]:
    """The options of the open menu, each by its first line."""
    settle(page)
    lines = page.locator("[role=option] strong, .mc-menu-add")
    return [line for line in lines.all_inner_texts() if page.locator(".mc-menu").is_visible()]


def chosen(page: Page) -> str:
    """The option that a screen reader is told of."""
    option = page.get_attribute("#id_actions", "aria-activedescendant")
    if option is None:
        return ""
    assert page.get_attribute(f"#{option}", "aria-selected") == "true"
    return page.locator(f"#{option} >> css=strong, .mc-menu-add").inner_text()


def middle(page: Page, chip: str) -> tuple[float, float]:
    box = page.locator(f".mc-actions-paint mark:has-text('{chip}')").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def caret_line(page: Page) -> float:
    """Where the line of the first reference or slash ends, in the window."""
    return float(page.evaluate("document.querySelector('#id_actions').getBoundingClientRect().top")) + 34


LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}


class TestTheMenu:
    @pytest.mark.parametrize("look", LOOKS)
    def test_opens_at_the_caret_on_a_slash_and_inserts_by_keyboard(self, templates, live_server, look):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "If they agree, call /")
            assert offered(page) == ["SMS"] and chosen(page) == "SMS"
            menu, line = page.locator(".mc-menu").bounding_box(), caret_line(page)
            assert menu
            assert abs(menu["y"] - line) < 14 or abs(menu["y"] + menu["height"] - line + 26) < 14
            assert menu["x"] >= 0 and menu["x"] + menu["width"] <= page.viewport_size["width"]
            page.keyboard.press("Enter")
            assert offered(page) == ["directions", "opening_hours", "+ add sms template"]
            assert page.locator(".mc-menu [role=group]").get_attribute("aria-label") == "SMS"
            hint = page.inner_text("[role=option] small >> nth=0")
            assert hint.startswith("Olive & Thyme, 12 Mill Lane. You") and hint.endswith("…")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowDown")
            assert chosen(page) == "+ add sms template"
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowUp")
            page.keyboard.press("ArrowUp")
            assert chosen(page) == "opening_hours"
            page.keyboard.press("Enter")
            assert field.input_value() == "If they agree, call {{opening_hours}}"
            assert offered(page) == []
            page.keyboard.type(".")
            assert field.input_value().endswith("{{opening_hours}}.")

        in_browser(live_server.url, write, **LOOKS[look])

    def test_narrows_to_what_is_typed_by_name_and_by_text(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "Call /dir")
            assert offered(page) == ["directions", "+ add sms template"] and chosen(page) == "directions"
            page.keyboard.press("Tab")
            assert field.input_value() == "Call {{directions}}"
            # After SMS is chosen, by what stands in the text.
            page.keyboard.type(" or /")
            page.keyboard.press("Enter")
            page.keyboard.type("noon")
            assert offered(page) == ["opening_hours", "+ add sms template"]
            page.keyboard.press("Enter")
            assert field.input_value() == "Call {{directions}} or {{opening_hours}}"
            # Back over what was typed, one step at a time.
            page.keyboard.type(" /")
            page.keyboard.press("Enter")
            page.keyboard.type("x")
            assert offered(page) == ["+ add sms template"] and chosen(page) == ""
            page.keyboard.press("Backspace")
            assert len(offered(page)) == 3
            page.keyboard.press("Backspace")
            assert offered(page) == []

        in_browser(live_server.url, write)

    def test_leaves_whoever_does_not_want_it_in_peace(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "yes and/or no, 24/7; ")
            assert offered(page) == []
            page.keyboard.type("/")
            page.keyboard.press("Escape")
            page.keyboard.type("sms")
            assert offered(page) == []
            page.keyboard.type(" /nothing of ours")
            assert offered(page) == []
            # Where nothing fits, Enter begins a line and leaves no page.
            page.keyboard.type(" /nowhere")
            page.keyboard.press("Enter")
            page.keyboard.type("/")
            page.keyboard.press("ArrowLeft")
            assert offered(page) == []
            assert field.input_value() == "yes and/or no, 24/7; /sms /nothing of ours /nowhere\n/"

        in_browser(live_server.url, write)

    def test_opens_by_right_click_and_by_the_plus_too(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "Call and hang up.")
            box = page.evaluate(
                "() => { const t = document.querySelector('.mc-actions-paint').firstChild;"
                "const r = document.createRange(); r.setStart(t, 4); r.setEnd(t, 5);"
                "const b = r.getBoundingClientRect(); return [b.left, b.top + 8]; }"
            )
            page.mouse.click(*box, button="right")
            assert offered(page) == ["SMS"]
            page.click("[role=option]:has-text('SMS')")
            page.click("[role=option]:has-text('directions')")
            assert field.input_value() == "Call {{directions}} and hang up."
            # Shift is for the browser's own menu.
            page.evaluate(
                "document.querySelector('#id_actions').addEventListener('contextmenu',"
                "(event) => { window.isOurs = event.defaultPrevented; })"
            )
            page.keyboard.down("Shift")
            page.mouse.click(*box, button="right")
            page.keyboard.up("Shift")
            assert page.evaluate("window.isOurs") is False and offered(page) == []
            page.keyboard.press("Escape")

            page.keyboard.press("Control+End")
            plus = page.get_by_role("button", name="Insert an SMS template")
            field_box, plus_box = field.bounding_box(), plus.bounding_box()
            assert field_box and plus_box
            right = plus_box["x"] + plus_box["width"]
            assert 0 <= field_box["x"] + field_box["width"] - right < 10
            plus.click()
            assert offered(page) == ["SMS"] and plus.get_attribute("aria-expanded") == "true"
            page.keyboard.press("Escape")
            # And by keyboard alone.
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
            page.keyboard.type("open")
            page.keyboard.press("Enter")
            assert field.input_value() == "Call {{directions}} and hang up. {{opening_hours}}"

        in_browser(live_server.url, write)

    def test_draws_a_hundred_of_a_thousand_templates_and_says_how_many_it_leaves_out(
        self, templates, live_server
    ):
        owner = templates["directions"].owner
        SmsTemplate.objects.bulk_create(
            SmsTemplate(name=f"text_{number:04}", body="B" * 300, owner=owner) for number in range(1000)
        )

        def write(page: Page) -> Any:
            page.goto(ADD)
            actions(page, "/")
            page.keyboard.press("Enter")
            note = page.inner_text(".mc-menu-note")
            drawn = page.locator("[role=option]").count()
            page.keyboard.type("text_0777")
            return note, drawn, offered(page)

        note, drawn, found = in_browser(live_server.url, write)

        assert note == "902 more: type part of a name."
        # And one that adds a template.
        assert drawn == 101
        assert found == ["text_0777", "+ add sms template"]


class TestAChip:
    def test_shows_its_template_on_hover_and_leads_to_it(self, templates, live_server):
        topic = factories.TopicFactory(actions=THREE_REFERENCES)

        def look(page: Page) -> None:
            page.goto(reverse("admin:builder_topic_change", args=[topic.pk]))
            card = page.locator(".mc-actions-card")
            page.mouse.move(*middle(page, "directions"))
            assert DIRECTIONS in card.inner_text()
            # The pointer may go there.
            page.hover(".mc-actions-card >> text=Open the template")
            page.wait_for_timeout(300)
            with page.expect_popup() as popup:
                page.click(".mc-actions-card >> text=Open the template")
            assert popup.value.url.endswith(templates["directions"].pk.__str__() + "/change/")
            popup.value.close()
            page.mouse.move(*middle(page, "summer_menu"))
            assert "switched off" in card.inner_text()
            page.mouse.move(*middle(page, "nothing"))
            assert "no such template" in card.inner_text()
            page.mouse.move(10, 10)
            card.wait_for(state="hidden")

        in_browser(live_server.url, look)

    def test_shows_it_to_the_keyboard_and_to_a_screen_reader(self, templates, live_server):
        topic = factories.TopicFactory(actions=THREE_REFERENCES)

        def look(page: Page) -> None:
            page.goto(reverse("admin:builder_topic_change", args=[topic.pk]))
            actions(page)
            page.keyboard.press("Control+Home")
            card = page.locator(".mc-actions-card")
            for _ in range(7):
                page.keyboard.press("ArrowRight")
            settle(page)
            assert DIRECTIONS in card.inner_text()
            assert page.inner_text(".mc-actions > [role=status]").startswith("directions: Olive & Thyme")
            page.keyboard.press("Escape")
            settle(page)
            assert card.is_hidden()
            # Below the field each is a link, or says why it is none.
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            assert DIRECTIONS in card.inner_text()
            focused = "document.activeElement"
            assert page.evaluate(f"{focused}.href").endswith(f"/{templates['directions'].pk}/change/")
            described = page.evaluate(f"{focused}.getAttribute('aria-describedby')")
            assert DIRECTIONS in page.inner_text(f"#{described}")
            page.keyboard.press("Tab")
            assert page.evaluate(f"{focused}.textContent") == "summer_menu · switched off"
            page.keyboard.press("Tab")
            assert page.evaluate(f"{focused}.textContent") == "nothing · no such template"

        in_browser(live_server.url, look)

    def test_goes_as_a_whole_and_is_undone_and_redone(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "Call ")
            page.keyboard.type("/dir")
            page.keyboard.press("Enter")
            done = "Call {{directions}}"
            assert field.input_value() == done
            page.keyboard.press("Control+z")
            assert field.input_value() == "Call /dir"
            page.keyboard.press("Control+y")
            assert field.input_value() == done
            page.keyboard.press("Backspace")
            assert field.input_value() == "Call "
            assert page.locator(".mc-actions-paint mark").count() == 0
            page.keyboard.press("Control+z")
            assert field.input_value() == done
            assert page.locator(".mc-actions-paint mark").inner_text() == "{{directions}}"
            page.keyboard.press("Control+Shift+z")
            assert field.input_value() == "Call "
            page.keyboard.press("Control+z")
            page.keyboard.press("Control+Home")
            for _ in range(5):
                page.keyboard.press("ArrowRight")
            page.keyboard.press("Delete")
            assert field.input_value() == "Call "
            # What other scripts change is undone as well, and they hear of it.
            page.evaluate(
                "() => { const field = document.querySelector('#id_actions');"
                "field.addEventListener('input', () => { window.heard = field.value; });"
                "field.dispatchEvent(new CustomEvent('mc-replace',"
                "{ detail: { text: 'Ask first. ', from: 0, to: 0 } })); }"
            )
            assert page.evaluate("window.heard") == field.input_value() == "Ask first. Call "
            page.keyboard.press("Control+z")
            assert field.input_value() == "Call "
            assert page.locator(".mc-actions [data-lint]").count() == 1

        in_browser(live_server.url, write)

    def test_comes_of_pasted_text_and_nothing_but_text_is_pasted(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page)
            page.evaluate(
                "navigator.clipboard.write([new ClipboardItem({"
                "'text/html': new Blob(['<b onclick=x>Call</b> <img src=x>'], { type: 'text/html' }),"
                "'text/plain': new Blob(['Call {{ directions }} /sms'], { type: 'text/plain' }) })])"
            )
            page.keyboard.press("Control+v")
            assert field.input_value() == "Call {{ directions }} /sms"
            assert page.locator(".mc-actions-paint mark").get_attribute("data-state") == "known"
            assert page.locator(".mc-actions img, .mc-actions b").count() == 0
            assert offered(page) == []
            # Nothing that is typed is markup anywhere.
            field.fill("<img src=x onerror=alert(1)> {{directions}} </textarea> {{a&lt;b}}")
            assert page.locator(".mc-actions img").count() == 0

        in_browser(live_server.url, write, permissions=["clipboard-read", "clipboard-write"])

    def test_and_no_menu_come_in_the_way_of_an_input_method(self, templates, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            field = actions(page, "Call {{directions}}")
            method = page.context.new_cdp_session(page)

            def compose(text: str) -> None:
                at = {"selectionStart": len(text), "selectionEnd": len(text)}
                method.send("Input.imeSetComposition", {"text": text, **at})

            compose("/")
            assert offered(page) == []
            compose("に")
            compose("日本")
            assert field.input_value() == "Call {{directions}}日本"
            assert page.locator(".mc-actions-paint mark").inner_text() == "{{directions}}"
            method.send("Input.insertText", {"text": "日本"})
            assert field.input_value() == "Call {{directions}}日本"
            # An open menu leaves the keys to the method.
            page.keyboard.type(" /")
            assert offered(page) == ["SMS"]
            compose("あ")
            assert offered(page) == []
            method.send("Input.insertText", {"text": "あ"})
            assert field.input_value() == "Call {{directions}}日本 /あ"

        in_browser(live_server.url, write)


def test_a_finger_finds_everything_on_a_phone(templates, live_server):
    topic = factories.TopicFactory(actions="Call {{directions}} or ", questions=["Where?", "When?"])

    def use(page: Page) -> None:
        page.goto(reverse("admin:builder_topic_change", args=[topic.pk]))
        field = page.locator("#id_actions")
        field.tap()
        page.keyboard.press("Control+End")
        page.get_by_role("button", name="Insert an SMS template").tap()
        for what in ("SMS", "opening_hours"):
            menu = page.locator(".mc-menu").bounding_box()
            assert menu and menu["x"] >= 0 and menu["x"] + menu["width"] <= 390
            page.locator(f"[role=option]:has-text('{what}')").tap()
        assert field.input_value() == "Call {{directions}} or {{opening_hours}}"
        page.get_by_role("button", name="Insert an SMS template").tap()
        page.locator("[role=option]").tap()
        targets = "[role=option], .mc-actions-plus, .mc-lines-button, .mc-lines .mc-button, .mc-ref"
        for box in page.locator(targets).evaluate_all(
            "all => all.map((one) => [one.textContent, one.offsetWidth, one.offsetHeight])"
        ):
            assert box[1] >= FINGER and box[2] >= FINGER, box
        page.keyboard.press("Escape")
        page.touchscreen.tap(*middle(page, "directions"))
        page.locator(".mc-actions-card >> text=Open the template").wait_for()
        # A finger held down is for the browser's own menu: to paste.
        kept = page.evaluate(
            "document.querySelector('#id_actions').dispatchEvent("
            "new PointerEvent('contextmenu', { pointerType: 'touch', cancelable: true }))"
        )
        assert kept is True
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")

    in_browser(live_server.url, use, **PHONE)
