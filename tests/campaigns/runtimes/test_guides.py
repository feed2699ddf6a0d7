"""What a connection's page has to paste for each runtime: complete, of the right shape, within its limits."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess

import pytest

from campaigns import tools
from campaigns.runtimes import DEFINITIONS, GUIDES, mcp
from campaigns.runtimes.guide import Way
from tests import factories
from tests.factories import CALLER

pytestmark = pytest.mark.django_db

# Whatever shells and languages could take for something else.
TOKEN = 'mc_it\'s_${HOME}_a_"secret"_\\'
each = pytest.mark.parametrize("runtime", GUIDES)


@pytest.fixture
def guide(campaign, template):
    """The guide of a runtime for a campaign; `names` are further tools of it."""

    def guide(runtime, *names, secret="mc_the_secret"):
        for name in names:
            action = factories.ActionFactory(owner=campaign.owner, name=name)
            factories.AttachmentFactory(campaign=campaign, action=action)
        offered = tuple(tools.offered(campaign))
        return GUIDES[runtime](Way("https://sms.example.com/c/line", runtime, CALLER, offered, secret))

    return guide


def blocks(guide):
    return [*(block for step in guide.steps for block in step.blocks), *guide.tries]


@each
def test_each_has_steps_and_something_to_try_by_curl_and_by_python(guide, runtime):
    found = guide(runtime)

    assert len(found.steps) > 1 and all(step.says.strip() for step in found.steps)
    running = [block.language for block in blocks(found) if block.runs]
    assert {"shell", "python"} <= set(running)
    assert found.warnings == ()


@each
@pytest.mark.parametrize("secret", ["mc_the_secret", TOKEN], ids=["usual", "hostile"])
def test_each_block_is_of_its_language_and_has_the_secret_as_it_is(guide, runtime, secret):
    found = blocks(guide(runtime, secret=secret))

    assert any(json.dumps(secret)[1:-1] in block.code or secret in block.code for block in found)
    for block in found:
        assert "YOUR_SECRET" not in block.code and "@NOW" not in block.code
        if block.language == "json":
            json.loads(block.code)
        elif block.language == "python":
            compile(block.code, block.title, "exec", flags=0x2000)
        elif block.language == "shell":
            subprocess.run([shutil.which("bash"), "-n"], input=block.code, text=True, check=True)


@each
def test_what_others_wrote_in_a_template_is_neither_given_the_secret_nor_made_code(guide, template, runtime):
    template.description = "Tell every caller: YOUR_SECRET"
    template.save()
    said = 'a" or exit(["@NOW"]) #'
    factories.VariableFactory(template=template, name="day", default=said, description="Bearer YOUR_SECRET")

    for block in blocks(guide(runtime, secret="mc_the_secret")):
        assert "caller: mc_the_secret" not in block.code
        assert '"description": "Bearer mc_the_secret' not in block.code
        if block.language == "python":
            called = [node.func for node in ast.walk(ast.parse(block.code)) if isinstance(node, ast.Call)]
            assert "exit" not in [getattr(function, "id", "") for function in called]


@each
def test_each_says_where_to_call(guide, runtime):
    assert any("https://sms.example.com/c/line/" in block.code for block in blocks(guide(runtime)))


@each
def test_the_caller_is_nothing_that_the_model_fills_in(guide, runtime):
    for block in guide(runtime).tries:
        assert CALLER in block.code or CALLER.replace("+", "%2B") in block.code


def test_a_campaign_without_texts_tries_what_every_campaign_has(campaign):
    way = Way("https://sms.example.com/c/line", "http", CALLER, tuple(tools.offered(campaign)))

    assert "/tools/get_sms_status" in GUIDES["http"](way).tries[0].code


def test_names_that_a_vendor_keeps_for_itself_or_does_not_take_are_warned_of(guide):
    assert "“say”" in guide("bland", "say").warnings[0]
    assert "“2nd_text”" in guide("gemini", "2nd_text").warnings[0]


def test_hosted_mcp_is_not_asked_for_approval_in_the_middle_of_a_call(guide):
    found = json.loads(guide("openai-responses").steps[0].blocks[0].code)

    assert found["require_approval"] == "never" and found["authorization"] == "mc_the_secret"
    assert found["headers"].keys() == {mcp.CALL_ID, mcp.CALLER_NUMBER}


LIMITS = {**dict.fromkeys(DEFINITIONS, 1024), "vapi": 1000}


@pytest.mark.parametrize("shape", DEFINITIONS)
def test_a_long_description_is_cut_and_never_its_rules(campaign, shape):
    action = factories.ActionFactory(
        owner=campaign.owner, name="note", recipient="anyone", description="Use this. " + "a word " * 140
    )
    factories.AttachmentFactory(campaign=campaign, action=action)
    [tool] = tools.of(campaign)
    assert len(tool.description) > max(LIMITS.values())

    defined = DEFINITIONS[shape](tool, "https://sms.example.com/c/line")
    found = (defined.get("function") or defined.get("webhook") or defined)["description"]

    assert len(found) <= LIMITS[shape]
    assert found.startswith("Use this. a word") and "…" in found
    assert found.endswith(
        "Sends one text message (SMS) to a number that the caller gives. Ask the caller first, and call this "
        "only after they agree."
    )


@pytest.mark.parametrize("shape", ["openai", "openai-responses", "gemini"])
def test_a_limit_that_not_every_model_reads_is_told_in_words(campaign, template, shape):
    [tool] = tools.of(campaign)

    written = json.dumps(DEFINITIONS[shape](tool, ""))

    assert "maxLength" not in written and "At most 500 characters." in written


def test_what_may_be_left_out_may_be_null_where_all_is_required(campaign, template):
    factories.VariableFactory(template=template, name="guests", is_required=False)
    [tool] = tools.of(campaign)

    asked = DEFINITIONS["openai"](tool, "")["function"]["parameters"]

    assert asked["required"] == list(asked["properties"]) and asked["additionalProperties"] is False
    assert asked["properties"]["guests"]["type"] == ["string", "null"]
    assert asked["properties"]["day"]["type"] == "string"
