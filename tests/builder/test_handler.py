"""Requests of runtimes take a short way through Django; what they meet there is the same."""

from __future__ import annotations

import io
import json
import logging
import time

import pytest
from django.core.signals import request_started
from django.db import connection as database

from builder import handler, patience
from builder.handler import RuntimesFirst
from campaigns.waiting import ANSWER_WITHIN_SECONDS
from sms.models import Message
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET, ConnectionFactory, TemplateFactory, TopicFactory

# A connection to the database inside a test's transaction would be closed as one that is of no use any more.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def application():
    yield RuntimesFirst()
    # What comes in this thread afterwards is no runtime's request.
    patience.usual(database)


def asked(application, path, *, body=None, secret="", scheme="http"):
    """Status, headers and body of what the application answers."""
    raw = json.dumps(body).encode() if body is not None else b""
    started = []
    answer = application(
        {
            "REQUEST_METHOD": "POST" if raw else "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_AUTHORIZATION": f"Bearer {secret}",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": scheme,
        },
        lambda status, headers: started.extend([status, dict(headers)]),
    )
    return started[0], started[1], b"".join(answer)


@pytest.fixture
def connection():
    return ConnectionFactory()


@pytest.fixture
def signals():
    seen = []

    def note(**kwargs):
        seen.append(kwargs["environ"]["PATH_INFO"])

    request_started.connect(note)
    yield seen
    request_started.disconnect(note)


def test_a_runtime_is_answered_without_what_is_for_browsers(application, connection, signals):

    status, headers, body = asked(application, f"/c/{connection.slug}/tools", secret=SECRET)

    assert (status, json.loads(body).keys()) == ("200 OK", {"tools", "version"})
    assert headers["Content-Type"].startswith("application/json")
    assert signals == []


def test_a_wrong_secret_is_answered_and_logged(application, connection, caplog):
    with caplog.at_level(logging.WARNING, "django.request"):
        status, _, body = asked(application, f"/c/{connection.slug}/tools", secret="mc_wrong")

    assert (status, json.loads(body)["error"]) == ("401 Unauthorized", "wrong_secret")
    assert f"Unauthorized: /c/{connection.slug}/tools" in caplog.text


@pytest.mark.parametrize(
    "path", ["/c/", "/c/line", "/c/line/nothing", "/c/\xff\xfe", "/c/%00", "/admin/login/"]
)
def test_what_is_no_address_of_a_runtime_goes_djangos_way(application, signals, path):
    status, _, _ = asked(application, path)

    assert status == ("200 OK" if path == "/admin/login/" else "404 Not Found")
    assert signals == [path]


def test_a_long_address_that_a_stranger_makes_up_is_answered_and_not_kept(application, signals):
    kept = handler._resolved.cache_info().currsize
    path = f"/c/{'x' * 4000}/tools"

    assert asked(application, path)[0] == "401 Unauthorized"

    assert signals == [path]
    assert handler._resolved.cache_info().currsize == kept


def test_a_runtime_that_comes_without_tls_gets_no_answer_but_where_to_go(application, connection, settings):
    settings.SECURE_SSL_REDIRECT = True
    path = f"/c/{connection.slug}/tools"

    # The middleware reads its settings when it is made.
    plain, headers, _ = asked(RuntimesFirst(), path, secret=SECRET)
    by_tls = asked(RuntimesFirst(), path, secret=SECRET, scheme="https")

    assert (plain, headers["Location"]) == ("301 Moved Permanently", f"https://127.0.0.1{path}")
    assert by_tls[0] == "200 OK"


@pytest.fixture
def offered(connection):
    """A template that the connection's agent may send."""
    campaign = connection.campaign
    TemplateFactory(name="confirmation", owner=campaign.owner)
    campaign.topics.add(TopicFactory(actions="Call {{confirmation}}.", owner=campaign.owner))


@pytest.fixture
def locked():
    """A table that every tool call writes, locked as a migration does it, by somebody else."""
    other = database.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE campaigns_toolcall IN ACCESS EXCLUSIVE MODE")
    yield other
    other.rollback()
    other.close()


CALL = {"callId": "call-1", "customerPhoneNumber": CALLER, "parameters": PARAMETERS}
TWO_CALLS = {
    "message": {
        "type": "tool-calls",
        "call": {"id": "call-1", "customer": {"number": CALLER}},
        "toolCallList": [
            {"id": f"tc-{number}", "function": {"name": "confirmation", "arguments": PARAMETERS}}
            for number in range(2)
        ],
    }
}


@pytest.mark.parametrize("known", [False, True], ids=["a new process", "a process that knows the way"])
@pytest.mark.parametrize(("door", "body"), [("tools/confirmation", CALL), ("vapi", TWO_CALLS)])
def test_a_caller_does_not_wait_longer_than_three_seconds_for_the_database(
    application, offered, connection, door, body, known, request
):
    if known:
        before = {**CALL, "callId": "before", "customerPhoneNumber": "+14155550199"}
        asked(application, f"/c/{connection.slug}/tools/confirmation", body=before, secret=SECRET)
    request.getfixturevalue("locked")
    began = time.monotonic()

    _, _, answer = asked(application, f"/c/{connection.slug}/{door}", body=body, secret=SECRET)

    assert time.monotonic() - began < ANSWER_WITHIN_SECONDS
    assert b"The database does not answer" in answer and Message.objects.count() == known


def test_whoever_is_at_a_browser_waits_as_long_as_the_settings_say(application, connection):
    def timeout(path) -> str:
        asked(application, path)
        with database.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return cursor.fetchone()[0]

    runtimes, browsers = f"/c/{connection.slug}/tools", "/readyz"

    assert [timeout(path) for path in (browsers, runtimes, browsers, runtimes)] == ["15s", "2s", "15s", "2s"]
    # A connection that is opened later is told, too.
    database.close()
    assert timeout(runtimes) == "2s"
