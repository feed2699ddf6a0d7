"""Celery's door of the roof."""

from __future__ import annotations

from importlib import import_module

from celery import shared_task
from django.conf import settings


@shared_task  # type: ignore[untyped-decorator]
def forget_sessions() -> None:
    """Delete the sessions that are over, with the drafts and the files to import that were kept in them."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
