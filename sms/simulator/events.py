"""Live views of the carrier: what an open phone page is told, as Server-Sent Events.

A page gets `snapshot` (the newest texts) when it connects, then `texts` (those that came or
changed) and `rules`. A page that is slow, or a carrier that is busy, makes events fewer, not later:
only the last state of a text is kept for telling.
"""

import asyncio
import json
from itertools import islice
from typing import Any

from aiohttp import web

from .carrier import Carrier, Text

SNAPSHOT_TEXTS = 500
# Above so many changes at once, telling each costs more than a snapshot.
MAX_CHANGES = 50
GATHER_SECONDS = 0.05
GATHER_BUSY_SECONDS = 1.0
HEARTBEAT_SECONDS = 15
RECONNECT_MILLISECONDS = 1_000


class Feed:
    """What one open page has not been told yet."""

    def __init__(self) -> None:
        self.changed: dict[str, Text] = {}
        self.snapshot = True
        self.rules = True
        self.wake = asyncio.Event()
        self.wake.set()


class Events:
    """The open pages, each with its feed."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._feeds: set[Feed] = set()
        carrier.on_change.append(self._text_changed)
        carrier.on_clear.append(self._cleared)
        carrier.rules.on_change.append(self._rules_changed)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Tells one page of what happens until it goes away."""
        response = web.StreamResponse(headers={"Cache-Control": "no-store"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        feed = Feed()
        self._feeds.add(feed)
        try:
            await response.write(f"retry: {RECONNECT_MILLISECONDS}\n\n".encode())
            while True:
                try:
                    await asyncio.wait_for(feed.wake.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                busy = len(feed.changed) > MAX_CHANGES
                await response.write(self._take(feed))
                await asyncio.sleep(GATHER_BUSY_SECONDS if busy else GATHER_SECONDS)
        except ConnectionResetError:
            pass
        finally:
            self._feeds.discard(feed)
        return response

    def _take(self, feed: Feed) -> bytes:
        """The events that `feed` has gathered, which it then has no more."""
        changed, snapshot, rules = feed.changed, feed.snapshot, feed.rules
        feed.changed, feed.snapshot, feed.rules = {}, False, False
        feed.wake.clear()
        events = b""
        if snapshot or len(changed) > MAX_CHANGES:
            newest = islice(reversed(self._carrier.texts.values()), SNAPSHOT_TEXTS)
            events += _event("snapshot", [text.view() for text in newest][::-1])
        elif changed:
            events += _event("texts", [text.view() for text in changed.values()])
        if rules:
            events += _event("rules", [rule.view() for rule in self._carrier.rules.rules])
        return events

    def _text_changed(self, text: Text) -> None:
        for feed in self._feeds:
            feed.changed[text.sid] = text
            feed.wake.set()

    def _cleared(self) -> None:
        for feed in self._feeds:
            feed.changed.clear()
            feed.snapshot = True
            feed.wake.set()

    def _rules_changed(self) -> None:
        for feed in self._feeds:
            feed.rules = True
            feed.wake.set()


def _event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
