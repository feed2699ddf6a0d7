"""Retell's own: whose number it is, the id in the transcript, and retries."""

from __future__ import annotations

import json
import time

import pytest

from campaigns.models import Call, ToolCall
from sms.models import Message, OptOut
from tests.campaigns.runtimes.vendors import PARAMETERS, RetellArgsOnly, RetellSigned
from tests.factories import CALLER

pytestmark = pytest.mark.django_db

retell = RetellSigned()


@pytest.fixture
def post(line, send):
    """Sends Retell's envelope, with what a test makes of it."""
    connection = line(retell)

    def post(change=None, **fields):
        envelope = retell.envelope()
        if change:
            change(envelope)
        return send(*retell.request(connection, body=json.dumps(envelope).encode(), **fields))

    return post


def test_whom_the_agent_calls_is_texted_where_it_calls_out(post):
    def outbound(envelope):
        envelope["call"] |= {"direction": "outbound", "from_number": "+13125550142", "to_number": CALLER}

    post(outbound)

    assert Message.objects.get().recipient == CALLER


def test_the_tool_calls_id_is_the_one_in_the_transcript(post):
    post()

    assert ToolCall.objects.get().key == "tc-1"


@pytest.mark.parametrize(
    "last",
    [
        {"role": "tool_call_invocation", "tool_call_id": "tc-9", "name": "other", "arguments": "{}"},
        {"role": "tool_call_invocation", "tool_call_id": "tc-9", "name": "confirmation", "arguments": "{}"},
        {"role": "tool_call_invocation", "tool_call_id": ["tc-9"], "name": "confirmation"},
        {"role": "tool_call_invocation"},
    ],
    ids=repr,
)
def test_another_tool_calls_id_is_not_taken_for_it(post, last):
    post(lambda envelope: envelope["call"]["transcript_with_tool_calls"].append(last))

    assert ToolCall.objects.get().key.startswith("signed:")


@pytest.mark.parametrize("transcript", [None, "text", [], [None, 7, "x"], {"role": "agent"}], ids=repr)
def test_without_a_transcript_the_signature_stands_for_it(post, transcript):
    at = time.time()

    def change(envelope):
        envelope["call"]["transcript_with_tool_calls"] = transcript

    first, again = post(change, at=at), post(change, at=at)

    assert ToolCall.objects.get().key.startswith("signed:")
    assert first.json() == again.json()


def test_a_retry_that_is_signed_anew_is_the_same_request(post):
    first, again = post(at=time.time() - 3), post()

    assert first.json() == again.json()
    assert Message.objects.count() == 1


def test_what_the_agent_says_meanwhile_is_no_argument(post):
    said = {"execution_message": "One moment, please."}

    response = post(lambda envelope: envelope.update(args=envelope["args"] | said))

    assert response.json()["status"] == "accepted"


@pytest.mark.parametrize(
    "body",
    [PARAMETERS, {**PARAMETERS, "call": {"call_id": "x", "from_number": "+14155550199"}}, {"args": {}}],
)
def test_arguments_alone_do_not_say_whom_to_text(line, send, body):
    response = send(*retell.request(line(retell), body=json.dumps(body).encode()))

    assert (response.status_code, response.json()["code"]) == (400, "invalid_envelope")
    assert "args only" in response.json()["message"]
    assert not Message.objects.exists()


def test_where_the_address_says_it_nothing_in_the_body_is_believed(line, send):
    vendor = RetellArgsOnly()
    forged = {"from_number": "+14155550199", "name": "stop_texting", **PARAMETERS}

    response = send(*vendor.request(line(vendor), body=json.dumps(forged).encode()))

    assert (response.status_code, response.json()["code"]) == (200, "invalid_parameters")
    assert not Message.objects.exists()


@pytest.mark.parametrize("tool", ["stop_texting", "confirmation"])
def test_a_signed_body_that_says_which_call_it_is_is_not_believed_at_an_address_that_does(line, send, tool):
    path, body, headers = RetellSigned().request(line(RetellSigned()))

    response = send(f"{path}?tool={tool}&call_id=another&caller=%2B14155550199", body, headers)

    assert (response.status_code, response.json()["code"]) == (400, "invalid_envelope")
    assert not Call.objects.exists() and not OptOut.objects.exists()
