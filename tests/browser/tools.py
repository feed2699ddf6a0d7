"""A real browser with somebody logged in, and a checker of what it shows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.tools import path_of

# Chromium without the windows that nobody sees: they take half of its time.
CHROMIUM = "chromium-headless-shell"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]

# Playwright keeps an event loop in its thread, where Django refuses the database: it gets one of its own.
_thread = ThreadPoolExecutor(1)


@cache
def _started(path: str) -> tuple[Playwright, Browser]:
    playwright = sync_playwright().start()
    return playwright, playwright.chromium.launch(executable_path=path, args=ARGUMENTS)


def close() -> None:
    """End the browser, if one was started."""

    def end() -> None:
        if _started.cache_info().currsize:
            playwright, browser = _started(path_of(CHROMIUM, CHROMIUM))
            browser.close()
            playwright.stop()
            _started.cache_clear()

    _thread.submit(end).result()


def in_browser(base: str, use: Callable[[Page], Any], **context: Any) -> Any:
    """What `use` returns, given a page of a fresh browser profile in which Olive is logged in.

    Further arguments are those of a browser context of Playwright.
    """
    path = path_of(CHROMIUM, CHROMIUM)
    client = Client()
    client.force_login(User.objects.get(username="olive"))
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base}

    def run() -> Any:
        _, browser = _started(path)
        options = {"viewport": {"width": 1440, "height": 900}, **context}
        with browser.new_context(base_url=base, **options) as opened:
            opened.add_cookies([cookie])
            return use(opened.new_page())

    return _thread.submit(run).result()


def settle(page: Page) -> None:
    """Wait until the page has heard of all that was done to it: a caret's moves are told a frame later."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def barriers(page: Page) -> list[str]:
    """What on the page shuts somebody out, as axe finds it (WCAG 2.2 A and AA, and good practice)."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # What passes is not sent along: to write it down takes as long as to look.
    found = page.evaluate("axe.run({resultTypes: ['violations']}).then(({violations}) => violations)")
    return [
        f"{page.url}: {violation['id']} ({violation['help']}): {node['html'][:160]}"
        for violation in found
        for node in violation["nodes"]
    ]
