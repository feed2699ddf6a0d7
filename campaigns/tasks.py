"""Celery's door of the top floor."""

from __future__ import annotations

from celery import shared_task

from campaigns import counting


@shared_task  # type: ignore[untyped-decorator]
def forget_counts() -> None:
    """Delete what no limit counts any more, and with it the numbers that were texted."""
    counting.purge()
