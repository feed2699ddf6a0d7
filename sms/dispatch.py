"""The loop that drains the outbox through the providers.

One event loop a process, in a thread of its own, so that connections to the carrier stay alive between
drains. SQL runs in one other thread, so that it never holds up what is in flight.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import uvloop
from django.conf import settings
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
)

from sms import alerts, doorbell, outbox, providers
from sms.fields import WrongEncryptionKey
from sms.models import Claimed, Message, ProviderName
from sms.outbox import Outcome
from sms.providers import base
from sms.providers.base import (
    NoCredential,
    NotAccepted,
    Rejected,
    Throttled,
    Unconfirmed,
    write_before,
)

logger = logging.getLogger(__name__)

# How many texts one process hands over at once; each waits for the carrier's answer, some 100 ms, with a
# connection of its own.
MAX_IN_FLIGHT = 2000
# Systems give a process 1,024 open files if it does not ask for more; so many are for databases, brokers and
# its own code.
OTHER_FILES = 500
# They are claimed so many at a time, so that they leave, and their answers come, one portion after the other:
# all at once would be followed by a tenth of a second of nothing.
PORTION = 300
# While some are in flight, new ones are looked for this often.
LOOK_AGAIN_SECONDS = 0.05
# Outcomes that arrive this close together are stored in one statement, while more are in flight.
GATHER_SECONDS = 0.01
# A process that was frozen past this must not write to a socket: its lease may be another's by then.
HAND_OVER_WITHIN_SECONDS = outbox.LEASE.total_seconds() / 2
NOT_IN_TIME = "The provider did not answer in time."
# No task waits longer for a drain: it goes on while texts are under way, which may be for ever, and a worker
# that is told to stop first waits for its tasks.
DRAIN_SECONDS = 30
POLL_SECONDS = 1
# A worker that the beat has not asked to reconcile for so long does it by itself.
RECONCILE_BY_ITSELF_SECONDS = 4 * settings.RECONCILE_SECONDS
# How often an outcome that the database did not take is offered again, up to the lease.
STORE_AGAIN_SECONDS = 0.5
# How many carriers are asked at once about doubts and silent texts.
LOOK_UPS_AT_ONCE = 20

T = TypeVar("T")

_draining = threading.Lock()
_once_more = threading.Event()
_stopping = threading.Event()
# By the monotonic clock.
_reconciled_at = time.monotonic()


def drain() -> int:
    """Hand over all that is due, until nothing is left or stop(). How many were; 0 if that goes on without
    this caller, after DRAIN_SECONDS.

    While one drain of this process runs, another only tells it to look once more.
    """
    _once_more.set()
    loop = _started().loop
    if _stopping.is_set() or not _draining.acquire(blocking=False):
        return 0
    draining = asyncio.run_coroutine_threadsafe(_drain_all(), loop)
    try:
        return draining.result(DRAIN_SECONDS)
    except TimeoutError:
        if draining.done():
            # In this instant, or with a time-out of its own.
            return draining.result()
        draining.add_done_callback(_say_what_broke)
        return 0


def _say_what_broke(draining: Future[int]) -> None:
    if error := draining.exception():
        logger.error("a drain broke; the next one tries again", exc_info=error)


def poll_for_ever() -> None:
    """Drain every POLL_SECONDS until stop(), so that texts go out while the broker is down, too."""
    while not _stopping.wait(POLL_SECONDS):
        try:
            drain()
        except Exception:
            logger.exception("a drain broke; the next one tries again")


def reconcile_for_ever() -> None:
    """Reconcile until stop() whenever nobody else has this process do it, as while the broker is down."""
    while not _stopping.wait(
        max(POLL_SECONDS, _reconciled_at + RECONCILE_BY_ITSELF_SECONDS - time.monotonic())
    ):
        try:
            if time.monotonic() >= _reconciled_at + RECONCILE_BY_ITSELF_SECONDS:
                reconcile()
        except Exception:
            logger.exception("reconciling broke; the next time tries again")


def stop() -> None:
    """Claim nothing more in this process, and wait until what is in flight has been recorded."""
    _stopping.set()
    if _draining.acquire(timeout=outbox.LEASE.total_seconds()):
        _draining.release()


def reconcile() -> None:
    """Hold what it has become too late for or what is paused, and let go of it in the morning; expire what is
    too old, try held senders and tell their owners, and ask the carriers about what is in doubt or silent."""
    global _reconciled_at
    _reconciled_at = time.monotonic()
    close_old_connections()
    outbox.keep_quiet()
    outbox.expire()
    outbox.reap()
    outbox.give_up()
    outbox.hold_paused()
    outbox.probe()
    _run(_look_up(outbox.doubts(), outbox.silent()))
    doorbell.ring()
    alerts.tell_owners_of_held_senders()


def warm() -> None:
    """Load what the first text would have to wait for, and leave it out of garbage collection; ask for as
    many open files as there may be texts under way.

    What a text allocates is freed by counting references; looking for cycles in it took a fifth of the time.
    """
    for name in ProviderName:
        providers.get(name).warm()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        wanted = MAX_IN_FLIGHT + OTHER_FILES
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def close() -> None:
    """Close what is kept open to carriers and to the database, as when the process ends."""
    if _threads is None:
        # Nothing was ever sent from this process.
        return
    for name in ProviderName:
        _run(providers.get(name).close())
    _run(_sql(connections.close_all))


class _UnderWay:
    """The texts that one drain is handing over, and the outcomes that have not been stored yet."""

    def __init__(self) -> None:
        self.by_account: Counter[str] = Counter()
        self.landed: list[Outcome] = []
        self.news = asyncio.Event()
        self.is_over = False
        # When each was begun, the oldest first.
        self._begun: dict[asyncio.Task[Outcome], float] = {}
        self._watch = asyncio.create_task(self._cut_off())

    def begin(self, message: Claimed, deadline: float) -> None:
        self.by_account[message.account_sid] += 1
        task = asyncio.create_task(_hand_over(message, deadline))
        self._begun[task] = time.monotonic()
        task.add_done_callback(partial(self._land, message))

    def _land(self, message: Claimed, task: asyncio.Task[Outcome]) -> None:
        cut_off = task.cancelled() or task.exception()
        self.landed.append(Outcome.in_doubt(message, NOT_IN_TIME) if cut_off else task.result())
        self.by_account[message.account_sid] -= 1
        if not self.by_account[message.account_sid]:
            # A drain may go on for as long as its process.
            del self.by_account[message.account_sid]
        del self._begun[task]
        self.news.set()

    async def _cut_off(self) -> None:
        """Wait for no answer longer than ANSWER_SECONDS, and for none once all is over.

        By looking at the oldest: a timer for each text would be a twentieth of what sending it takes. Again
        and again, until they have ended: what is being cleaned up may swallow being cut off.
        """
        while self._begun or not self.is_over:
            before = time.monotonic() - (0 if self.is_over else base.ANSWER_SECONDS)
            for task, begun in self._begun.items():
                if begun > before:
                    break
                task.cancel()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _drain_all() -> int:
    """Drain, and once more for whoever asks meanwhile; _draining is held, and released at the end."""
    handed_over = 0
    while True:
        try:
            _once_more.clear()
            handed_over += await _drain()
        finally:
            _draining.release()
        # Whoever asked before it was released found it held.
        if _stopping.is_set() or not _once_more.is_set() or not _draining.acquire(blocking=False):
            return handed_over


async def _drain() -> int:
    under_way = _UnderWay()
    try:
        return await _handed_over(under_way)
    finally:
        # Something is left if this one broke.
        under_way.is_over = True


async def _handed_over(under_way: _UnderWay) -> int:
    handed_over = 0
    storing: asyncio.Task[None] | None = None
    full: list[str] = []
    look_again = 0.0
    while True:
        now = time.monotonic()
        room = min(PORTION, _most_in_flight() - under_way.by_account.total())
        if room and look_again <= now and not _stopping.is_set():
            full = _full(under_way.by_account)
            claimed = await _claim(room, full)
            for message in claimed:
                # The lease began after `now`, while it was being claimed.
                under_way.begin(message, now + HAND_OVER_WITHIN_SECONDS)
            handed_over += len(claimed)
            look_again = 0.0 if len(claimed) == room else now + LOOK_AGAIN_SECONDS
        if under_way.landed and (storing is None or storing.done()):
            if storing:
                storing.result()
            # Beside the next claim, not before it: nothing waits for an outcome to be stored.
            storing = asyncio.create_task(_store(under_way.landed[:]))
            storing.add_done_callback(lambda _: under_way.news.set())
            under_way.landed.clear()
        if not (under_way.landed or under_way.by_account.total()):
            if storing:
                await storing
            if not full:
                return handed_over
            # There may be more of the accounts that had their share under way.
            full, look_again = [], 0.0
            continue
        if look_again or not room or _stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(under_way.news.wait(), LOOK_AGAIN_SECONDS)
            if under_way.by_account.total() > 1:
                await asyncio.sleep(GATHER_SECONDS)
            under_way.news.clear()


async def _claim(room: int, full: list[str]) -> list[Claimed]:
    try:
        return await _sql(outbox.claim, room, full)
    except (DatabaseError, InterfaceError):
        # What is in flight must still be recorded; the poller finds the rest.
        logger.exception("nothing could be claimed")
        return []


def _most_in_flight() -> int:
    """How many texts this process may hand over at once: a connection that the system refuses for want of an
    open file would cost a text one of its tries."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_IN_FLIGHT
    return max(1, min(MAX_IN_FLIGHT, files - OTHER_FILES))


def _full(in_flight: Counter[str]) -> list[str]:
    """The accounts that have half of what the others leave in flight: one that is slow must not keep the
    others out, and the next slow one neither."""
    left = _most_in_flight() - in_flight.total()
    return [account for account, texts in in_flight.items() if texts >= (left + texts) // 2]


async def _store(outcomes: list[Outcome]) -> None:
    """Record outcomes, patiently: a SID that is lost here has to be looked up at the carrier."""
    ends = time.monotonic() + outbox.LEASE.total_seconds()
    while True:
        try:
            return await _sql(outbox.record, outcomes)
        except (OperationalError, InterfaceError):
            if time.monotonic() > ends:
                raise
            logger.exception("%s outcomes could not be stored; trying again", len(outcomes))
        await asyncio.sleep(STORE_AGAIN_SECONDS)


async def _hand_over(message: Claimed, deadline: float) -> Outcome:
    """Send one claimed message; what came of it. Never raises: a doubt is an outcome, too."""
    try:
        provider = providers.get(message.provider)
        if message.profile and (deactivated := message.profile.deactivated()):
            return Outcome.withheld(message, deactivated)
        credential = provider.credential(message.profile, message.account_sid)
        write_before.set(deadline)
        return Outcome.taken(message, await provider.send(message, credential))
    except Throttled as refusal:
        return Outcome.throttled(message, refusal.reason, refusal.delay)
    except NotAccepted as refusal:
        return Outcome.not_taken(message, refusal.reason)
    except Rejected as refusal:
        return Outcome.refused(message, refusal.code, refusal.reason)
    except (NoCredential, WrongEncryptionKey) as error:
        return Outcome.unusable(message, str(error))
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
                await _sql(outbox.not_told, message)
            except ValueError:
                # Of a provider that this version does not know, while another is being put in its place.
                logger.exception("message %s: it cannot be looked up", message.pk)
                await _sql(outbox.not_told, message)

    await asyncio.gather(
        *(look_up(message, _resolve) for message in doubts), *(look_up(message, _ask) for message in silent)
    )


async def _resolve(message: Message) -> None:
    provider = providers.get(message.provider)
    credential = provider.credential(message.profile, message.account_sid)
    known = await _sql(outbox.known_sids, message)
    assert message.submitted_at is not None
    report = await provider.find(message, credential, message.submitted_at, known)
    if report:
        await _sql(outbox.listed, message, report)
    else:
        await _sql(outbox.not_listed, message)


async def _ask(message: Message) -> None:
    provider = providers.get(message.provider)
    report = await provider.ask(message, provider.credential(message.profile, message.account_sid))
    await _sql(outbox.receipt, message, message.attempt, report)


def _forget_in_child() -> None:
    """In a forked process the threads of its parent do not run, and its locks may be held for ever."""
    global _threads, _starting, _draining, _once_more, _stopping
    _threads = None
    _starting, _draining = threading.Lock(), threading.Lock()
    _once_more, _stopping = threading.Event(), threading.Event()
    providers.forget()


os.register_at_fork(after_in_child=_forget_in_child)


@dataclass(frozen=True)
class _Threads:
    """The event loop and the SQL of this process, each in a thread of its own."""

    loop: asyncio.AbstractEventLoop
    sql: ThreadPoolExecutor


_threads: _Threads | None = None
_starting = threading.Lock()


def _started() -> _Threads:
    global _threads
    # Under a lock: two tasks that start at once must not get a loop each, for connections belong to one.
    with _starting:
        if _threads is None:
            loop = uvloop.new_event_loop()
            threading.Thread(target=loop.run_forever, name="dispatch", daemon=True).start()
            _threads = _Threads(loop, ThreadPoolExecutor(1, thread_name_prefix="outbox"))
    return _threads


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _started().loop).result()


async def _sql(function: Callable[..., T], *args: Any) -> T:
    def call() -> T:
        close_old_connections()
        return function(*args)

    return await asyncio.get_running_loop().run_in_executor(_started().sql, call)
