"""The raw loop: what the product's HTTP client does when nothing else is to be done, no database, no queue.

`python -m tests.bench.raw` with the product's environment reads how many texts to send from each line of its
input, hands them over IN_FLIGHT at once, and answers with the seconds that it took.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import django
import uvloop
from twilio.rest import Client

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")
django.setup()

from django.conf import settings  # noqa: E402

from sms.providers.twilio import _KeptAlive  # noqa: E402

# At 0 ms more gain nothing; at 100 ms it is as many as the product has under way.
IN_FLIGHT = {0: 100, 100: 1000}
LONGEST_SECONDS = 120


async def send(client: Client, numbers: list[int]) -> None:
    while numbers:
        number = numbers.pop()
        created = await client.api.v2010.create_async(
            "POST",
            f"/Accounts/{client.account_sid}/Messages.json",
            data={
                "To": f"+1415{2220000 + number:07d}",
                "From": "+13125550142",
                "Body": f"Your table for {number}.",
                "StatusCallback": f"{settings.PUBLIC_URL}/twilio/status/{number}",
                "ValidityPeriod": 900,
            },
        )
        assert created["sid"]


async def main() -> None:
    http = _KeptAlive()
    client = Client("AC" + "0" * 32, "0" * 32, http_client=http)
    client.api.base_url = settings.TWILIO_API_URL
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        count, delay = map(int, words)
        numbers = list(range(count))
        started = time.monotonic()
        # Nothing else bounds what the client sends.
        async with asyncio.timeout(LONGEST_SECONDS):
            await asyncio.gather(*(send(client, numbers) for _ in range(IN_FLIGHT[delay])))
        print(time.monotonic() - started, flush=True)
    await http.close()


if __name__ == "__main__":
    uvloop.run(main())
