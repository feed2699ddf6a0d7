"""Import and export in a real browser: by keyboard, without JavaScript, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from builder.exchange import read
from builder.exchange.importing import carry_out
from builder.models import Topic
from tests import factories
from tests.browser.tools import barriers, in_browser
from tests.builder.exchange import FILE, Nowhere

LIST = "/admin/builder/topic/"
LISTS = (LIST, "/admin/sms/smstemplate/", "/admin/builder/smsaction/")
IMPORT = f"{LIST}import/"
EXPORT = f"{LIST}export/"
CHECK = f"{LIST}import/check/"
WIDTHS = {1440: 900, 390: 844}
# Two changes, something new with a warning, and a column that is not read.
SHEET = (
    "Topic,Sample Questions,Content,Actions,Updated\n"
    'Finding us,"Where are you?\nHow do I get there?","Five minutes on foot from the station.","Offer to '
    'text the caller the directions. If they agree, call {{directions}}.",today\n'
    'Parking,Where can I park?,"Behind the house, free of charge. ' + "The gate opens by itself. " * 20 + '",'
    '"Call {{directions}}.",today\n'
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def build(olive):
    """Olive, a superuser, with what the file has."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    carry_out(read(FILE.encode()), olive, Nowhere(), lambda plan: True)
    factories.TopicFactory(name="Opening hours", owner=olive, content="Noon to ten.")


def given(page: Page, text: str) -> None:
    page.goto(IMPORT)
    page.fill("#id_text", text)
    page.click("text=Look at it")
    page.wait_for_selector("a:has-text('Choose another file'), [role=alert]")


def test_a_sheet_goes_out_is_edited_and_comes_in_again(build, live_server, tmp_path):
    def work(page: Page) -> Any:
        page.goto(LIST)
        page.click("text=Export")
        with page.expect_download() as started:
            page.click("a:has-text('topics.csv')")
        file = Path(tmp_path / started.value.suggested_filename)
        started.value.save_as(file)
        file.write_text(file.read_text().replace("Noon to ten.", "Noon to eleven."))
        page.click("text=Back to the list")
        page.click("text=Import…")
        page.set_input_files("#id_file", file)
        page.click("text=Look at it")
        page.wait_for_selector("del")
        seen = page.locator("del").all_inner_texts(), page.locator("ins").all_inner_texts()
        summary = page.locator("section").first.inner_text()
        page.click("button:text-is('Import')")
        page.wait_for_url(f"**{LIST}")
        return seen, summary, page.locator("#main [role=status]").inner_text()

    seen, summary, said = in_browser(live_server.url, work)

    assert seen == ([" ten"], [" eleven"])
    assert "1 changed" in summary and "1 unchanged" in summary
    assert "Imported: 0 added, 1 changed, 1 as they were." in said
    assert Topic.objects.get(name="Opening hours").content == "Noon to eleven."


@pytest.mark.parametrize("scripts", [True, False])
def test_by_keyboard_alone_with_and_without_scripts(build, live_server, scripts):
    def work(page: Page) -> Any:
        page.goto(IMPORT)
        page.focus("#id_file")
        page.keyboard.press("Tab")
        page.keyboard.insert_text(SHEET)
        for _ in range(2):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{CHECK}")
        page.focus("[name=accept]")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{LIST}")

    in_browser(live_server.url, work, java_script_enabled=scripts)

    assert Topic.objects.get(name="Finding us").questions == ["Where are you?", "How do I get there?"]
    assert Topic.objects.filter(name="Parking").exists()


def test_errors_stand_above_with_their_lines_and_are_mended_on_the_page(build, live_server):
    def work(page: Page) -> Any:
        given(page, SHEET.replace("Call {{directions}}", "Call {{direction}}"))
        said = page.locator("section[aria-labelledby=errors]").inner_text()
        offered = page.locator("button:text-is('Import')").count()
        page.click("text=Change the text")
        page.fill("#id_text", page.input_value("#id_text").replace("{{direction}}", "{{directions}}"))
        page.click("text=Look at it")
        return said, offered, page.locator("section[aria-labelledby=errors]").count()

    said, offered, left = in_browser(live_server.url, work)

    assert "line 4" in said and "There is no SMS template called “direction”" in said
    assert (offered, left) == (0, 0)


def test_all_pages_fit_a_desk_and_a_phone_and_shut_nobody_out(build, live_server):
    long_words = SHEET.replace("Parking", "P" * 100).replace("The gate", "G" * 300)

    def walk(page: Page) -> list[str]:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("response", lambda got: got.status >= 400 and complaints.append(f"{got.url} {got.status}"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for text in (
                "",
                long_words,
                SHEET + "Bad,x,y,Call {{nothing}},z\n",
                "midcall: 1\ntopics: [{name: }]\n",
            ):
                for address in (CHECK,) if text else (*LISTS, IMPORT, EXPORT):
                    if text:
                        given(page, text)
                    else:
                        page.goto(address)
                    for details in page.locator("#content details").all():
                        details.evaluate("(one) => (one.open = true)")
                    for width, height in WIDTHS.items():
                        page.set_viewport_size({"width": width, "height": height})
                        excess = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                        if excess > 0:
                            complaints.append(f"{page.url} is {excess} px too wide at {width}")
                        complaints += barriers(page)
        return complaints

    assert in_browser(live_server.url, walk) == []


def test_a_page_of_many_entries_fits_a_phone_and_shuts_nobody_out(build, live_server):
    text = "midcall: 1\nsms_actions:\n- {name: sly, description: d, recipient: anyone}\ntopics:\n" + "".join(
        f"- {{name: About the house {number:03}, content: New}}\n" for number in range(230)
    )

    def walk(page: Page) -> Any:
        complaints: list[str] = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            given(page, text)
            page.locator("summary:has-text('by name')").click()
            for width, height in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                excess = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                complaints += [f"{excess} px too wide at {width}"] * (excess > 0)
                complaints += barriers(page)
        warned = page.locator("section[aria-labelledby=warnings]").inner_text()
        page.click("a:text-is('About the house 150')")
        page.wait_for_url("**/?page=2#entry151")
        return complaints, warned, page.locator("#entry151").inner_text()

    complaints, warned, entry = in_browser(live_server.url, walk)

    assert complaints == []
    assert "the agent will text whatever number it is told" in warned
    assert "About the house 150" in entry
