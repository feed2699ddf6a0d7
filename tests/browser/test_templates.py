"""Writing a template in a real browser: variables, languages, and what callers will get."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from sms.models import SmsTemplate
from tests import factories
from tests.browser.tools import barriers, in_browser

ADD = "/admin/sms/smstemplate/add/"
LIST = "/admin/sms/smstemplate/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def olive(olive):
    olive.is_staff = olive.is_superuser = True
    olive.save()
    return olive


def shown(page: Page) -> list[str]:
    """The variables that have a card, in the order of their cards."""
    cards = page.locator("[data-variable]:visible")
    return [str(card.get_attribute("data-variable")) for card in cards.all()]


def field(page: Page, variable: str, name: str) -> Locator:
    return page.locator(f"[name=var-{variable}-{name}]")


def panel(page: Page, of: str = "body") -> Locator:
    return page.locator(f'[data-preview="{of}"]')


def start(page: Page, body: str = "") -> None:
    page.goto(ADD)
    page.fill("#id_name", "booking")
    page.keyboard.press("Tab")
    page.keyboard.type("Use this after the caller agreed to a time.")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "id_body"
    page.keyboard.type(body)


def save(page: Page) -> None:
    page.click("button[name=_save]:visible")
    page.wait_for_url(re.compile(f"{LIST}(#.*)?$"))


class TestVariables:
    def test_get_a_card_as_they_are_typed_in_the_order_of_the_text(self, olive, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            page.evaluate("window.sameDocument = true")
            page.fill("#id_name", "booking")
            page.fill("#id_description", "Use this after the caller agreed.")
            expect(page.get_by_text("None yet.")).to_be_visible()
            page.click("#id_body")
            page.keyboard.type("{{ day }} for {{ guests")
            assert shown(page) == ["day"]
            page.keyboard.type(" }}")
            assert shown(page) == ["day", "guests"]
            page.keyboard.press("Control+Home")
            page.keyboard.type("{{hour}} ")
            assert shown(page) == ["hour", "day", "guests"]
            status = page.locator("[data-variables] > [data-said]")
            expect(status).to_have_text("New below the text, to be described: hour, day, guests.")
            assert page.evaluate("window.sameDocument && document.activeElement.id") == "id_body"

        in_browser(live_server.url, write)

    def test_show_only_what_their_source_needs(self, olive, live_server):
        needs = {
            "agent": {"source", "example", "description", "max_characters", "default", "is_required"},
            "caller_number": {"source", "example", "default", "is_required"},
            "caller_name": {"source", "example", "max_characters", "default", "is_required"},
            "campaign": {"source", "example"},
            "fixed": {"source", "fixed_text"},
        }

        def write(page: Page) -> Any:
            start(page, "{{ day }}")
            found = {}
            for source in needs:
                field(page, "day", "source").select_option(source)
                visible = page.locator("[data-variable=day] :is(input, select):visible")
                found[source] = {str(each.get_attribute("name"))[8:] for each in visible.all()}
            field(page, "day", "source").select_option("agent")
            page.click("text=Pattern and links")
            assert (
                field(page, "day", "pattern").is_visible() and field(page, "day", "allows_links").is_visible()
            )
            return found

        assert in_browser(live_server.url, write) == needs

    def test_keep_what_was_typed_when_renamed_and_when_gone_for_a_while(self, olive, live_server):
        def write(page: Page) -> None:
            start(page, "{{ day }}")
            field(page, "day", "description").fill("The day of the booking")
            page.click("#id_body")
            # One letter more is another name of the same thing.
            page.keyboard.press("End")
            for _ in range(3):
                page.keyboard.press("ArrowLeft")
            page.keyboard.type("s")
            assert shown(page) == ["days"]
            assert field(page, "days", "description").input_value() == "The day of the booking"
            page.keyboard.press("Control+a")
            page.keyboard.type("Nothing here")
            assert shown(page) == []
            page.keyboard.type(" but {{ days }} and {{ guests }}")
            assert shown(page) == ["days", "guests"]
            assert field(page, "days", "description").input_value() == "The day of the booking"
            # A refusal keeps it, too, and what is gone just now.
            page.fill("#id_body", "{{ guests }}")
            page.fill("#id_name", "no good name")
            page.click("button[name=_save]:visible")
            expect(page.get_by_text("without spaces")).to_be_visible()
            assert shown(page) == ["guests"]
            page.fill("#id_name", "booking")
            page.fill("#id_body", "{{ days }} {{ guests }}")
            assert field(page, "days", "description").input_value() == "The day of the booking"
            save(page)

        in_browser(live_server.url, write)

        days, guests = SmsTemplate.objects.get().variables()
        assert (days.name, days.description) == ("days", "The day of the booking")
        assert guests.pk is None

    def test_say_at_their_field_what_is_wrong(self, olive, live_server):
        def write(page: Page) -> Any:
            start(page, "{{ day }}")
            page.click("text=Pattern and links")
            field(page, "day", "pattern").fill("(a+)+")
            page.click("button[name=_save]:visible")
            pattern = field(page, "day", "pattern")
            expect(pattern).to_be_visible()
            said = pattern.get_attribute("aria-describedby") or ""
            assert pattern.get_attribute("aria-invalid") == "true"
            return [page.locator(f"[id='{each}']").inner_text() for each in said.split()]

        assert "could take too long" in " ".join(in_browser(live_server.url, write))


class TestLanguages:
    def test_are_added_and_removed_without_a_page_load(self, olive, live_server):
        def write(page: Page) -> None:
            start(page, "Booked for {{ day }}.")
            page.evaluate("window.sameDocument = true")
            expect(page.get_by_text("Every caller gets the text above")).to_be_visible()
            page.click("button:text('Add a language')")
            page.keyboard.type("Spanish")
            spanish, french = "translations-1-body", "translations-2-body"
            page.fill(f"[name={spanish}]", "Reservado para {{ day }}, {{ hora }}.")
            expect(page.locator("[data-languages]")).to_contain_text(
                "In calls in Spanish (es), of any country"
            )
            expect(panel(page, spanish)).to_contain_text("Reservado para day, hora.")
            assert shown(page) == ["day", "hora"]
            page.click("button:text('Add a language')")
            page.keyboard.type("fr")
            page.fill(f"[name={french}]", "Le {{ jour }}")
            page.locator("[data-translation]").nth(1).get_by_text("Remove this text").click()
            assert page.locator(f"[name={french}]").is_hidden()
            assert shown(page) == ["day", "hora"]
            expect(page.locator("[data-languages]")).not_to_contain_text("French")
            assert page.evaluate("window.sameDocument")
            save(page)

        in_browser(live_server.url, write)

        assert SmsTemplate.objects.get().bodies() == {
            "en": "Booked for {{ day }}.",
            "es": "Reservado para {{ day }}, {{ hora }}.",
        }


class TestThePreview:
    def test_follows_the_text_and_its_examples(self, olive, live_server):
        def write(page: Page) -> None:
            start(page, "Booked for {{ day }}.")
            bubble = panel(page).locator(".mc-bubble")
            expect(bubble).to_have_text("Booked for day.")
            field(page, "day", "description").fill("The day, such as Friday 3 May")
            expect(bubble).to_have_text("Booked for Friday 3 May.")
            expect(field(page, "day", "example")).to_have_attribute("placeholder", "Friday 3 May")
            field(page, "day", "example").fill("Montag")
            expect(bubble).to_have_text("Booked for Montag.")
            expect(panel(page)).to_contain_text("Usually 1 segment; up to 2 if the agent writes emoji")
            field(page, "day", "max_characters").fill("20")
            expect(panel(page)).to_contain_text("Usually 1 segment, whatever is filled in; the most is 3.")
            page.fill("#id_max_segments", "1")
            expect(panel(page)).to_contain_text("the most is 1.")
            expect(page.locator("[data-preview-said]")).to_contain_text(
                "1 segment (GSM-7). Usually 1 segment"
            )

        in_browser(live_server.url, write)

    def test_points_at_characters_and_replaces_them_by_one_click_which_can_be_undone(
        self, olive, live_server
    ):
        typed = "😀 It’s “ok” – it’s naïve"

        def write(page: Page) -> None:
            start(page)
            page.keyboard.insert_text(typed)
            odd = panel(page).locator("li")
            expect(odd.first).to_contain_text("grinning face; nothing reads the same")
            quotation = odd.filter(has_text="curly apostrophe, 2 times")
            selected = "(() => { const f = document.activeElement;" + (
                "return [f.id, f.value.slice(f.selectionStart, f.selectionEnd), f.selectionStart]; })()"
            )
            for place in (5, 17, 5):
                quotation.get_by_role("button", name="Show").click()
                assert page.evaluate(selected) == ["id_body", "’", place]
            quotation.get_by_role("button", name="Replace with '").click()
            assert page.input_value("#id_body") == typed.replace("’", "'")
            expect(quotation).to_have_count(0)
            panel(page).get_by_role("button", name="Replace all 3").click()
            assert page.input_value("#id_body") == "😀 It's \"ok\" - it's naïve"
            page.keyboard.press("Control+z")
            assert page.input_value("#id_body") == typed.replace("’", "'")
            page.keyboard.press("Control+z")
            assert page.input_value("#id_body") == typed
            # The spelling is changed only by the button that says so.
            panel(page).get_by_role("button", name="Replace with i").click()
            assert page.input_value("#id_body").endswith("naive")

        in_browser(live_server.url, write)

    def test_says_so_when_the_server_does_not_answer(self, olive, live_server):
        def write(page: Page) -> None:
            page.goto(ADD)
            page.route("**/preview/", lambda route: route.abort())
            page.fill("#id_body", "Hello")
            expect(page.get_by_text("It could not be counted just now")).to_be_visible()
            page.unroute("**/preview/")
            page.fill("#id_body", "Hello you")
            expect(panel(page)).to_contain_text("9 characters")
            expect(page.get_by_text("It could not be counted just now")).to_be_hidden()

        in_browser(live_server.url, write)


def test_all_of_it_works_without_a_script(olive, live_server):
    def write(page: Page) -> None:
        page.goto(ADD)
        page.fill("#id_name", "booking")
        page.fill("#id_description", "Use this after the caller agreed.")
        page.fill("#id_body", "Your table — {{ day }}.")
        page.click("summary:text('Add a language')")
        page.fill("[name=translations-0-language]", "es")
        page.fill("[name=translations-0-body]", "Su mesa, {{ day }}.")
        page.click("button[name=_save]:visible")
        # Saved; the card of what is new is here.
        assert shown(page) == ["day"]
        expect(panel(page)).to_contain_text("Your table — day.")
        expect(panel(page)).to_contain_text("long dash")
        expect(panel(page).get_by_role("button")).to_have_count(0)
        field(page, "day", "source").select_option("fixed")
        assert not field(page, "day", "description").is_visible()
        field(page, "day", "fixed_text").fill("Friday")
        page.locator("[data-translation]").first.get_by_text("Remove this text").click()
        save(page)

    in_browser(live_server.url, write, java_script_enabled=False)

    template = SmsTemplate.objects.get()
    assert template.bodies() == {"en": "Your table — {{ day }}."}
    assert template.variables()[0].fixed_text == "Friday"


def test_with_two_variables_it_takes_three_clicks_eleven_keys_and_what_is_written(olive, live_server):
    counts = {"clicks": 0, "keys": 0}

    def go(page: Page) -> None:
        def press(key: str, until: str = "") -> None:
            for _ in range(40):
                counts["keys"] += 1
                page.keyboard.press(key)
                if not until or page.evaluate("document.activeElement.name") == until:
                    return

        def click(what: str) -> None:
            counts["clicks"] += 1
            page.locator(what).locator("visible=true").first.click()

        page.goto("/admin/")
        click(f"#nav-sidebar a[href='{LIST}']")
        click(f"a[href='{ADD}']")
        page.wait_for_url(f"**{ADD}")
        page.wait_for_load_state()
        expect(page.locator("#id_name")).to_be_focused()
        page.keyboard.type("booking")
        press("Tab")
        page.keyboard.type("Use this after the caller agreed to a time.")
        press("Tab")
        page.keyboard.type("Your table for {{ guests }} is booked for {{ day }}.")
        press("Tab", "var-guests-description")
        page.keyboard.type("How many, such as four")
        press("Tab", "var-day-description")
        page.keyboard.type("The day, such as Friday 3 May")
        expect(panel(page)).to_contain_text("Your table for four is booked for Friday 3 May.")
        click("button[name=_save]")
        page.wait_for_url(f"**{LIST}")

    in_browser(live_server.url, go)

    assert [each.description for each in SmsTemplate.objects.get().variables()] == [
        "How many, such as four",
        "The day, such as Friday 3 May",
    ]
    assert counts == {"clicks": 3, "keys": 11}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(olive, live_server, scheme):
    template = factories.TemplateFactory(
        name="booking", owner=olive, body="It’s “ok” on {{ day }} for {{ guests }} 😀"
    )
    factories.TranslationFactory(template=template)
    factories.VariableFactory(template=template, name="guests", source="fixed", fixed_text="two…")
    change = reverse("admin:sms_smstemplate_change", args=[template.pk])

    def look(page: Page) -> list[str]:
        found = []
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(ADD)
            found += barriers(page)
            page.goto(change)
            page.click("text=Pattern and links >> visible=true")
            page.click("button:text('Add a language')")
            found += barriers(page)
            field(page, "day", "pattern").fill("(")
            page.click("button[name=_save]:visible")
            found += barriers(page)
            assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        return found

    assert in_browser(live_server.url, look, color_scheme=scheme) == []
