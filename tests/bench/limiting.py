"""10,000 tool calls of 50 clients at limits: exactly so many texts as each allows, and none forgotten where
the web server is killed meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

from tests.bench.services import TABLES_OF_CALLS, Broken, Ground, installation
from tests.e2e.conftest import SECRET, Line
from tests.faults.services import Folder

CLIENTS = 50
CALLS, SHORT_CALLS = 10_000, 1_000
# Of so many calls at a limit, a third is to be accepted.
PART = 3
# A number or a call gets so many.
EACH = 4
KILLED_AT = 0.4
ANSWER_SECONDS = 20
INSIST_SECONDS = 120
AGAIN_SECONDS = 0.1
UNLIMITED = {
    "texts_per_call": None,
    "texts_per_number": None,
    "texts_per_tool": None,
    "texts_per_day": None,
    "texts_per_sender": None,
    "texts_per_country": None,
    "segments_per_day": None,
    "minutes_before_repeat": None,
}

# A tool call: its call, the caller's number, and what its text says.
Ask = tuple[str, str, str]


class Limited(NamedTuple):
    """At one limit: how many were allowed, accepted, and refused by its rule; and how long it all took."""

    limit: str
    calls: int
    allowed: int
    accepted: int
    refused: int
    seconds: float


def measure(ground: Ground, short: bool) -> list[Limited]:
    """Raises Broken unless each count is exact."""
    folder = ground.folder("limiting")
    line = installation(ground, folder, Folder(folder), "http://127.0.0.1:9")
    line.web_workers = 2
    line.start("web")
    calls = (SHORT_CALLS if short else CALLS) // len(LIMITS)
    found = [_at_limit(line, name, calls) for name in LIMITS]
    _killed(line, calls)
    return found


def _at_limit(line: Line, name: str, calls: int) -> Limited:
    code, of_each, ask = LIMITS[name]
    allowed = calls // PART // EACH * EACH
    _begin_anew(line, name, 10 if name == "minutes_before_repeat" else of_each or allowed)
    asks = [ask(number, allowed) for number in range(calls)]
    began = time.monotonic()
    answers = asyncio.run(_fire(line, asks))
    seconds = time.monotonic() - began
    [(texts,)] = line.rows("SELECT count(*) FROM sms_message")
    found = Limited(name, calls, allowed, answers["accepted"], answers[code], seconds)
    if not found.accepted == texts == allowed or found.refused != calls - allowed:
        raise Broken(f"{found}, {texts} texts, {answers}")
    _compare(line)
    return found


def _killed(line: Line, calls: int) -> None:
    """Kill the web server among its requests: what was promised is counted, and what is counted promised."""
    _begin_anew(line, "texts_per_day", calls)

    async def killed() -> Counter[str]:
        firing = asyncio.create_task(_fire(line, [_any(number, 0) for number in range(calls)]))
        while _count(line) < calls * KILLED_AT:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(line.kill, "web")
        await asyncio.to_thread(line.start, "web")
        return await firing

    answers = asyncio.run(killed())
    if answers["accepted"] != calls or _count(line) != calls:
        raise Broken(f"{answers}, {_count(line)} texts of {calls}")
    _compare(line)


def _count(line: Line) -> int:
    [(texts,)] = line.rows("SELECT count(*) FROM sms_message")
    return int(texts)


def _compare(line: Line) -> None:
    """Raise Broken unless what is counted is what there is."""
    [there] = line.rows("SELECT count(*), sum(segments) FROM sms_message")
    [counted] = line.rows("SELECT sum(texts), sum(segments) FROM campaigns_allowance")
    [(wrong,)] = line.rows(
        """
        SELECT count(*) FROM campaigns_textednumber known
        WHERE texts <> (SELECT count(*) FROM sms_message WHERE recipient = known.number)
        """
    )
    if there != counted or wrong:
        raise Broken(f"There are {there} texts and segments, {counted} are counted; {wrong} numbers differ.")


def _begin_anew(line: Line, name: str, limit: int) -> None:
    settings = {**UNLIMITED, name: limit}
    columns = ", ".join(f"{column} = %s" for column in settings)
    line.rows(f"UPDATE campaigns_campaign SET {columns} RETURNING id", *settings.values())
    line.empty("sms_message", *TABLES_OF_CALLS, "campaigns_allowance")


async def _fire(line: Line, asks: list[Ask]) -> Counter[str]:
    """How often they were accepted, or refused by which rule; each is asked until it is answered."""
    found: Counter[str] = Counter()
    waiting = iter(enumerate(asks))
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)

    async def client(session: aiohttp.ClientSession) -> None:
        for number, ask in waiting:
            answer = await _insist(session, _request(number, ask))
            found[answer["code"] or answer["status"]] += 1

    connector = aiohttp.TCPConnector(limit=CLIENTS)
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with aiohttp.ClientSession(
        line.url, connector=connector, timeout=timeout, headers=headers
    ) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return found


async def _insist(session: aiohttp.ClientSession, request: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + INSIST_SECONDS
    while time.monotonic() < until:
        try:
            async with session.post("/c/line/tools/confirmation", json=request) as response:
                if response.status == 200:
                    return dict(await response.json())
        except (aiohttp.ClientError, TimeoutError):
            pass
        await asyncio.sleep(AGAIN_SECONDS)
    raise Broken(f"Nobody answered {request}.")


def _request(number: int, ask: Ask) -> dict[str, Any]:
    call, phone, text = ask
    return {
        "callId": call,
        "toolCallId": f"tool-call-{number}",
        "customerPhoneNumber": phone,
        "parameters": {"guests": text, "consent": "Yes, please text me."},
    }


def _phone(number: int) -> str:
    return f"+1415{2220000 + number:07d}"


def _any(number: int, allowed: int) -> Ask:
    return f"call-{number}", _phone(number), f"{number}"


def _in_calls(number: int, allowed: int) -> Ask:
    call = number % (allowed // EACH)
    return f"call-{call}", _phone(call), f"{number}"


def _to_numbers(number: int, allowed: int) -> Ask:
    return f"call-{number}", _phone(number % (allowed // EACH)), f"{number}"


def _the_same(number: int, allowed: int) -> Ask:
    text = number % allowed
    return f"call-{number}", _phone(text), f"{text}"


# By field of the campaign: the rule that refuses, the limit where each call or number has one, the calls.
LIMITS: dict[str, tuple[str, int, Callable[[int, int], Ask]]] = {
    "texts_per_call": ("call_limit", EACH, _in_calls),
    "texts_per_number": ("number_limit", EACH, _to_numbers),
    "texts_per_tool": ("tool_limit", 0, _any),
    "texts_per_day": ("campaign_limit", 0, _any),
    "texts_per_sender": ("sender_limit", 0, _any),
    "texts_per_country": ("country_limit", 0, _any),
    "segments_per_day": ("segment_limit", 0, _any),
    "minutes_before_repeat": ("already_sent", 0, _the_same),
}
