"""Requests of runtimes take a short way through Django; what they meet there is the same."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.signals import request_started

from builder import handler
from builder.handler import RuntimesFirst
from tests.builder.asking import asked
from tests.factories import SECRET, ConnectionFactory

# A connection to the database inside a test's transaction would be closed as one that is of no use any more.
pytestmark = pytest.mark.django_db(transaction=True)


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
