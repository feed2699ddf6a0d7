"""What a campaign's tools are, and how an agent sees them."""

from __future__ import annotations

import pytest

from campaigns import tools, toolsets
from campaigns.runtimes import DEFINITIONS
from campaigns.runtimes.base import limit_in_words
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(olive):
    return factories.TemplateFactory(name="confirmation", owner=olive)


@pytest.fixture
def referenced(campaign, template):
    topic = factories.TopicFactory(
        name="Booking",
        actions="Offer a text. If they agree, call {{confirmation}}.",
        questions=["Can I book a table?"],
        content="Open from noon.",
        owner=campaign.owner,
    )
    campaign.topics.add(topic)
    return topic


def named(campaign, name):
    offered = {tool.name: tool for tool in tools.offered(campaign)}
    return toolsets.Toolset(0, campaign, offered).named(name)


def names(campaign):
    return [tool.name for tool in tools.of(campaign)]


class TestWhichTools:
    def test_a_campaign_starts_without_tools(self, campaign, template):
        factories.ActionFactory(owner=campaign.owner)

        assert names(campaign) == []

    def test_an_action_is_a_tool_once_attached(self, campaign):
        attachment = factories.AttachmentFactory(campaign=campaign, action__name="note")
        assert names(campaign) == ["note"]
        assert named(campaign, "note").action == attachment.action

        attachment.delete()
        assert names(campaign) == []

    def test_a_template_is_a_tool_once_a_topic_refers_to_it(self, campaign, template, referenced):
        assert names(campaign) == ["confirmation"]
        assert named(campaign, "confirmation").template == template

    @pytest.mark.parametrize("off", ["topic", "template"])
    def test_what_is_switched_off_is_no_tool(self, campaign, template, referenced, off):
        switched = referenced if off == "topic" else template
        switched.is_active = False
        switched.save()

        assert names(campaign) == []
        with pytest.raises(toolsets.UnknownTool):
            named(campaign, "confirmation")

    def test_a_name_that_only_contains_another_is_not_it(self, campaign, template, olive):
        factories.TemplateFactory(name="firm", owner=olive)
        campaign.topics.add(factories.TopicFactory(actions="{{confirmation}} firm", owner=olive))

        with pytest.raises(toolsets.UnknownTool):
            named(campaign, "firm")

    def test_another_campaigns_tools_are_unknown(self, campaign):
        factories.AttachmentFactory(action__name="theirs")

        with pytest.raises(toolsets.UnknownTool):
            named(campaign, "theirs")

    def test_a_clash_of_names_is_found_whatever_the_capitals(self, campaign, template, referenced):
        assert tools.clashes(campaign) == []

        factories.AttachmentFactory(campaign=campaign, action__name="Confirmation")

        assert tools.clashes(campaign) == ["Confirmation", "confirmation"]


class TestSchema:
    def test_a_template_asks_for_its_variables_and_consent(self, template):
        schema = tools.Tool(template).parameters

        assert schema["required"] == ["guests", "day", "consent"]
        assert set(schema["properties"]) == {"guests", "day", "consent"}
        assert schema["additionalProperties"] is False

    def test_an_action_without_a_template_asks_for_the_text(self, olive):
        action = factories.ActionFactory(owner=olive, transactional=True)

        assert tools.Tool(action).parameters["required"] == ["message"]

    def test_who_may_text_anyone_is_asked_for_the_number(self, olive, template):
        action = factories.ActionFactory(owner=olive, recipient="anyone", template=template)

        assert tools.Tool(action).parameters["required"] == [
            "to",
            "recipient_confirmed",
            "guests",
            "day",
            "consent",
        ]

    def test_the_description_holds_what_ops_wrote_and_the_rules(self, template):
        description = tools.Tool(template).description

        assert description.startswith(template.description)
        assert "caller's own number" in description
        assert "after they agree" in description

    def test_each_runtime_gets_its_shape(self, template):
        tool = tools.Tool(template)

        openai = DEFINITIONS["openai"](tool)
        assert openai["type"] == "function"
        assert openai["function"]["strict"] is True
        properties = tool.parameters["properties"]
        strict = {name: limit_in_words(rule) for name, rule in properties.items()}
        assert openai["function"]["parameters"] == {**tool.parameters, "properties": strict}
        assert DEFINITIONS["anthropic"](tool)["input_schema"] == tool.parameters
        assert DEFINITIONS["json"](tool)["parameters"] == tool.parameters


def test_the_prompt_holds_instructions_topics_and_resolved_references(campaign, referenced):
    campaign.instructions = "You answer the phone."

    prompt = tools.compiled_prompt(campaign)

    assert prompt.startswith("You answer the phone.")
    for part in ("## Booking", "- Can I book a table?", "Open from noon.", "call `confirmation`."):
        assert part in prompt
    assert "{{" not in prompt


def test_the_prompt_says_of_a_reference_that_does_not_hold_that_it_does_not(campaign, referenced, template):
    template.is_active = False
    template.save()

    assert "`confirmation` (not available now)" in tools.compiled_prompt(campaign)
