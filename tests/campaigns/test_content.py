"""What an agent may write into a text itself, by the action's rules: as it reads them, and as it fires."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from campaigns import tools
from campaigns.models import ToolCall
from sms.models import Message
from sms.text import CANNOT_BE_TEXTED, NO_LINK
from tests import factories
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def attached(campaign, connection, olive):
    """Attaches an action of Olive's with these rules; it is called “note”."""

    def attach(**rules):
        action = factories.ActionFactory(name="note", owner=olive, transactional=True, **rules)
        factories.AttachmentFactory(campaign=campaign, action=action)
        return action

    return attach


def text(connection, body, key="", call="call-1"):
    response = Client().post(
        f"/c/{connection.slug}/tools/note",
        json.dumps(
            {
                "callId": call,
                "toolCallId": key,
                "customerPhoneNumber": CALLER,
                "parameters": {"message": body},
            }
        ),
        content_type="application/json",
        headers={"Authorization": f"Bearer {SECRET}"},
    )
    return response.status_code, response.json()


class TestALink:
    @pytest.mark.parametrize(
        "body", ["See example.com/x.", "Pay at hxxp://evil[.]example", "Mail me@example.com"]
    )
    def test_is_refused_where_none_is_allowed_before_a_message_exists(self, connection, attached, body):
        attached()

        status, answer = text(connection, body)

        assert (status, answer["status"], answer["code"]) == (200, "refused", "link_not_allowed")
        assert answer["say"] == "I can't put a web address into that text. I'll leave it out."
        assert not Message.objects.exists()
        fired = ToolCall.objects.get()
        assert (fired.outcome, fired.refusal, fired.parameters["message"]) == (
            "refused",
            answer["code"],
            body,
        )

    def test_is_sent_where_its_host_is_listed(self, connection, attached):
        attached(allowed_hosts=["example.com"])

        _, answer = text(connection, "Book here: https://www.example.com/t/4?x=1.")

        assert answer["status"] == "accepted"
        assert Message.objects.get().body == "Book here: https://www.example.com/t/4?x=1."

    def test_to_another_host_is_refused_with_those_that_are(self, connection, attached):
        attached(allowed_hosts=["example.com", "book.example"])

        _, answer = text(connection, "See example.com/x or https://example.com@evil.example/")

        assert answer["code"] == "link_not_allowed"
        assert answer["say"] == (
            "I can only text links to example.com or book.example. I'll leave the other one out."
        )

    def test_is_refused_without_a_list_that_nobody_would_listen_to(self, connection, attached):
        attached(allowed_hosts=[f"site{number}.example" for number in range(4)])

        assert text(connection, "See example.com.")[1]["say"] == NO_LINK

    def test_may_be_sent_from_the_next_call_on_once_its_host_is_listed(self, connection, attached):
        action = attached()
        assert text(connection, "See example.com.")[1]["status"] == "refused"

        action.allowed_hosts = ["example.com"]
        action.save()

        assert text(connection, "See example.com.")[1]["status"] == "accepted"


class TestForbiddenWords:
    @pytest.mark.parametrize("body", ["It is FREE!", "It is f r e e", "It is frеe", "It is fr\u200bee"])
    def test_are_refused_without_being_spoken(self, connection, attached, body):
        attached(forbidden_words=["free"])

        _, answer = text(connection, body)

        assert answer["code"] == "forbidden_word"
        assert "free" not in answer["say"].lower()
        assert not Message.objects.exists()

    def test_are_whole_words(self, connection, attached):
        attached(forbidden_words=["free"])

        assert text(connection, "It is carefree.")[1]["status"] == "accepted"


class TestTheLength:
    @pytest.mark.parametrize("body", ["x" * 161, "ж" * 71, "x" * 1600])
    def test_is_counted_in_segments(self, connection, attached, body):
        attached(max_segments=1)

        status, answer = text(connection, body)

        assert (status, answer["code"]) == (200, "too_many_segments")
        assert "I'll make it shorter" in answer["say"]

    def test_may_be_all_of_them(self, connection, attached):
        attached(max_segments=2)

        assert text(connection, "x" * 306)[1]["status"] == "accepted"
        assert Message.objects.get().segments == 2

    def test_says_what_made_it_so_long(self, connection, attached):
        attached(max_segments=1)

        assert text(connection, "é" + "x" * 100 + "🎉")[1]["say"].endswith("leave out 🎉.")

    def test_beyond_what_any_text_may_have_is_a_broken_request(self, connection, attached):
        attached()

        status, answer = text(connection, "x" * 1601)

        assert (status, answer["error"]) == (422, "invalid_parameters")
        assert not ToolCall.objects.exists()


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\x1b", "\x7f", "\u009b"])
def test_what_no_phone_should_get_is_told_to_the_caller_as_such(connection, attached, char):
    attached()

    status, answer = text(connection, f"A{char}B")

    assert (status, answer["say"]) == (422, CANNOT_BE_TEXTED)
    assert not Message.objects.exists()


def test_a_refused_text_may_come_again_in_other_words_with_another_key(connection, attached):
    attached(forbidden_words=["free"])

    assert text(connection, "It is free.", "a")[1]["status"] == "refused"
    assert text(connection, "It is free.", "a")[1]["code"] == "forbidden_word"
    assert text(connection, "It costs nothing.", "b")[1]["status"] == "accepted"
    assert ToolCall.objects.count() == 2


def test_a_templates_text_is_not_held_to_them(connection, attached, olive):
    template = factories.TemplateFactory(owner=olive, body="Free: example.com " + "x" * 200)
    attached(template=template, forbidden_words=["free"], max_segments=1)

    response = Client().post(
        f"/c/{connection.slug}/tools/note",
        json.dumps({"callId": "c", "customerPhoneNumber": CALLER, "parameters": {}}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {SECRET}"},
    )

    assert response.json()["status"] == "accepted"


class TestTheSchema:
    @pytest.mark.parametrize(("segments", "most"), [(1, 160), (2, 306), (3, 459), (10, 1530)])
    def test_says_how_many_characters_fit(self, olive, segments, most):
        action = factories.ActionFactory(owner=olive, max_segments=segments)

        message = tools.Tool(action).parameters["properties"]["message"]

        assert message["maxLength"] == most
        assert f"At most {most} characters" in message["description"]

    def test_says_where_links_may_lead_and_what_not_to_write(self, olive):
        bare = factories.ActionFactory(owner=olive)
        ruled = factories.ActionFactory(
            owner=olive, allowed_hosts=["example.com", "a.example"], forbidden_words=["free", "act now"]
        )
        said = [tools.Tool(each).parameters["properties"]["message"]["description"] for each in (bare, ruled)]

        assert "No web address" in said[0] and "Never use" not in said[0]
        assert "Only links to example.com or a.example" in said[1]
        assert "Never use: free, act now." in said[1]

    def test_a_templates_has_no_message(self, olive):
        template = factories.TemplateFactory(owner=olive)
        action = factories.ActionFactory(owner=olive, template=template)

        assert set(tools.Tool(action).parameters["properties"]) == {"guests", "day", "consent"}
