"""The loop that drains the outbox through the providers.

One event loop a process, in a thread of its own, so that connections to the carrier stay alive between
drains. SQL runs in one other thread, so that it never holds up what is in flight.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from django.db import close_old_connections, connections

from sms import outbox, providers
from sms.fields import WrongEncryptionKey
from sms.models import Message, ProviderName, State
from sms.outbox import Outcome
from sms.providers.base import NotAccepted, Rejected, Unconfirmed

logger = logging.getLogger(__name__)

# How many texts one process hands over at once; each waits for the carrier's answer, some 100 ms.
MAX_IN_FLIGHT = 500
# While some are in flight, new ones are looked for this often.
LOOK_AGAIN_SECONDS = 0.05
# Outcomes that arrive this close together are stored in one statement.
GATHER_SECONDS = 0.004
# A process that was frozen past this must not write to a socket: its lease may be another's by then.
HAND_OVER_WITHIN_SECONDS = outbox.LEASE.total_seconds() / 2

# A drain ends after this, so that a worker which is told to stop can; what is left finds the next one.
DRAIN_SECONDS = 30

T = TypeVar("T")


def drain() -> int:
    """Hand over all that is due, until nothing is left or DRAIN_SECONDS are over. How many were."""
    return _run(_drain())


def reconcile() -> None:
    """Expire what is too old, and resolve what is in doubt by asking the carriers."""
    close_old_connections()
    outbox.expire()
    outbox.reap()
    doubts = outbox.doubts()
    if doubts:
        _run(_look_up(doubts))


def close() -> None:
    """Close what is kept open to carriers and to the database, as when the process ends."""
    for name in ProviderName:
        _run(providers.get(name).close())
    _run(_sql(connections.close_all))


async def _drain() -> int:
    handed_over = 0
    in_flight: set[asyncio.Task[Outcome]] = set()
    ends = time.monotonic() + DRAIN_SECONDS
    while True:
        room = MAX_IN_FLIGHT - len(in_flight) if time.monotonic() < ends else 0
        claimed = await _sql(outbox.claim, room) if room else []
        deadline = time.monotonic() + HAND_OVER_WITHIN_SECONDS
        in_flight |= {asyncio.create_task(_hand_over(message, deadline)) for message in claimed}
        handed_over += len(claimed)
        if not in_flight:
            return handed_over
        done, in_flight = await asyncio.wait(
            in_flight, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if done and in_flight:
            more, in_flight = await asyncio.wait(in_flight, timeout=GATHER_SECONDS)
            done |= more
        await _sql(outbox.record, [task.result() for task in done])


async def _hand_over(message: Message, deadline: float) -> Outcome:
    """Send one claimed message; what came of it. Never raises: a doubt is an outcome, too."""
    provider = providers.get(message.provider)
    try:
        credential = provider.credential(message)
        if time.monotonic() > deadline:
            return Outcome(message, State.UNCONFIRMED, reason="The worker was stopped for too long.")
        report = await provider.send(message, credential)
    except NotAccepted as refusal:
        delay = outbox.next_delay(message)
        if delay is None:
            return Outcome(message, State.FAILED, reason=refusal.reason)
        return Outcome(message, State.QUEUED, reason=refusal.reason, delay=max(delay, refusal.delay or delay))
    except Rejected as refusal:
        return Outcome(message, State.FAILED, error_code=refusal.code, reason=refusal.reason)
    except WrongEncryptionKey as error:
        return Outcome(message, State.FAILED, reason=str(error))
    except Unconfirmed as doubt:
        return Outcome(message, State.UNCONFIRMED, reason=doubt.reason)
    except Exception:
        logger.exception("message %s: handing over broke", message.pk)
        return Outcome(message, State.UNCONFIRMED, reason="Handing over broke; see the worker's log.")
    return Outcome(message, report.state, report=report)


async def _look_up(doubts: list[Message]) -> None:
    for message in doubts:
        provider = providers.get(message.provider)
        try:
            credential = provider.credential(message)
            known = await _sql(outbox.known_sids, message)
            assert message.submitted_at is not None
            report = await provider.find(message, credential, message.submitted_at, known)
        except (NotAccepted, Rejected, WrongEncryptionKey) as error:
            logger.warning("message %s stays in doubt: %s", message.pk, error)
            continue
        if report:
            await _sql(outbox.receipt, message, message.attempt, report)
        else:
            await _sql(outbox.not_listed, message)


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
