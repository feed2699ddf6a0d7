"""The Celery application. Tasks are doors: the database is the queue (see sms/outbox)."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")

app = Celery("midcall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("sms.tasks:Poller")


@worker_init.connect  # type: ignore[untyped-decorator]
@beat_init.connect  # type: ignore[untyped-decorator]
def check(**kwargs: Any) -> None:
    """A worker with a wrong key would do harm; like the web server, it does not start."""
    from builder.checks import refuse_to_serve_with_errors

    refuse_to_serve_with_errors()
