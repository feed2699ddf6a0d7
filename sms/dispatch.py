"""The loop that drains the outbox through the providers.

One event loop a process, in a thread of its own, so that connections to the carrier stay alive between
drains. SQL runs in one other thread, so that it never holds up what is in flight.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from sms import doorbell, outbox, providers
from sms.fields import WrongEncryptionKey
from sms.models import Message, ProviderName
from sms.outbox import Outcome
from sms.providers.base import NoCredential, NotAccepted, Rejected, Throttled, Unconfirmed

logger = logging.getLogger(__name__)

# How many texts one process hands over at once; each waits for the carrier's answer, some 100 ms.
MAX_IN_FLIGHT = 1000
# While some are in flight, new ones are looked for this often.
LOOK_AGAIN_SECONDS = 0.05
# Outcomes that arrive this close together are stored in one statement.
GATHER_SECONDS = 0.004
# A process that was frozen past this must not write to a socket: its lease may be another's by then.
HAND_OVER_WITHIN_SECONDS = outbox.LEASE.total_seconds() / 2
# A drain ends after this, so that a worker which is told to stop can; what is left finds the next one.
DRAIN_SECONDS = 30
# How often an outcome that the database did not take is offered again, up to the lease.
STORE_AGAIN_SECONDS = 0.5
# How many carriers are asked at once about doubts and silent texts.
LOOK_UPS_AT_ONCE = 20

T = TypeVar("T")


def drain() -> int:
    """Hand over all that is due, until nothing is left or DRAIN_SECONDS are over. How many were."""
    return _run(_drain())


def reconcile() -> None:
    """Expire what is too old, try held senders, and ask the carriers about what is in doubt or silent."""
    close_old_connections()
    outbox.expire()
    outbox.reap()
    outbox.probe()
    _run(_look_up(outbox.doubts(), outbox.silent()))
    doorbell.ring()


def warm() -> None:
    """Load what the first text would have to wait for."""
    for name in ProviderName:
        providers.get(name).warm()


def close() -> None:
    """Close what is kept open to carriers and to the database, as when the process ends."""
    if not _loop.cache_info().currsize:
        # Nothing was ever sent from this process.
        return
    for name in ProviderName:
        _run(providers.get(name).close())
    _run(_sql(connections.close_all))


async def _drain() -> int:
    handed_over = 0
    in_flight: dict[asyncio.Task[Outcome], str] = {}
    ends = time.monotonic() + DRAIN_SECONDS
    while True:
        room = MAX_IN_FLIGHT - len(in_flight) if time.monotonic() < ends else 0
        claimed = []
        if room:
            try:
                full = _full(Counter(in_flight.values()))
                claimed = await _sql(outbox.claim, room, max(1, room // 2), full)
            except (DatabaseError, InterfaceError):
                # What is in flight must still be recorded; the poller starts the next drain.
                logger.exception("nothing could be claimed")
                ends = 0
        deadline = time.monotonic() + HAND_OVER_WITHIN_SECONDS
        for message in claimed:
            in_flight[asyncio.create_task(_hand_over(message, deadline))] = message.account_sid
        handed_over += len(claimed)
        if not in_flight:
            return handed_over
        done, flying = await asyncio.wait(
            in_flight, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if done and flying:
            more, _ = await asyncio.wait(flying, timeout=GATHER_SECONDS)
            done |= more
        for task in done:
            del in_flight[task]
        await _store([task.result() for task in done])


def _full(in_flight: Counter[str]) -> list[str]:
    """The accounts that have half of what the others leave in flight: one that is slow must not keep the
    others out, and the next slow one neither."""
    total = in_flight.total()
    return [account for account, texts in in_flight.items() if texts >= (MAX_IN_FLIGHT - total + texts) // 2]


async def _store(outcomes: list[Outcome]) -> None:
    """Record outcomes, patiently: a SID that is lost here has to be looked up at the carrier."""
    ends = time.monotonic() + outbox.LEASE.total_seconds()
    while True:
        try:
            return await _sql(outbox.record, outcomes)
        except (DatabaseError, InterfaceError):
            if time.monotonic() > ends:
                raise
            logger.exception("%s outcomes could not be stored; trying again", len(outcomes))
        await asyncio.sleep(STORE_AGAIN_SECONDS)


async def _hand_over(message: Message, deadline: float) -> Outcome:
    """Send one claimed message; what came of it. Never raises: a doubt is an outcome, too."""
    provider = providers.get(message.provider)
    try:
        credential = provider.credential(message)
        if time.monotonic() > deadline:
            return Outcome.in_doubt(message, "The worker was stopped for too long.")
        return Outcome.taken(message, await provider.send(message, credential))
    except Throttled as refusal:
        return Outcome.throttled(message, refusal.reason, refusal.delay)
    except NotAccepted as refusal:
        return Outcome.not_taken(message, refusal.reason)
    except Rejected as refusal:
        return Outcome.refused(message, refusal.code, refusal.reason)
    except (NoCredential, WrongEncryptionKey) as error:
        return Outcome.refused(message, None, str(error))
    except Unconfirmed as doubt:
        return Outcome.in_doubt(message, doubt.reason)
    except Exception:
        logger.exception("message %s: handing over broke", message.pk)
        return Outcome.in_doubt(message, "Handing over broke; see the worker's log.")


async def _look_up(doubts: list[Message], silent: list[Message]) -> None:
    at_once = asyncio.Semaphore(LOOK_UPS_AT_ONCE)

    async def look_up(message: Message, ask: Callable[[Message], Coroutine[Any, Any, None]]) -> None:
        async with at_once:
            try:
                await ask(message)
            except (NotAccepted, NoCredential, WrongEncryptionKey) as error:
                logger.warning("message %s: nothing could be learned: %s", message.pk, error)

    await asyncio.gather(
        *(look_up(message, _resolve) for message in doubts), *(look_up(message, _ask) for message in silent)
    )


async def _resolve(message: Message) -> None:
    provider = providers.get(message.provider)
    credential = provider.credential(message)
    known = await _sql(outbox.known_sids, message)
    assert message.submitted_at is not None
    report = await provider.find(message, credential, message.submitted_at, known)
    if report:
        await _sql(outbox.receipt, message, message.attempt, report)
    else:
        await _sql(outbox.not_listed, message)


async def _ask(message: Message) -> None:
    provider = providers.get(message.provider)
    report = await provider.ask(message, provider.credential(message))
    await _sql(outbox.receipt, message, message.attempt, report)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="dispatch", daemon=True).start()
    return loop


@cache
def _database() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="outbox")


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


async def _sql(function: Callable[..., T], *args: Any) -> T:
    def call() -> T:
        close_old_connections()
        return function(*args)

    return await asyncio.get_running_loop().run_in_executor(_database(), call)
