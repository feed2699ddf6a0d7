"""Agents that fire tools over HTTP, insist on an answer, and remember what they were promised."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.faults.site import SECRET

CONNECTIONS = 8
ANSWER_SECONDS = 20
INSIST_SECONDS = 120
AGAIN_SECONDS = 0.1
# Of so many tool calls, one is of another call that asks for the same text to the same number.
TWIN_EVERY = 50
# Of so many tool calls, one comes twice at once: a runtime that has lost its patience.
IMPATIENT_EVERY = 20
AREAS = (212, 213, 312, 415, 617, 702, 303, 404, 206, 503)


@dataclass(frozen=True)
class Ask:
    """One tool call of one call. `number` is whom it texts, `body` makes it unlike any other."""

    call: str
    phone: str
    text: str


def phone(position: int) -> str:
    """A number that can get texts, another for each position."""
    return f"+1{AREAS[position % len(AREAS)]}{2_000_001 + position // len(AREAS):07d}"


def asks(count: int, seed: int) -> list[Ask]:
    """`count` tool calls; every TWIN_EVERY-th is the twin of the one before it."""
    made = []
    for position in range(count):
        same_as = position - 1 if position % TWIN_EVERY == TWIN_EVERY - 1 else position
        made.append(Ask(f"call-{seed}-{position}", phone(same_as), f"{same_as} of run {seed}"))
    return made


class Load:
    """Tool calls through a site's door, spread over `seconds`, CONNECTIONS at a time.

    `promised` is the message id that each call was given; `contradictions` are calls that were given two.
    """

    def __init__(
        self, url: str, asked: list[Ask], seconds: float, seed: int, tool: str = "confirmation"
    ) -> None:
        self.asked = asked
        self.promised: dict[str, str] = {}
        self.contradictions: list[str] = []
        self.refused: dict[str, str] = {}
        self.unanswered: list[str] = []
        # When each was answered (seconds since the epoch), and how long that took at the first attempt.
        self.answered_at: dict[str, float] = {}
        self.latencies: list[float] = []
        self.statuses: Counter[int | str] = Counter()
        # Told of each tool call as it is made.
        self.on_ask: Callable[[Ask], None] = lambda ask: None
        self.done = threading.Event()
        self._url = f"{url}/c/line/tools/{tool}"
        self._tool = tool
        self._pause = seconds / max(1, len(asked))
        self._random = random.Random(seed)

    @property
    def progress(self) -> float:
        """How much of it has been answered, from 0 to 1."""
        return len(self.answered_at) / max(1, len(self.asked))

    def run(self) -> None:
        """Fire everything; returns when each call has its answer, or has insisted in vain."""
        try:
            asyncio.run(self._run())
        finally:
            self.done.set()

    async def _run(self) -> None:
        waiting = iter(enumerate(self.asked))
        started = time.monotonic()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=2 * CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            headers={"Authorization": f"Bearer {SECRET}"},
        ) as session:

            async def agent() -> None:
                for position, ask in waiting:
                    await asyncio.sleep(started + position * self._pause - time.monotonic())
                    self.on_ask(ask)
                    impatient = self._random.randrange(IMPATIENT_EVERY) == 0
                    await asyncio.gather(*(self._insist(session, ask) for _ in range(1 + impatient)))

            await asyncio.gather(*(agent() for _ in range(CONNECTIONS)))

    async def _insist(self, session: aiohttp.ClientSession, ask: Ask) -> None:
        """Ask with the same ids until there is an answer."""
        ends = time.monotonic() + INSIST_SECONDS
        first = True
        while time.monotonic() < ends:
            began = time.monotonic()
            status, answer = await self._ask(session, ask)
            self.statuses[status] += 1
            if first and status == 200:
                self.latencies.append(time.monotonic() - began)
            if status == 200:
                self._note(ask.call, answer)
                return
            first = False
            await asyncio.sleep(AGAIN_SECONDS)
        self.unanswered.append(ask.call)

    async def _ask(self, session: aiohttp.ClientSession, ask: Ask) -> tuple[int | str, Any]:
        parameter = "number" if self._tool == "confirmation" else "message"
        body = {
            "callId": ask.call,
            "toolCallId": "1",
            "customerPhoneNumber": ask.phone,
            "parameters": {"consent": "Yes, please.", parameter: ask.text},
        }
        try:
            async with session.post(self._url, json=body) as response:
                return response.status, await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__, None

    def _note(self, call: str, answer: dict[str, Any]) -> None:
        self.answered_at.setdefault(call, time.time())
        if answer["status"] == "refused":
            self.refused[call] = answer["code"]
        elif self.promised.setdefault(call, answer["messageId"]) != answer["messageId"]:
            self.contradictions.append(call)
