"""The Celery application. Tasks are doors: the database is the queue (see sms/outbox.py)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "builder.settings")

app = Celery("midcall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
