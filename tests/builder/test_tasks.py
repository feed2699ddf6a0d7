"""What the roof has done by the beat."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from builder.celery import app


@pytest.fixture
def tasks():
    """What a worker knows once it has started."""
    app.loader.import_default_modules()
    return app.tasks


@pytest.mark.django_db
def test_sessions_that_are_over_are_forgotten_and_others_are_not(tasks):
    now = timezone.now()
    Session.objects.create(session_key="over", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="open", expire_date=now + timedelta(hours=1))

    tasks[settings.CELERY_BEAT_SCHEDULE["forget sessions"]["task"]]()

    assert [session.session_key for session in Session.objects.all()] == ["open"]


def test_all_that_the_beat_asks_for_is_known_to_a_worker(tasks):
    assert {each["task"] for each in settings.CELERY_BEAT_SCHEDULE.values()} <= set(tasks)
