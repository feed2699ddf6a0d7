"""A runtime's request is answered within three seconds, whatever the database does."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress

import pytest
from django.db import connection as database

from builder import patience
from builder.patience import ANSWER_WITHIN_SECONDS
from campaigns.problems import CANNOT_LOOK_UP, MAYBE_NOT, NOT_SURE_NOTED
from campaigns.tools import TRY_AGAIN
from sms.models import Message
from tests.builder.asking import asked
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET, ConnectionFactory, TemplateFactory, TopicFactory
from tests.processes import eventually

# A connection to the database inside a test's transaction would be closed as one that is of no use any more.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def calm():
    """No outage of an earlier test is remembered."""
    patience._Outage.is_on = False
    patience._held_up.clear()


@pytest.fixture
def connection():
    return ConnectionFactory()


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


class Wire:
    """A way to the database that can fall silent: what is sent is taken, and nothing is answered."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._talks = threading.Event()
        self._talks.set()
        self._open = socket.create_server(("127.0.0.1", 0))
        self.port = self._open.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        self._talks.clear()

    def talk(self) -> None:
        self._talks.set()

    def cut(self) -> None:
        with suppress(OSError):
            # Whoever waits for the next connection would take one more.
            self._open.shutdown(socket.SHUT_RDWR)
        self._open.close()
        self.talk()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._open.accept()
                theirs = socket.socket(socket.AF_UNIX)
                theirs.connect(self._path)
                for ends in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                self._talks.wait()
                target.sendall(part)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire():
    """What this thread's connection to the database goes through."""
    usual = {name: database.settings_dict[name] for name in ("HOST", "PORT")}
    wire = Wire(f"{usual['HOST']}/.s.PGSQL.5432")
    database.close()
    database.settings_dict.update(HOST="127.0.0.1", PORT=str(wire.port))
    yield wire
    database.settings_dict.update(usual)
    database.close()
    wire.cut()


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
    patience.usual(database)
    assert b"The database does not answer" in answer and Message.objects.count() == known


def test_what_one_connection_waits_for_is_told_to_it_alone(application, offered, connection):
    mine = f"/c/{connection.slug}/tools/confirmation"
    other = ConnectionFactory(campaign=connection.campaign)
    asked(application, mine, body=CALL, secret=SECRET)
    holder = database.copy()
    holder.set_autocommit(False)
    with holder.cursor() as cursor:
        cursor.execute("SELECT 1 FROM campaigns_call FOR UPDATE")
    again = {**CALL, "parameters": {**PARAMETERS, "guests": "seven"}}
    try:
        assert asked(application, mine, body=again, secret=SECRET)[0] == "503 Service Unavailable"
        began = time.monotonic()

        told = asked(application, mine, body=again, secret=SECRET)
        elsewhere = {**CALL, "customerPhoneNumber": "+14155550177"}
        status, _, _ = asked(
            application, f"/c/{other.slug}/tools/confirmation", body=elsewhere, secret=SECRET
        )
    finally:
        holder.rollback()
        holder.close()

    assert told[0] == "503 Service Unavailable" and status == "200 OK"
    assert time.monotonic() - began < patience.ASKED_AGAIN_SECONDS
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("door", "say"),
    [
        ("tools/confirmation", TRY_AGAIN),
        ("tools/stop_texting", NOT_SURE_NOTED),
        ("tools/get_sms_status", CANNOT_LOOK_UP),
        ("prompt", CANNOT_LOOK_UP),
    ],
)
def test_what_is_said_of_a_database_that_cannot_be_reached_is_true_of_what_was_asked(
    application, offered, connection, wire, door, say
):
    wire.cut()
    database.close()

    body = None if door == "prompt" else CALL
    status, _, answer = asked(application, f"/c/{connection.slug}/{door}", body=body, secret=SECRET)

    assert (status, json.loads(answer)["say"]) == ("503 Service Unavailable", say)


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


class TestADatabaseThatDoesNotAnswer:
    @pytest.mark.parametrize("known", [False, True], ids=["a new connection", "one that was kept"])
    @pytest.mark.parametrize(("door", "body"), [("tools/confirmation", CALL), ("vapi", TWO_CALLS)])
    def test_keeps_no_caller_waiting_for_longer_than_three_seconds(
        self, application, offered, connection, wire, door, body, known
    ):
        if known:
            before = {**CALL, "callId": "before", "customerPhoneNumber": "+14155550199"}
            asked(application, f"/c/{connection.slug}/tools/confirmation", body=before, secret=SECRET)
        else:
            database.close()
        wire.fall_silent()
        began = time.monotonic()

        _, _, answer = asked(application, f"/c/{connection.slug}/{door}", body=body, secret=SECRET)

        assert time.monotonic() - began < ANSWER_WITHIN_SECONDS
        assert b"The database does not answer" in answer or MAYBE_NOT.encode() in answer

    def test_may_do_later_what_it_was_asked_and_the_second_request_is_told_so(
        self, application, offered, connection, wire
    ):
        path = f"/c/{connection.slug}/tools/confirmation"
        before = {**CALL, "callId": "before", "customerPhoneNumber": "+14155550199"}
        asked(application, path, body=before, secret=SECRET)
        wire.fall_silent()
        status, _, answer = asked(application, path, body=CALL, secret=SECRET)
        assert status == "503 Service Unavailable" and MAYBE_NOT.encode() in answer

        wire.talk()
        patience.usual(database)
        eventually(lambda: Message.objects.filter(recipient=CALLER).exists())
        time.sleep(patience.ASKED_AGAIN_SECONDS)
        _, _, answer = asked(application, path, body=CALL, secret=SECRET)

        assert "I've already asked for that text" in answer.decode()
        assert Message.objects.filter(recipient=CALLER).count() == 1

    def test_is_asked_by_nobody_for_a_second_once_somebody_has_waited_in_vain(
        self, application, offered, connection, wire
    ):
        path = f"/c/{connection.slug}/tools/confirmation"
        asked(application, path, body={**CALL, "callId": "before"}, secret=SECRET)
        wire.fall_silent()
        asked(application, path, body=CALL, secret=SECRET)
        began = time.monotonic()

        # As those that waited for a thread meanwhile, in whatever campaign. What asks nobody tells nothing.
        other = ConnectionFactory.build(slug="another")
        told = []
        for slug in (connection.slug, other.slug, connection.slug):
            told.append(asked(application, f"/c/{slug}/tools/confirmation", body=CALL, secret=SECRET)[0])
            assert asked(application, f"/c/{slug}/mcp")[0] == "405 Method Not Allowed"

        assert told == ["503 Service Unavailable"] * 3
        assert time.monotonic() - began < patience.ASKED_AGAIN_SECONDS
        wire.talk()
        eventually(lambda: asked(application, path, body=CALL, secret=SECRET)[0] == "200 OK")

    def test_is_waited_for_by_a_browser(self, application, wire):
        database.ensure_connection()
        wire.fall_silent()
        threading.Timer(ANSWER_WITHIN_SECONDS + 0.5, wire.talk).start()

        assert asked(application, "/readyz")[0] == "200 OK"
