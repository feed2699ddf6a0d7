"""What accepting is measured against: the least that Django can do to promise a text, one view, one INSERT.

`granian --interface wsgi tests.bench.reference:application`. No middleware, no framework on top, no ORM; a
kept database connection, a unique key and a commit to disk. `DATABASE_HOST` in the environment is the socket
folder of PostgreSQL.
"""

from __future__ import annotations

import json
import os
import uuid

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["DATABASE_HOST"],
            "NAME": "reference",
            "USER": "postgres",
            "CONN_MAX_AGE": None,
        }
    },
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    USE_I18N=False,
)
django.setup()

from django.db import connection  # noqa: E402


def promise(request: HttpRequest) -> JsonResponse:
    """Store what was asked for, and answer with its id."""
    asked = json.loads(request.body)
    pk = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO promise VALUES (%s, %s, %s, %s, %s, 'queued', now())",
            [
                pk,
                asked["callId"],
                asked["toolCallId"],
                asked["customerPhoneNumber"],
                f"Your table for {asked['parameters']['guests']}.",
            ],
        )
    return JsonResponse({"status": "accepted", "say": "The text is on its way.", "messageId": str(pk)})


urlpatterns = [path("", promise)]
application = get_wsgi_application()
