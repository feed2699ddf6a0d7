"""Waiting for a runtime's first call: what the page says, and what is kept of requests that are refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Call, Connection, Contact, ToolCall
from campaigns.models.contacts import MEND, Failure
from sms.models import Message, State
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

OTHER = "mc_another_one_that_opens_nothing"


@pytest.fixture
def asks(olive, campaign, connection):
    """The part of the page that asks for itself again."""
    User.objects.filter(pk=olive.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(User.objects.get(pk=olive.pk))
    address = reverse("admin:campaigns_campaign_arrival", args=[campaign.pk, connection.pk])
    return lambda seen="": client.get(f"{address}?seen={seen}") if seen else client.get(address).text


def send(connection, path, body, **headers):
    """A request to one of the connection's doors, as it stands."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return Client().post(
        f"/c/{connection.slug}/{path}",
        data=data,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def bearer(secret=SECRET):
    return {"Authorization": f"Bearer {secret}"}


ENVELOPE = {"callId": "call-1", "customerPhoneNumber": CALLER, "parameters": PARAMETERS}
RETELL = {
    "name": "confirmation",
    "args": PARAMETERS,
    "call": {"call_id": "call-1", "direction": "inbound", "from_number": CALLER},
}
RPC = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "confirmation", "arguments": PARAMETERS},
}
MCP = {"Accept": "application/json, text/event-stream", **bearer()}


def signed(seconds_ago: int, key: str) -> Callable[[], dict[str, str]]:
    """The headers of a request that is signed when it is sent, which may be long after this is read."""

    def headers() -> dict[str, str]:
        stamp = str(int((time.time() - seconds_ago) * 1000))
        digest = hmac.new(key.encode(), json.dumps(RETELL).encode() + stamp.encode(), hashlib.sha256)
        return {"X_Retell_Signature": f"v={stamp},d={digest.hexdigest()}"}

    return headers


# What is wrong: the runtime, the path, the body, the headers.
BROKEN = {
    Failure.NO_SECRET: ("http", "tools/confirmation", ENVELOPE, {}),
    Failure.WRONG_SECRET: ("http", "tools/confirmation", ENVELOPE, bearer(OTHER)),
    Failure.WRONG_RUNTIME: ("vapi", "retell", RETELL, bearer()),
    Failure.SIGNATURE: ("retell signed", "retell", RETELL, signed(0, "another key")),
    Failure.OLD_TIMESTAMP: ("retell signed", "retell", RETELL, signed(3600, "key")),
    Failure.MUST_BE_SIGNED: ("retell signed", "tools/confirmation", ENVELOPE, bearer()),
    Failure.UNKNOWN_TOOL: ("http", "tools/no_such_tool", ENVELOPE, bearer()),
    Failure.PARAMETERS: ("http", "tools/confirmation", {**ENVELOPE, "parameters": {}}, bearer()),
    Failure.NO_CALL: ("http", "tools/confirmation", {**ENVELOPE, "callId": ""}, bearer()),
    Failure.NUMBER: ("http", "tools/confirmation", {**ENVELOPE, "customerPhoneNumber": "me"}, bearer()),
    Failure.BODY: ("http", "tools/confirmation", "{", bearer()),
    Failure.TOO_LARGE: ("http", "tools/confirmation", " " * 70_000, bearer()),
}
# The same at other doors.
ALSO_BROKEN = [
    (Failure.WRONG_SECRET, ("vapi", "vapi", {"message": {"type": "tool-calls"}}, bearer(OTHER))),
    (Failure.NO_SECRET, ("jambonz", "jambonz", {}, {})),
    (Failure.NO_CALL, ("bland", "bland", {"tool": "confirmation", "parameters": PARAMETERS}, bearer())),
    (Failure.BODY, ("bland", "bland", "[]", bearer())),
    (Failure.WRONG_SECRET, ("mcp", "mcp", RPC, {**MCP, **bearer(OTHER)})),
    (Failure.NO_SECRET, ("mcp", "mcp", RPC, {"Accept": MCP["Accept"]})),
    (Failure.NO_CALL, ("mcp", "mcp", RPC, MCP)),
    (Failure.BODY, ("mcp", "mcp", "{", MCP)),
    (Failure.BODY, ("mcp", "mcp", RPC, bearer())),
]


class TestWaiting:
    def test_begins_with_nothing_and_asks_again(self, asks):
        page = asks()

        assert "Waiting for the first call…" in page and "Nothing has come in" in page
        assert 'hx-trigger="every 2s"' in page

    def test_knows_when_the_tools_were_asked_for(self, asks, connection, template):
        Client().get(f"/c/{connection.slug}/tools", headers=bearer())

        assert "the URL and the secret are right" in asks()

    def test_turns_green_with_the_first_call_and_ends_when_the_text_has(self, asks, door):
        door()

        page = asks()
        assert "The call has arrived" in page and "mc-arrived" in page and "call-1" in page
        assert "hx-trigger" in page and "last used" in page and "not used yet" not in page
        Message.objects.update(state=State.DELIVERED)
        page = asks()
        assert "The text has arrived." in page and "hx-trigger" not in page

    def test_is_told_once_and_again_when_it_is_otherwise(self, asks, door):
        seen = asks().partition("?seen=")[2].partition('"')[0]

        assert asks(seen).status_code == 204
        door()
        assert "The call has arrived" in asks(seen).text

    def test_a_refusal_by_a_rule_has_arrived_too(self, asks, door):
        door(parameters={**PARAMETERS, "consent": ""})

        page = asks()
        assert "mc-arrived" in page and "Is it all right" in page and "hx-trigger" not in page

    def test_a_call_without_a_number_says_so_and_is_waited_for(self, asks, door):
        door(customerPhoneNumber="")

        page = asks()
        assert "without the caller&#x27;s number" in page and "hx-trigger" in page

    @pytest.mark.parametrize(
        ("failure", "request_"), [*BROKEN.items(), *ALSO_BROKEN], ids=lambda each: str(each)[:20]
    )
    def test_says_what_was_wrong_and_turns_green_after_all(
        self, asks, connection, template, failure, request_
    ):
        runtime, path, body, headers = request_
        connection.runtime = runtime.split()[0]
        if "signed" in runtime:
            connection.signing_secret = "key"
        connection.save()

        send(connection, path, body, **(headers() if callable(headers) else headers))

        page = asks()
        assert Contact.objects.get().failure == failure
        assert "A request came, and it was refused" in page and "mc-broken" in page
        assert MEND[failure].replace("'", "&#x27;") in page and "hx-trigger" in page
        assert not ToolCall.objects.exists()

        connection.stop_signing()
        assert send(connection, "tools/confirmation", ENVELOPE, **bearer()).json()["status"] == "accepted"
        assert "The call has arrived" in asks()

    def test_a_replaced_secret_is_told_from_a_wrong_one(self, asks, connection, template):
        connection.rotate(timedelta(0))

        send(connection, "tools/confirmation", ENVELOPE, **bearer())

        assert MEND[Failure.OLD_SECRET] in asks()

    def test_a_revoked_connection_is_asked_for_no_more(self, asks, connection):
        connection.revoke()

        send(connection, "tools/confirmation", ENVELOPE, **bearer())

        assert Contact.objects.get().failure == Failure.REVOKED
        assert "hx-trigger" not in asks()

    def test_a_failure_after_calls_is_told_with_the_last_good_one(self, asks, door):
        door()
        door(secret=OTHER)

        page = asks()
        assert "it was refused" in page and "The last one that was answered came" in page

    def test_after_a_new_secret_it_is_the_new_one_that_is_waited_for(self, asks, door, connection):
        door(secret=OTHER)
        door()
        secret = connection.rotate(timedelta(hours=1))
        Contact.forget_failure(connection.pk)

        page = asks()
        assert "Waiting for the new secret…" in page and f"ends in {secret[-4:]}" in page
        door(secret=secret, callId="call-2")
        assert "The call has arrived" in asks() and "call-2" in asks()
        assert Contact.objects.get().failures == 1


class TestWhatIsKept:
    def test_is_one_row_however_many_requests_are_refused(self, connection, template, monkeypatch):
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)

        for _ in range(20):
            send(connection, "tools/confirmation", ENVELOPE, **bearer(OTHER))

        assert Contact.objects.get().failures == 1
        # A second later the rest is counted in; in the database the second has to have passed, too.
        Contact.objects.update(failed_at=timezone.now() - timedelta(seconds=2))
        monkeypatch.setattr(time, "monotonic", lambda: now + 2)
        send(connection, "tools/confirmation", ENVELOPE, **bearer(OTHER))
        assert Contact.objects.get().failures == 21

    def test_asks_the_database_for_nothing_more_within_a_second(self, connection, template, monkeypatch):
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now)
        send(connection, "retell", b"{}")

        with CaptureQueriesContext(database) as asked:
            send(connection, "tools/confirmation", ENVELOPE, **bearer(OTHER))

        assert len(asked) <= 1

    def test_is_nothing_where_there_is_no_such_connection(self, connection, template):
        for slug in ("nothing", "%00", "a" * 2000):
            Client().post(f"/c/{slug}/tools/confirmation", "{}", content_type="application/json")
            Client().post(f"/c/{slug}/vapi", "{}", content_type="application/json", headers=bearer())

        assert not Contact.objects.exists()

    def test_has_nothing_of_the_caller_and_no_secret(self, connection, template):
        for envelope in (
            {**ENVELOPE, "customerPhoneNumber": "+1555123"},
            {**ENVELOPE, "parameters": {**PARAMETERS, "guests": "Mrs Jones " * 40}},
            {**ENVELOPE, "callId": ["Mrs Jones"]},
        ):
            Contact.objects.all().delete()
            Contact._failed.clear()
            assert send(connection, "tools/confirmation", envelope, **bearer()).status_code == 422
            kept = str(Contact.objects.values().get())
            assert "555123" not in kept and "Jones" not in kept and SECRET not in kept

    def test_a_tool_that_was_asked_for_is_named_and_cannot_write_on_the_page(
        self, asks, connection, template
    ):
        send(connection, "tools/<script>alert(1)<", ENVELOPE, **bearer())

        assert "&lt;script&gt;alert(1)&lt;" in asks()

    def test_costs_the_usual_call_no_statement(self, door, connection):
        door(callId="call-1")
        door(callId="call-2", customerPhoneNumber="+14155550124")

        with CaptureQueriesContext(database) as asked:
            answer = door(callId="call-3", customerPhoneNumber="+14155550125")
        assert answer.json()["status"] == "accepted"

        assert not [
            query["sql"] for query in asked if "contact" in query["sql"] or "secretuse" in query["sql"]
        ]
        assert Call.objects.count() == 3

    def test_is_not_asked_of_a_connection_that_was_never_called(self, asks, connection):
        with CaptureQueriesContext(database) as asked:
            asks()

        assert not [query["sql"] for query in asked if "campaigns_toolcall" in query["sql"]]
        assert Connection.objects.count() == 1
