"""The tools as each runtime takes them: complete, within its limits, and without the secret."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from campaigns.models import Call
from campaigns.runtimes import DEFINITIONS, WEBHOOKS
from sms.models import Message
from tests import factories
from tests.campaigns.runtimes.vendors import PARAMETERS
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("shape", DEFINITIONS)
webhook = pytest.mark.parametrize("shape", WEBHOOKS)
# In JSON schema these are ours; what else a vendor knows of it, we do not use.
WORDS = {"type", "properties", "required", "description", "additionalProperties", "maxLength", "pattern"}


@pytest.fixture
def listed(connection, campaign, template, settings):
    """The tools in a shape, by name."""
    settings.PUBLIC_URL = "https://sms.example.com"
    factories.VariableFactory(template=template, name="guests", is_required=False)
    factories.AttachmentFactory(
        campaign=campaign,
        action=factories.ActionFactory(owner=campaign.owner, name="note", recipient="anyone"),
    )

    def listed(shape):
        headers = {"Authorization": f"Bearer {SECRET}"}
        response = Client().get(f"/c/{connection.slug}/tools?format={shape}", headers=headers)
        assert response.status_code == 200
        return {function(tool)["name"]: tool for tool in response.json()["tools"]}

    return listed


def function(tool) -> dict:
    return tool.get("function") or tool.get("webhook") or tool


def schema(tool) -> dict:
    """Where the vendor keeps what the model fills in."""
    found = function(tool)
    if "api_schema" in found:
        return found["api_schema"]["request_body_schema"]["properties"]["parameters"]
    names = ("parameters", "input_schema", "body_parameters")
    return next(found[name] for name in names if name in found)


@each
def test_all_tools_are_there_under_names_that_every_vendor_takes(listed, shape):
    tools = listed(shape)

    assert set(tools) >= {"confirmation", "note", "stop_texting"}
    for name, tool in tools.items():
        assert re.fullmatch("[A-Za-z0-9_-]{1,64}", name)
        assert function(tool)["description"]


@each
def test_the_model_is_asked_for_what_it_must_fill_and_for_nothing_else(listed, shape):
    asked = schema(listed(shape)["confirmation"])

    assert set(asked["properties"]) == {"guests", "day", "consent"}
    assert set(asked["required"]) >= {"day", "consent"}
    for rule in asked["properties"].values():
        assert rule["description"] and "string" in str(rule["type"]).lower()


@each
def test_only_well_known_words_of_json_schema_are_used(listed, shape):
    for tool in listed(shape).values():
        asked = schema(tool)
        known = WORDS | ({"default"} if shape in ("json", "anthropic", "openai-realtime") else set())
        assert set(asked) <= known | {"example"}
        for rule in asked["properties"].values():
            assert set(rule) <= known


@pytest.mark.parametrize("shape", ["openai", "openai-responses"])
def test_strict_schemas_require_all_and_allow_nothing_else(listed, shape):
    for tool in listed(shape).values():
        found = schema(tool)
        assert function(tool)["strict"] is True
        assert found["additionalProperties"] is False
        assert found["required"] == list(found["properties"])


def test_vapis_are_strict_where_nothing_may_be_left_out(listed):
    tools = listed("vapi")

    assert {name: tool["function"]["strict"] for name, tool in tools.items()} == {
        name: name != "confirmation" for name in tools
    }


def test_geminis_schemas_are_openapis(listed):
    asked = schema(listed("gemini")["confirmation"])

    assert asked["type"] == "OBJECT"
    assert {rule["type"] for rule in asked["properties"].values()} == {"STRING"}
    assert "additionalProperties" not in asked


@webhook
def test_vendors_are_told_where_to_call_and_where_the_secret_goes(listed, connection, shape):
    tools = listed(shape)

    if shape == "jambonz":
        # Its tools say no address: the verb has one hook for all.
        return
    for tool in tools.values():
        written = json.dumps(tool)
        assert f"https://sms.example.com/c/{connection.slug}/{shape}" in written
        assert "Authorization" in written
        assert SECRET not in written and connection.secret_hash not in written


def fill(value, variables):
    """What the vendor makes of a definition when its model calls the tool."""
    if isinstance(value, dict) and "constant_value" in value:
        return value["constant_value"]
    if isinstance(value, dict) and "dynamic_variable" in value:
        return variables[value["dynamic_variable"]]
    if isinstance(value, dict) and value.get("type") == "object":
        return {name: fill(rule, variables) for name, rule in value["properties"].items()}
    if isinstance(value, dict) and "type" in value:
        return variables["model"][value["description"]]
    if isinstance(value, dict):
        return {name: fill(inner, variables) for name, inner in value.items()}
    for name, found in variables.items():
        if isinstance(found, str):
            value = value.replace("{{" + name + "}}", found)
    return value


def test_a_text_goes_out_by_elevenlabs_definition_as_it_is_pasted(listed, connection):
    connection.runtime = "elevenlabs"
    connection.save()
    definition = listed("elevenlabs")["confirmation"]["api_schema"]
    rules = definition["request_body_schema"]["properties"]["parameters"]["properties"]
    variables = {
        "system__conversation_id": "conv_1",
        "system__caller_id": CALLER,
        "system__called_number": "+13125550142",
        "model": {rule["description"]: PARAMETERS[name] for name, rule in rules.items()},
    }

    body = fill(definition["request_body_schema"], variables)
    response = sent(definition["url"], body, {"Authorization": f"Bearer {SECRET}"})

    assert response.json()["status"] == "accepted"
    assert (Call.objects.get().external_id, Message.objects.get().recipient) == ("conv_1", CALLER)


def test_a_text_goes_out_by_blands_definition_as_it_is_pasted(listed, connection):
    connection.runtime = "bland"
    connection.save()
    tool = listed("bland")["confirmation"]
    variables = {f"input.{name}": value for name, value in PARAMETERS.items()}

    body = fill(tool["body"], {**variables, "call_id": "b-1", "phone_number": CALLER})
    response = sent(tool["url"], body, pasted(tool["headers"]))

    assert response.json()["status"] == "accepted"
    assert (Call.objects.get().external_id, Message.objects.get().recipient) == ("b-1", CALLER)


def test_a_text_goes_out_by_telnyx_definition_as_it_is_pasted(listed, connection):
    connection.runtime = "telnyx"
    connection.save()
    tool = listed("telnyx")["confirmation"]["webhook"]
    headers = fill(
        {header["name"]: header["value"] for header in tool["headers"]},
        {"call_control_id": "v3:1", "telnyx_end_user_target": CALLER},
    )
    headers["Authorization"] = f"Bearer {SECRET}"

    response = sent(tool["url"], PARAMETERS, headers)

    assert response.json()["status"] == "accepted"
    assert (Call.objects.get().external_id, Message.objects.get().recipient) == ("v3:1", CALLER)


def pasted(headers) -> dict:
    return {name: value.replace("YOUR_SECRET", SECRET) for name, value in headers.items()}


def sent(url, body, headers):
    path = url.removeprefix("https://sms.example.com")
    return Client().post(path, data=json.dumps(body), content_type="application/json", headers=headers)
