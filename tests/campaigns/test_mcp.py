"""The MCP endpoint, as the official SDK's client uses it, and byte by byte in both of the protocol's eras."""

from __future__ import annotations

import asyncio
import json

import httpx2
import pytest
from django.db import connection as database
from django.test import Client
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client

from campaigns.models import Call, Consent, ToolCall
from sms.models import Message
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

OLD, NEW = "2025-11-25", "2026-07-28"
CALL = {"X-Call-Id": "call-1", "X-Caller-Number": CALLER}


@pytest.fixture
def post(connection, template):
    """Posts one JSON-RPC message; keywords are its headers, by the names that Django has for them."""

    def post(message, secret=SECRET, slug=connection.slug, era=OLD, method="post", **headers):
        sent = {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": era,
            **({"Authorization": f"Bearer {secret}"} if secret else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if era == NEW and isinstance(message, dict):
            sent = {"Mcp-Method": message.get("method", ""), **sent}
            if message.get("method") == "tools/call":
                sent = {"Mcp-Name": message["params"]["name"], **sent}
            message = {**message, "params": {**message.get("params", {}), "_meta": META}}
        data = message if isinstance(message, (str, bytes)) else json.dumps(message)
        return getattr(Client(), method)(
            f"/c/{slug}/mcp", data=data, content_type="application/json", headers=sent
        )

    return post


META = {
    "io.modelcontextprotocol/protocolVersion": NEW,
    "io.modelcontextprotocol/clientInfo": {"name": "a runtime", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


def call(name="confirmation", number=2, **arguments):
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": name, "arguments": {**PARAMETERS, **arguments}},
    }


def nothing_is_written() -> bool:
    return not any(model.objects.exists() for model in (Message, Call, ToolCall, Consent))


class TestBothEras:
    pytestmark = pytest.mark.parametrize("era", [OLD, NEW])

    def test_list_the_tools_in_a_stable_order_as_strict_schemas(self, post, era):
        found = post(LIST, era=era).json()["result"]["tools"]

        assert [tool["name"] for tool in found] == ["confirmation", "get_sms_status", "stop_texting"]
        assert found[0]["title"] == "Confirmation"
        assert found[0]["annotations"]["idempotentHint"] is True
        assert found[0]["inputSchema"]["additionalProperties"] is False
        assert set(found[0]["inputSchema"]["required"]) == {"guests", "day", "consent"}

    def test_fire_a_tool_and_say_what_came_of_it(self, post, era):
        result = post(call(), era=era, **CALL).json()["result"]

        message = Message.objects.get()
        assert message.body == "Your table for four is booked for Friday."
        assert message.recipient == CALLER
        assert result.get("isError", False) is False
        assert result["content"][0]["text"] == "The text is on its way to the number ending in 2 3."
        assert result["structuredContent"] == {
            "status": "accepted",
            "say": "The text is on its way to the number ending in 2 3.",
            "messageId": str(message.pk),
            "code": "",
        }

    def test_tell_a_refusal_as_an_answer(self, post, era):
        result = post(call(consent="no"), era=era, **CALL).json()["result"]

        assert result.get("isError", False) is False
        assert result["structuredContent"]["code"] == "consent_required"
        assert "Is it all right" in result["content"][0]["text"]
        assert not Message.objects.exists()

    def test_say_of_a_request_that_is_made_again_with_another_id_that_it_came_already(self, post, era):
        first = post(call(number=2), era=era, **CALL).json()["result"]
        again = post(call(number=3), era=era, **CALL).json()["result"]

        say = again["content"][0]["text"]
        assert say.startswith("I've already asked for that text, so I won't send it twice.")
        assert again["structuredContent"] == {**first["structuredContent"], "say": say}
        assert Message.objects.count() == 1

    def test_tell_the_model_what_is_wrong_with_its_arguments(self, post, era):
        result = post(call(guests=4), era=era, **CALL).json()["result"]

        assert result["isError"] is True
        assert "“guests” must be a string" in result["content"][0]["text"]
        assert nothing_is_written()

    def test_do_not_know_a_tool_of_another_campaign(self, post, era):
        result = post(call("another"), era=era, **CALL).json()["result"]

        assert result["isError"] is True
        assert "no tool of this name" in result["content"][0]["text"]
        assert nothing_is_written()

    def test_take_the_call_from_the_headers_alone(self, post, era):
        result = post(call(), era=era, X_Caller_Number=CALLER).json()["result"]

        assert result["isError"] is True
        assert "X-Call-Id" in result["content"][0]["text"]
        assert nothing_is_written()

    def test_never_take_the_number_from_what_the_model_wrote(self, post, era):
        result = post(call(), era=era, X_Call_Id="call-1").json()["result"]

        assert result["structuredContent"]["code"] == "no_caller_number"
        assert not Message.objects.exists()

    @pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", "é"])
    def test_open_to_the_secret_alone(self, post, era, secret):
        answer = post(call(), era=era, secret=secret, **CALL)

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert nothing_is_written()

    def test_are_closed_once_the_connection_is_revoked(self, post, era, connection):
        connection.revoke()

        assert post(call(), era=era, **CALL).status_code == 401

    def test_refuse_a_page_of_another_origin(self, post, era):
        assert post(call(), era=era, Origin="https://evil.example", **CALL).status_code == 403
        assert nothing_is_written()


class TestTheOldEra:
    def test_shakes_hands_without_a_session(self, post):
        asked = {"protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
        answer = post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": asked})

        result = answer.json()["result"]
        assert (result["protocolVersion"], result["serverInfo"]["name"]) == (OLD, "midcall")
        assert "tools" in result["capabilities"]
        assert "Mcp-Session-Id" not in answer
        told = post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert (told.status_code, told.content) == (202, b"")

    @pytest.mark.parametrize("method", ["get", "delete", "put"])
    def test_has_no_stream_to_open_and_no_session_to_end(self, post, method):
        answer = post("", method=method)

        assert (answer.status_code, answer["Allow"]) == (405, "POST")


class TestTheNewEra:
    def test_says_what_it_is_and_which_versions_it_speaks(self, post):
        result = post({"jsonrpc": "2.0", "id": 1, "method": "server/discover"}, era=NEW).json()["result"]

        assert NEW in result["supportedVersions"]
        assert "tools" in result["capabilities"]

    def test_says_how_long_the_list_may_be_kept_and_by_whom(self, post):
        result = post(LIST, era=NEW).json()["result"]

        assert (result["ttlMs"], result["cacheScope"]) == (30_000, "private")
        assert result["resultType"] == "complete"

    def test_refuses_headers_that_do_not_match_the_body(self, post):
        answer = post(call(), era=NEW, Mcp_Name="another", **CALL)

        assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)
        assert nothing_is_written()

    def test_names_the_versions_to_one_that_speaks_another(self, post):
        answer = post(LIST, era="2031-01-01")

        assert answer.status_code == 400
        assert nothing_is_written()

    def test_does_not_know_other_methods(self, post):
        answer = post({"jsonrpc": "2.0", "id": 1, "method": "tools/rename"}, era=NEW)

        assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)


HOSTILE = [
    "",
    "null",
    "[]",
    "{",
    '"text"',
    "NaN",
    '{"jsonrpc": "2.0"}',
    '{"jsonrpc": "1.0", "id": 1, "method": "tools/list"}',
    '{"jsonrpc": "2.0", "id": {}, "method": "tools/list"}',
    '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}',
    '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
    '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "note", "arguments": []}}',
    "[" * 20_000 + "]" * 20_000,
    b"\xff\xfe{}",
]


@pytest.mark.parametrize("era", [OLD, NEW])
@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:60]))
def test_what_is_no_request_is_answered_as_such_and_writes_nothing(post, era, body):
    answer = post(body, era=era, **CALL)

    assert answer.status_code < 500 or "error" in answer.json()
    assert answer.status_code != 500
    assert nothing_is_written()


def test_a_body_that_is_too_large_is_not_read(post):
    answer = post(call(guests="x" * 70_000), **CALL)

    assert answer.status_code == 413
    assert nothing_is_written()


@pytest.mark.parametrize("header", ["X_Call_Id", "X_Caller_Name", "X_Call_Language"])
@pytest.mark.parametrize("value", ["x" * 5000, "\x7f"])
def test_headers_that_do_not_fit_are_named_and_write_nothing(post, header, value):
    result = post(call(), **{**CALL, header: value}).json()["result"]

    assert result["isError"] is True
    assert nothing_is_written()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("headers", [CALL])
def test_the_official_client_lists_and_fires(live_server, connection, template, headers):
    async def go():
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {SECRET}", **headers}) as client,
            streamable_http_client(f"{live_server.url}/c/{connection.slug}/mcp", http_client=client) as (
                read,
                write,
                *_,
            ),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            listed = await session.list_tools()
            return [tool.name for tool in listed.tools], await session.call_tool("confirmation", PARAMETERS)

    names, answer = asyncio.run(go())

    assert names == ["confirmation", "get_sms_status", "stop_texting"]
    assert answer.structured_content["status"] == "accepted"
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sms_message")
        assert cursor.fetchone() == (1,)
