"""Celery's door of campaigns."""

from __future__ import annotations

from celery import shared_task

from campaigns import retention


@shared_task  # type: ignore[untyped-decorator]
def purge() -> None:
    """Erase what is older than it is to be kept."""
    retention.purge()
