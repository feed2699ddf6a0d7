"""The examples on each connection's page, run as they stand: by a real shell and Python, against real
processes, to a text that is delivered. What is put in is what a person would: their own number."""

from __future__ import annotations

import html
import http.cookiejar
import itertools
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from campaigns.models import Connection
from tests.processes import eventually

# Kept for fiction (North American Numbering Plan): a hundred numbers, of which each is texted once.
FICTION = "+141555501"
SUFFIX = itertools.count()
BLOCK = re.compile(r'<pre class="mc-code"[^>]* data-language="(\w+)" data-runs>(.*?)</pre>', re.DOTALL)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Browser:
    """Somebody who is logged in, and does with pages what a browser does."""

    def __init__(self, line) -> None:
        self.line = line
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        self.post("/admin/login/", username="ops", password="ops")

    def get(self, path: str) -> str:
        return self._opener.open(self.line.url + path, timeout=30).read().decode()

    def post(self, path: str, **fields: str) -> str:
        token = TOKEN.search(self.get(path))
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        asked = urllib.request.Request(self.line.url + path, data, {"Referer": self.line.url + path})
        return self._opener.open(asked, timeout=30).read().decode()


@pytest.fixture(scope="module")
def browser(line):
    return Browser(line)


def run(language: str, code: str) -> str:
    """What the command line prints."""
    command = ["bash", "-c"] if language == "shell" else [sys.executable, "-c"]
    environment = {**os.environ, "no_proxy": "*", "NO_PROXY": "*"}
    done = subprocess.run([*command, code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("runtime", Connection.Runtime.values)
def test_each_example_sends_a_text(line, browser, runtime):
    [(campaign,)] = line.rows("SELECT id FROM campaigns_campaign")

    page = browser.post(f"/admin/campaigns/campaign/{campaign}/integrations/connect/", runtime=runtime)

    found = [(language, html.unescape(code)) for language, code in BLOCK.findall(page)]
    assert {language for language, _ in found} == {"shell", "python"}
    numbers = [f"{FICTION}{next(SUFFIX):02}" for _ in found]
    for number, (language, code) in zip(numbers, found, strict=True):
        code = code.replace("+YOUR_OWN_NUMBER", number).replace("%2BYOUR_OWN_NUMBER", f"%2B{number[1:]}")
        [(before,)] = line.rows("SELECT count(*) FROM sms_message")
        assert "on its way" in run(language, code)
        assert line.rows("SELECT count(*) FROM sms_message") == [(before + 1,)]
    states = "SELECT count(*) FROM sms_message WHERE state <> 'delivered' AND recipient = ANY(%s)"
    eventually(lambda: line.rows(states, numbers) == [(0,)])
    assert "The call has arrived" in browser.get(_arrival(line, campaign, runtime))


def _arrival(line, campaign: int, runtime: str) -> str:
    [(pk,)] = line.rows("SELECT max(id) FROM campaigns_connection WHERE runtime = %s", runtime)
    return f"/admin/campaigns/campaign/{campaign}/integrations/{pk}/arrival/"
