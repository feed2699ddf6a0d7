"""A carrier that costs next to nothing: Twilio's answer to a new message, after a delay, and nothing else.

`python -m tests.bench.carrier PORT`. POST …/Messages.json is answered with 201 and a SID of its own.
`GET /delay/<milliseconds>` sets the delay and forgets what arrived; `/count` says how many did, `/arrivals`
when, in seconds of the machine's monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Carrier:
    """What all connections share. `delay` is in seconds."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.arrivals: list[float] = []
        self.created = 0

    def control(self, head: bytes) -> bytes:
        """Answer to whoever runs the benchmark."""
        path = head.split(b" ", 2)[1].decode()
        if path.startswith("/delay/"):
            self.delay = int(path.rpartition("/")[2]) / 1000
            self.arrivals.clear()
        return _answer(b"200 OK", json.dumps(self.arrivals if path == "/arrivals" else len(self.arrivals)))


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while (end := self.pending.find(b"\r\n\r\n")) >= 0:
            head = self.pending[:end]
            length = LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self.pending) < size:
                return
            self.pending = self.pending[size:]
            if head.startswith(b"POST "):
                self.accept()
            else:
                self.transport.write(self.carrier.control(head))

    def accept(self) -> None:
        carrier = self.carrier
        carrier.arrivals.append(time.monotonic())
        carrier.created += 1
        body = f'{{"sid": "SM{carrier.created:032x}", "status": "queued", "error_code": null}}'
        answer = _answer(b"201 CREATED", body)
        if carrier.delay:
            asyncio.get_running_loop().call_later(carrier.delay, self.transport.write, answer)
        else:
            self.transport.write(answer)


def _answer(status: bytes, body: str) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body.encode(),
    )


async def serve(port: int) -> None:
    carrier = Carrier()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(carrier), "127.0.0.1", port, backlog=2048
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
