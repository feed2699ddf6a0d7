"""What ElevenLabs, Bland, jambonz and Telnyx have of their own."""

from __future__ import annotations

import json

import pytest

from campaigns.models import Call, ToolCall
from sms.models import Message
from tests.campaigns.runtimes.vendors import PARAMETERS, Bland, ElevenLabs, Jambonz, Telnyx, TelnyxSigned
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db


def test_elevenlabs_texts_who_is_called_where_the_agent_calls_out(line, send):
    vendor = ElevenLabs()
    body = vendor.envelope() | {"direction": "outbound", "caller": "+13125550142", "called": CALLER}

    send(*vendor.request(line(vendor), body=json.dumps(body).encode()))

    assert Message.objects.get().recipient == CALLER


@pytest.mark.parametrize("vendor", [ElevenLabs(), Bland()], ids=["ElevenLabs", "Bland"])
def test_the_secret_may_stand_in_the_header_without_a_scheme(vendor, line, send):
    path, body, _ = vendor.request(line(vendor))

    assert send(path, body, {"Authorization": SECRET}).json()["status"] == "accepted"


@pytest.mark.parametrize("vendor", [ElevenLabs(), Bland()], ids=["ElevenLabs", "Bland"])
@pytest.mark.parametrize("call", ["", None, 7, "{{call_id}}"])
def test_a_definition_that_is_not_filled_in_is_said_to_be_wrong(vendor, line, send, call):
    response = send(*vendor.request(line(vendor), call=call))

    assert (response.status_code, response.json()["code"]) == (200, "invalid_request")
    assert "copy the tools' definitions anew" in response.json()["message"]
    assert not Call.objects.exists()


def test_bland_leaves_a_placeholder_where_the_model_wrote_nothing(line, send):
    vendor = Bland()

    response = send(*vendor.request(line(vendor), parameters={**PARAMETERS, "day": "{{input.day}}"}))

    assert "I still need the day" in response.json()["say"]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ", "Basic !!!", "Basic Og==", "Basic " + "A" * 9999, "x y"]
)
def test_jambonz_without_a_password(line, send, header):
    vendor = Jambonz()
    path, body, _ = vendor.request(line(vendor))

    response = send(path, body, {"Authorization": header})

    assert response.json()["result"]["code"] == "not_authentic"
    assert not Call.objects.exists()


def test_jambonz_tool_call_id_makes_it_one_request(line, send):
    vendor = Jambonz()
    send(*vendor.request(line(vendor)))

    assert ToolCall.objects.get().key == "tc-1"


@pytest.mark.parametrize("key", ["", "AAAA", "not a key", "ü"])
def test_a_public_key_that_is_none_opens_nothing(line, send, key):
    vendor = TelnyxSigned()
    path, body, headers = vendor.request(line(vendor, signing={"public_key": key}))

    response = send(path, body, headers)

    assert response.status_code == 401
    assert not Call.objects.exists()


def test_telnyx_without_a_public_key_needs_the_secret(line, send):
    vendor = Telnyx()

    assert send(*vendor.request(line(vendor), secret="")).status_code == 401
