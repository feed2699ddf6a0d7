"""Who fills in what, in which language, and what is refused of it: as a runtime sees it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from campaigns import parameters, tools
from campaigns.drafts import Caller
from campaigns.models import Call, ToolCall
from campaigns.runtimes import DEFINITIONS
from sms.models import Message, SmsTemplate
from tests import factories
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(campaign):
    template = factories.TemplateFactory(
        name="booking", owner=campaign.owner, body="Booked for {{ day }}.", transactional=True
    )
    campaign.topics.add(factories.TopicFactory(actions="Call {{booking}}.", owner=campaign.owner))
    return template


@pytest.fixture
def variable(template):
    def describe(name, body=None, **fields):
        if body:
            template.body = body
            template.save()
        variable = factories.VariableFactory.build(template=template, name=name, **fields)
        variable.full_clean()
        variable.save()
        return variable

    return describe


@pytest.fixture
def fire(connection, template):
    """Fires the tool with what the model writes; keywords in the envelope's spelling replace its fields."""

    def fire(parameters, **envelope):
        envelope = {"callId": "call-1", "customerPhoneNumber": CALLER, "parameters": parameters, **envelope}
        return Client().post(
            f"/c/{connection.slug}/tools/booking",
            data=json.dumps(envelope),
            content_type="application/json",
            headers={"Authorization": f"Bearer {SECRET}"},
        )

    return fire


def sent() -> str:
    return Message.objects.get().body


def refused(answer, code: str) -> str:
    """What the agent is told to say; the refusal is on record, and nothing was sent."""
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["code"]) == ("refused", code)
    assert ToolCall.objects.get().refusal == code
    assert not Message.objects.exists()
    return answer.json()["say"]


def unfit(answer) -> dict:
    """The answer to a broken request: nothing is written."""
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_parameters")
    assert not Call.objects.exists()
    return answer.json()


def schema(template) -> dict:
    template.refresh_from_db()
    return tools.Tool(template).parameters


class TestSources:
    BODY = "{{ shop }} called {{ number }} for {{ name }} by {{ line }} on {{ day }}"

    @pytest.fixture
    def typed(self, variable):
        variable("shop", self.BODY, source="fixed", fixed_text="Olive & Thyme")
        variable("number", source="caller_number")
        variable("line", source="campaign")
        return variable("name", source="caller_name")

    def test_the_model_is_asked_only_for_what_it_must_fill(self, typed, template):
        assert list(schema(template)["properties"]) == ["day"]

    def test_the_rest_is_filled_in_for_it(self, typed, fire, campaign):
        fire({"day": "Friday"}, customerName="Ann O'Brien")

        assert sent() == f"Olive & Thyme called +1 415-555-0123 for Ann O'Brien by {campaign.name} on Friday"

    def test_the_model_cannot_fill_what_is_not_its_own(self, typed, fire):
        problem = unfit(fire({"day": "Friday", "number": "+14155550199"}))

        assert "no parameter “number”" in problem["message"]

    @pytest.mark.parametrize("name", ["", "  ", "x" * 61, "see example.com"])
    def test_without_a_name_that_could_stand_there_the_default_does(self, typed, fire, name):
        typed.default = "our guest"
        typed.save()

        fire({"day": "Friday"}, customerName=name)

        assert "for our guest by" in sent()

    def test_a_name_that_would_be_part_of_a_link_counts_as_none(self, typed, template, fire):
        template.body = "{{ name }}.com {{ shop }}, {{ number }}, {{ line }}, {{ day }}"
        template.save()
        typed.default = "Our guest"
        typed.save()

        fire({"day": "Friday"}, customerName="pay-me")

        assert sent().startswith("Our guest.com")

    def test_a_name_that_shows_nothing_counts_as_none(self, typed, fire):
        refused(fire({"day": "Friday"}, customerName="\u2800"), "no_caller_name")

    def test_without_a_name_and_a_default_the_agent_is_told(self, typed, fire):
        say = refused(fire({"day": "Friday"}), "no_caller_name")

        assert "name" in say

    def test_a_name_that_came_earlier_in_the_call_counts(self, typed, fire):
        refused(fire({"day": "Friday"}, toolCallId="1"), "no_caller_name")
        Call.objects.update(caller_name="Ann")

        fire({"day": "Friday"}, toolCallId="2")

        assert "for Ann by" in sent()

    def test_nothing_in_a_value_is_interpreted(self, typed, fire):
        fire({"day": "{{ number }}"}, customerName="{{ day }}")

        assert sent().endswith(
            "for {{ day }} by " + Call.objects.get().connection.campaign.name + " on {{ number }}"
        )


class TestWhatTheAgentFills:
    def test_the_schema_tells_its_rules(self, variable, template):
        variable("day", description="A weekday.", max_characters=9, pattern="[A-Z][a-z]+")

        rules = schema(template)

        assert rules["properties"]["day"] == {
            "type": "string",
            "description": "A weekday. No web address.",
            "maxLength": 9,
            "pattern": "^(?:[A-Z][a-z]+)$",
        }
        assert rules["required"] == ["day"]

    @pytest.mark.parametrize("description", ["A weekday, such as Friday", "A weekday, such as Friday."])
    def test_a_description_is_a_sentence(self, variable, template, description):
        variable("day", description=description)

        rules = schema(template)["properties"]["day"]

        assert rules["description"] == "A weekday, such as Friday. No web address."

    def test_the_schema_tells_what_stands_there_otherwise(self, variable, template):
        variable("day", is_required=False, default="soon")

        rules = schema(template)

        assert rules["properties"]["day"]["default"] == "soon"
        assert "“soon”" in rules["properties"]["day"]["description"]
        assert rules["required"] == []

    def test_strict_runtimes_may_say_null(self, variable, template, fire):
        variable("day", is_required=False, default="soon")

        strict = DEFINITIONS["openai"](tools.Tool(template))["function"]["parameters"]
        fire({"day": None})

        assert strict["required"] == ["day"]
        assert strict["properties"]["day"]["type"] == ["string", "null"]
        assert "default" not in strict["properties"]["day"]
        assert sent() == "Booked for soon."

    @pytest.mark.parametrize(
        "value", ["", "  ", "\u200b", "\u2800", "\U000e0041\U000e0042", "\ue000", " \u2060 "]
    )
    def test_what_shows_nothing_is_missing(self, fire, value):
        problem = unfit(fire({"day": value}))

        assert problem["message"] == "The parameter “day” is missing."
        assert "I still need the day" in problem["say"]

    @pytest.mark.parametrize("parameters", [{}, {"day": ""}, {"day": "  "}, {"day": "\u200b"}])
    def test_what_may_be_missing_may(self, variable, fire, parameters):
        variable("day", is_required=False)

        fire(parameters)

        assert sent() == "Booked for ."

    @pytest.mark.parametrize(
        ("rules", "value"),
        [
            ({}, "  "),
            ({}, "x" * 61),
            ({}, "Friday\n7 pm"),
            ({"pattern": "[A-Z][a-z]+"}, "friday"),
            ({"max_characters": 3}, "four"),
        ],
    )
    def test_what_does_not_fit_is_sent_back_with_what_to_write(self, variable, fire, rules, value):
        variable("day", **rules)

        problem = unfit(fire({"day": value}))

        assert "day" in problem["message"] and problem["say"]

    @pytest.mark.parametrize("value", ["Friday, see evil.example/pay", "ｅvil．example", "hxxp://x"])
    def test_a_link_is_refused_on_record(self, fire, value):
        say = refused(fire({"day": value}), "link_not_allowed")

        assert "leave it out" in say

    @pytest.mark.parametrize(
        ("body", "values"),
        [
            ("Pay at {{ a }}{{ b }}", {"a": "evil", "b": ".com/x"}),
            ("Pay at {{ c }}.com", {"c": "pay-me"}),
        ],
    )
    def test_so_is_one_that_comes_about_where_values_meet(self, template, fire, body, values):
        template.body = body
        template.save()

        say = refused(fire(values), "link_not_allowed")

        assert "leave it out" in say

    def test_a_link_that_stands_in_the_text_may_end_in_a_value(self, template, fire):
        template.body = "See https://example.com/{{ code }}."
        template.save()

        fire({"code": "AB12"})

        assert sent() == "See https://example.com/AB12."

    def test_a_link_goes_where_the_variable_allows_it(self, variable, fire):
        variable("day", allows_links=True)

        fire({"day": "Friday: https://example.com/x"})

        assert sent() == "Booked for Friday: https://example.com/x."

    def test_too_many_segments_are_refused_with_what_to_shorten(self, variable, template, fire):
        template.max_segments = 1
        variable("guest_name", "{{ guest_name }} {{ day }}" + "x" * 100, max_characters=200)

        say = refused(fire({"guest_name": "y" * 70, "day": "Friday"}), "too_many_segments")

        assert "shorten the guest name" in say

    def test_of_too_many_segments_the_character_that_costs_them_is_named(self, template, fire):
        template.max_segments = 1
        template.body = "{{ day }}" + "x" * 100
        template.save()

        say = refused(fire({"day": "Friday’s"}), "too_many_segments")

        assert "leave out ’" in say
        fire({"day": "Friday's"})
        assert Message.objects.count() == 1


class TestLanguages:
    @pytest.fixture(autouse=True)
    def translations(self, template):
        factories.TranslationFactory(template=template, language="es", body="Reservado: {{ day }}.")
        factories.TranslationFactory(template=template, language="pt-BR", body="Reservado para {{ day }}.")

    @pytest.mark.parametrize(
        ("language", "body"),
        [
            ("es", "Reservado: x."),
            ("es-MX", "Reservado: x."),
            ("ES_mx", "Reservado: x."),
            ("pt-BR", "Reservado para x."),
            ("en-GB", "Booked for x."),
            # Without a text of its own, the template's is sent.
            ("pt", "Booked for x."),
            ("ja", "Booked for x."),
        ],
    )
    def test_the_calls_language_picks_the_text(self, fire, language, body):
        fire({"day": "x"}, language=language)

        assert sent() == body

    def test_without_one_the_campaigns_does(self, fire, campaign):
        campaign.language = "es"
        campaign.save()

        fire({"day": "x"})

        assert sent() == "Reservado: x."

    def test_what_is_no_language_is_a_broken_request(self, fire):
        answer = fire({"day": "x"}, language="Spanish")

        assert (answer.status_code, answer.json()["error"]) == (422, "invalid_language")
        assert "es for Spanish" in answer.json()["message"]

    def test_the_same_in_another_language_is_another_text(self, fire):
        fire({"day": "x"})
        fire({"day": "x"}, language="es")
        fire({"day": "x"}, language="es-MX")

        assert Message.objects.count() == 2


@given(st.text() | st.text(alphabet="{}. day:/\u202e\n", max_size=70))
def test_whatever_the_model_writes_stands_in_the_text_as_written_or_is_refused(value):
    tool = tools.Tool(SmsTemplate(name="booking", body="Booked for {{ day }}.", transactional=True))
    try:
        values = parameters.checked(tool, {"day": value})
    except parameters.BadParameters:
        return
    draft = tool.author.draft(values, "en", Caller("", ""))
    assert tool.author.on_link(draft) or draft.body == f"Booked for {value}."


@pytest.mark.parametrize("change", ["variable", "translation", "template"])
def test_a_change_counts_from_the_next_tool_call_on(template, variable, fire, change):
    fire({"day": "x"}, callId="call-0", language="es")

    if change == "variable":
        variable("day", source="fixed", fixed_text="Friday")
    elif change == "translation":
        factories.TranslationFactory(template=template, language="es", body="{{ day }}")
    else:
        template.body = "{{ day }}!"
        template.save()
    fire({} if change == "variable" else {"day": "y"}, language="es")

    newest = Message.objects.order_by("created_at").last()
    assert newest.body == {"variable": "Booked for Friday.", "translation": "y", "template": "y!"}[change]


def test_a_tool_call_asks_the_database_nothing_about_wording(
    template, variable, fire, django_assert_max_num_queries
):
    variable("day", max_characters=20)
    factories.TranslationFactory(template=template, body="{{ day }}")
    fire({"day": "x"}, callId="call-0")

    with django_assert_max_num_queries(1):
        fire({"day": "x"}, language="es")
