"""What is tried of every runtime, in the vendor's own environment: only the standard library is here.

A script is run as `python -m tests.vendors.scripts.NAME`. It reads a Site as JSON from its standard input,
and writes a line of JSON: for each column an error, or a note on what was seen. What reached the
carrier, and what stands in the database, is judged by whoever runs it.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

COLUMNS = ("list", "fire", "refuse", "wrong signature", "replay", "twice", "several in one")
AGREED, DECLINED = "Yes, please text me.", "no"
TOO_OLD_SECONDS = 600
TIMEOUT_SECONDS = 20


class Site(NamedTuple):
    """Where the script's connection is, and with what it opens; `callers` has one number for each column."""

    row: str
    address: str
    secret: str
    signing_key: str
    tools: list[str]
    callers: dict[str, str]


class Asked(NamedTuple):
    """One call of the tool `confirmation`, as a model makes it in a phone call."""

    call: str
    caller: str
    guests: str
    id: str = "tool-call-1"
    consent: str = AGREED

    @property
    def arguments(self) -> dict[str, str]:
        return {"guests": self.guests, "consent": self.consent}


class Heard(NamedTuple):
    """What the agent is given for one tool call, and with which status of HTTP it came."""

    status: int
    say: str
    worked: bool
    code: str = ""


class Runtime(ABC):
    """A vendor's runtime, built of its own library."""

    # Whether it is answered with 200 whatever happens.
    always_ok: ClassVar[bool] = False
    # Whether it proves itself by a signature, which has a time.
    signs: ClassVar[bool] = False
    # Whether a request that is made again can be told from the model asking again.
    knows_replays: ClassVar[bool] = True
    # Whether its signature leaves out which call it is for.
    signs_no_call: ClassVar[bool] = False
    # Why there is never more than one tool call in a request, if there is not.
    one_a_request: ClassVar[str] = ""

    def __init__(self, site: Site) -> None:
        self.site = site

    @abstractmethod
    def listed(self) -> list[str]:
        """The names of the tools, once the library has taken them for what it wants."""

    @abstractmethod
    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        """What comes of tool calls that are made in one request, sent at a time and proven with these."""

    def url(self, path: str) -> str:
        return f"{self.site.address}/{path}"

    def definitions(self, shape: str) -> list[dict[str, Any]]:
        """The tools as Midcall hands them out."""
        status, answer = self.http(self.url(f"tools?format={shape}"), None, self.bearer(self.site.secret))
        assert status == 200, answer
        found: list[dict[str, Any]] = json.loads(answer)["tools"]
        return found

    def bearer(self, secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    def post(self, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        """What a JSON body is answered with."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self.http(self.url(path), data, {"Content-Type": "application/json", **headers})
        return status, json.loads(answer)

    def http(self, url: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """A request, and its answer whatever its status is."""
        request = urllib.request.Request(url, body, headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def heard(status: int, answer: dict[str, Any]) -> Heard:
    """An answer as the HTTP door has it, and most webhooks."""
    worked = status == 200 and answer.get("status") in ("accepted", "done")
    return Heard(status, answer["say"], worked, answer.get("code") or answer.get("error", ""))


class Trial:
    """The columns of the table, one method each."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def asked(self, column: str, **fields: Any) -> Asked:
        site, name = self.runtime.site, f"{self.runtime.site.row}-{column.replace(' ', '-')}"
        caller = site.callers[column]
        return Asked(**{"call": f"{name}-{caller}", "caller": caller, "guests": name, **fields})

    def fired(self, *asked: Asked, at: float = 0, key: str = "", secret: str = "") -> list[Heard]:
        site = self.runtime.site
        answers = self.runtime.fire(
            *asked, at=at or time.time(), key=key or site.signing_key, secret=secret or site.secret
        )
        assert len(answers) == len(asked), answers
        return answers

    def list(self) -> str:
        names = self.runtime.listed()
        assert sorted(names) == sorted(self.runtime.site.tools), names
        return f"{len(names)} tools"

    def fire(self) -> str:
        [answer] = self.fired(self.asked("fire"))
        assert answer.worked and answer.status == 200 and "on its way" in answer.say, answer
        return answer.say

    def refuse(self) -> str:
        [answer] = self.fired(self.asked("refuse", consent=DECLINED))
        assert not answer.code or answer.code == "consent_required", answer
        assert not answer.worked and answer.status == 200 and "?" in answer.say, answer
        return answer.say

    def wrong_signature(self) -> str:
        wrong = {"key": "not-" + self.runtime.site.signing_key} if self.runtime.signs else {"secret": "wrong"}
        answers = self.fired(self.asked("wrong signature"), **wrong)
        if self.runtime.signs:
            answers += self.fired(self.asked("wrong signature"), at=time.time() - TOO_OLD_SECONDS)
        expected = 200 if self.runtime.always_ok else 401
        assert all(not answer.worked and answer.status == expected for answer in answers), answers
        return f"HTTP {expected}"

    def replay(self) -> str:
        at, asked = time.time(), self.asked("replay")
        [first], [again] = self.fired(asked, at=at), self.fired(asked, at=at)
        assert first.worked and again.worked, (first, again)
        if self.runtime.knows_replays:
            assert again == first, (first, again)
        else:
            assert "already" in again.say, again
        if self.runtime.signs_no_call:
            [stolen] = self.fired(asked._replace(call=f"{asked.call}-another"), at=at)
            assert not stolen.worked and stolen.code == "replayed", stolen
        return again.say

    def twice(self) -> str:
        asked = self.asked("twice")
        [first] = self.fired(asked, at=time.time() - 2)
        [again] = self.fired(asked._replace(id="tool-call-2"))
        assert first.worked and again.worked and "already" in again.say, (first, again)
        return again.say

    def several_in_one(self) -> str:
        if self.runtime.one_a_request:
            return self.runtime.one_a_request
        asked = self.asked("several in one")
        answers = self.fired(
            *(asked._replace(id=f"tool-call-{n}", guests=f"{asked.guests}-{n}") for n in (1, 2))
        )
        assert all(answer.worked and "on its way" in answer.say for answer in answers), answers
        return f"{len(answers)} answers"


def main(runtime: type[Runtime]) -> None:
    """Try all columns of one runtime; see the top of this file."""
    trial = Trial(runtime(Site(**json.load(sys.stdin))))
    results = {}
    for column in COLUMNS:
        act: Callable[[], str] = getattr(trial, column.replace(" ", "_"))
        try:
            results[column] = {"note": act()}
        except Exception:
            results[column] = {"error": traceback.format_exc()}
    # The last line: libraries print, too.
    print("\n" + json.dumps(results), flush=True)
