"""Celery's doors. What they do is idempotent: rows in the database decide what is paused, and who is told."""

from __future__ import annotations

from celery import shared_task

from campaigns import alarms, brake, counting, retention


@shared_task  # type: ignore[untyped-decorator]
def watch() -> None:
    """Pause what has jumped."""
    brake.watch()


@shared_task  # type: ignore[untyped-decorator]
def tell() -> None:
    """Tell people what was paused by itself."""
    alarms.tell()


@shared_task  # type: ignore[untyped-decorator]
def forget_counts() -> None:
    """Delete what no limit counts any more, and with it the numbers that were texted."""
    counting.purge()


@shared_task  # type: ignore[untyped-decorator]
def purge() -> None:
    """Erase what is older than it is to be kept."""
    retention.purge()
