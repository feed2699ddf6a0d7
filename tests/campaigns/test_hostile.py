"""The HTTP door and the MCP endpoint, whatever comes with the right secret: no error of ours, and nothing is
written but what was asked for. Vendors' webhooks: runtimes/test_hostile.py."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Call, Consent, ToolCall
from sms.erasing import erasing
from sms.models import Message, OptOut
from tests.campaigns.conftest import PARAMETERS
from tests.campaigns.hostile import DROPPED, anything, places, some, with_changed
from tests.campaigns.test_mcp import META, NEW, OLD
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

ENVELOPE = {
    "callId": "call-1",
    "toolCallId": "tool-call-1",
    "customerPhoneNumber": CALLER,
    "customerName": "Ann",
    "language": "en",
    "parameters": PARAMETERS,
}
TOOLS = ["confirmation", "get_sms_status", "stop_texting", "nonesuch"]
# What a tool may be asked for that every campaign has, too.
WORDS = {"words": "Stop."}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "confirmation", "arguments": PARAMETERS},
}


def changed(data, envelope):
    path = data.draw(st.sampled_from(list(places(envelope))))
    return with_changed(envelope, path, data.draw(st.just(DROPPED) | anything))


def rows() -> list[int]:
    return [model.objects.count() for model in (Message, Call, ToolCall, Consent, OptOut)]


def is_in_order(response, before: list[int]) -> None:
    """No error of ours, and what was refused as broken has written nothing."""
    assert response.status_code < 500, response.content
    assert b"Traceback" not in response.content
    if response.status_code != 200:
        assert rows() == before
        assert all(response.json()[name] for name in ("error", "message", "say"))
    assert {message.recipient for message in Message.objects.all()} <= {CALLER}
    assert Message.objects.count() == ToolCall.objects.filter(outcome="accepted").count()


class TestTheHttpDoor:
    @some(30)
    @given(data=st.data(), tool=st.sampled_from(TOOLS))
    def test_takes_no_harm_from_an_envelope(self, door, data, tool):
        envelope = ENVELOPE if tool == "confirmation" else {**ENVELOPE, "parameters": WORDS}
        body = changed(data, {**envelope, "callId": data.draw(st.sampled_from(["call-1", "call-2"]))})
        before = rows()

        is_in_order(door(tool, body=json.dumps(body)), before)

    @some(15)
    @given(body=anything.map(json.dumps) | st.text(max_size=200) | st.binary(max_size=200))
    def test_takes_no_harm_from_a_body(self, door, body):
        before = rows()

        is_in_order(door(body=body), before)

        assert rows() == before

    @some(15)
    @given(
        tool=st.text(max_size=80).map(lambda name: name.replace("/", "")).filter(bool),
        query=st.text(max_size=40),
        tag=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    )
    def test_takes_no_harm_from_what_is_read(self, door, connection, tool, query, tag):
        headers = {"Authorization": f"Bearer {SECRET}", "If-None-Match": tag}

        for path, asked in (("tools", {"format": query}), ("prompt", {}), (f"messages/{tool}", {})):
            response = Client().get(f"/c/{connection.slug}/{path}", asked, headers=headers)
            assert response.status_code < 500, response.content

    @some(10)
    @given(secret=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
    def test_opens_to_no_other_secret(self, door, secret):
        assert door(secret=secret or "x").status_code == 401
        assert rows() == [0] * 5


@pytest.mark.parametrize("era", [OLD, NEW])
class TestTheMcpEndpoint:
    def post(self, connection, body, era, **headers):
        return Client().post(
            f"/c/{connection.slug}/mcp",
            data=body,
            content_type="application/json",
            headers={
                "Accept": "application/json, text/event-stream",
                "Authorization": f"Bearer {SECRET}",
                "MCP-Protocol-Version": era,
                "Mcp-Method": "tools/call",
                "Mcp-Name": "confirmation",
                "X-Call-Id": "call-1",
                "X-Caller-Number": CALLER,
                **headers,
            },
        )

    @some(20)
    @given(data=st.data())
    def test_takes_no_harm_from_a_message(self, connection, template, data, era):
        message = CALL if era == OLD else {**CALL, "params": {**CALL["params"], "_meta": META}}
        body = json.dumps(changed(data, message))

        response = self.post(connection, body, era)

        assert response.status_code < 500, response.content
        assert b"Traceback" not in response.content
        assert {message.recipient for message in Message.objects.all()} <= {CALLER}
        assert Message.objects.count() == ToolCall.objects.filter(outcome="accepted").count()
        if response.status_code != 200 or "result" not in response.json():
            # Whatever is written was answered: each example has a call of its own.
            assert not Call.objects.exists()
        with erasing():
            for model in (Consent, ToolCall, Message, Call):
                model.objects.all().delete()

    @some(10)
    @given(
        call=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=300),
        number=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
        language=st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    )
    def test_takes_no_harm_from_headers(self, connection, template, era, call, number, language):
        headers = {"X-Call-Id": call, "X-Caller-Number": number, "X-Call-Language": language}

        message = CALL if era == OLD else {**CALL, "params": {**CALL["params"], "_meta": META}}
        response = self.post(connection, json.dumps(message), era, **headers)

        assert response.status_code == 200
        assert not Message.objects.exists()
