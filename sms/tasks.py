"""Celery's doors. What they do is idempotent: the claim in the database decides who sends."""

from __future__ import annotations

import threading
from typing import Any

from celery import bootsteps, shared_task
from celery.signals import worker_init, worker_process_shutdown, worker_shutdown, worker_shutting_down

from sms import dispatch, verification


@shared_task  # type: ignore[untyped-decorator]
def drain() -> None:
    """Hand over all that is due."""
    dispatch.drain()


@shared_task  # type: ignore[untyped-decorator]
def reconcile() -> None:
    """Expire what is too old, and resolve what is in doubt."""
    dispatch.reconcile()


@shared_task  # type: ignore[untyped-decorator]
def verify() -> None:
    """Verify the credentials whose provider did not answer when they were entered."""
    verification.catch_up()


@worker_init.connect  # type: ignore[untyped-decorator]
def warm(**kwargs: Any) -> None:
    """Load the SDK before the first text, and before a pool forks: half a second that a caller would hear."""
    dispatch.warm()


class Poller(bootsteps.StartStopStep):  # type: ignore[misc]
    """The broker may be down, and the beat with it: a worker finds what is due by itself.

    It starts before the worker looks for its broker, which it may not find for hours; but after a pool has
    forked, whose processes must not inherit a thread's locks. builder/celery.py names it.
    """

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        for work in (dispatch.poll_for_ever, dispatch.reconcile_for_ever):
            threading.Thread(target=work, daemon=True).start()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def stop(**kwargs: Any) -> None:
    """Leave nothing in doubt behind."""
    dispatch.stop()
    dispatch.close()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def claim_no_more(**kwargs: Any) -> None:
    """Told to stop: Celery then waits for the tasks that run, and a drain must come to its end."""
    threading.Thread(target=dispatch.stop, name="stop", daemon=True).start()
