"""The HTTP door, as a runtime uses it and as a stranger tries it."""

from __future__ import annotations

import codecs
import contextlib
import json
import threading
import uuid
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models.functions import Now
from django.test import Client

from campaigns.firing import SAME_REQUEST_WITHIN
from campaigns.models import LONGEST_CALL, Call, Consent, ToolCall
from sms import outbox
from sms.models import Message, OptOut, UserProfile
from tests import factories
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db


def nothing_is_written() -> bool:
    return not any(model.objects.exists() for model in (Message, Call, ToolCall, Consent))


class TestFiring:
    def test_a_tool_call_promises_a_text(self, door, template):
        answer = door().json()

        message = Message.objects.get()
        assert answer["status"] == "accepted"
        assert answer["messageId"] == str(message.pk)
        assert answer["say"] == "The text is on its way to the number ending in 2 3."
        assert message.body == "Your table for four is booked for Friday."
        assert (message.recipient, message.sender) == (CALLER, "+13125550142")
        assert (message.state, message.template, message.country) == ("queued", template, "US")

    def test_what_the_caller_said_is_kept(self, door, campaign):
        door()

        consent = Consent.objects.get()
        assert (consent.words, consent.recipient) == ("Yes, please text me.", CALLER)
        assert consent.campaign == campaign
        assert consent.tool_call.call.external_id == "call-1"

    def test_the_same_tool_call_again_gets_the_first_answer(self, door):
        first, second = door(), door()

        assert first.json() == second.json()
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(("first_id", "second_id"), [("", ""), ("tool-call-1", "tool-call-2"), ("a", "")])
    def test_the_same_text_asked_for_again_in_the_same_call_is_said_to_be_on_its_way_already(
        self, door, first_id, second_id
    ):
        first = door(toolCallId=first_id).json()
        again = door(toolCallId=second_id, parameters={**PARAMETERS, "consent": "Yes!"}).json()

        assert again == {
            **first,
            "say": "I've already asked for that text, so I won't send it twice. "
            "The text is about to be sent.",
        }
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(
        ("state", "say"),
        [
            ("accepted", "sent that text, so I won't send it twice. The text has been handed to the phone "),
            ("delivered", "sent that text, so I won't send it twice. The text has arrived."),
            ("held", "asked for that text, so I won't send it twice. The text is waiting to be sent."),
            ("unconfirmed", "asked for that text, so I won't send it twice. I'm still checking whether "),
        ],
    )
    def test_what_is_said_of_it_then_is_true_of_where_it_stands(self, door, state, say):
        door()
        Message.objects.update(state=state)

        assert f"I've already {say}" in door(toolCallId="tool-call-2").json()["say"]

    def test_after_a_while_the_caller_may_have_it_once_more(self, door):
        door()
        ToolCall.objects.update(at=Now() - SAME_REQUEST_WITHIN)
        assert door(toolCallId="tool-call-2").json()["code"] == "already_sent"
        Message.objects.update(created_at=Now() - timedelta(minutes=10))

        door(toolCallId="tool-call-3")

        assert Message.objects.count() == 2

    def test_another_call_is_another_request(self, door):
        door(toolCallId="")
        again = door(toolCallId="", callId="call-2").json()
        door(toolCallId="", callId="call-3", customerPhoneNumber="+14155550199")

        assert again["code"] == "already_sent"
        assert Message.objects.count() == 2

    def test_an_id_that_comes_with_another_request_is_refused(self, door):
        door()

        answer = door(parameters={**PARAMETERS, "day": "Sunday"})

        assert (answer.status_code, answer.json()["error"]) == (409, "tool_call_id_reused")
        assert Message.objects.count() == 1

    def test_the_agents_own_words_are_sent_by_an_action_without_template(self, door, action):
        action()

        door("note", parameters={"message": "The soup is 9 dollars.", "consent": "sure"})

        assert Message.objects.get().body == "The soup is 9 dollars."

    def test_the_platforms_provider_sends_from_its_own_number(self, door, action, settings):
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_FROM = "AC" + "9" * 32, "+13125550100"
        owner = action(provider="atlas").owner

        door("note", parameters={"message": "Hello.", "consent": "sure"})

        message = Message.objects.get()
        assert (message.provider, message.account_sid, message.sender, message.profile) == (
            "atlas",
            "AC" + "9" * 32,
            "+13125550100",
            owner.sms_profile,
        )

    @pytest.mark.parametrize("on_doubt", ["resend", "unknown"])
    def test_what_becomes_of_it_in_doubt_is_promised_with_it(self, door, template, on_doubt):
        template.on_doubt = on_doubt
        template.save()

        door()
        template.on_doubt = "resend"
        template.save()

        assert Message.objects.get().on_doubt == on_doubt

    def test_whom_the_model_names_is_texted_where_the_action_says_anyone(self, door, action):
        action(recipient="anyone", transactional=True)

        asked = {"to": "(312) 555-0177", "recipient_confirmed": "0177", "message": "Hello."}
        door("note", parameters=asked)

        assert Message.objects.get().recipient == "+13125550177"

    def test_however_a_number_is_spelled_it_is_texted_once(self, door, action):
        action(recipient="anyone", transactional=True)

        for spelling in ("(312) 555-0177", "+13125550177", "312.555.0177"):
            asked = {"to": spelling, "recipient_confirmed": "0 1 7 7", "message": "Hello."}
            door("note", toolCallId="", parameters=asked)

        assert Message.objects.count() == 1

    def test_an_id_that_is_used_again_much_later_is_another_call(self, door):
        door()
        Call.objects.update(started_at=Now() - LONGEST_CALL)
        ToolCall.objects.update(at=Now() - LONGEST_CALL)

        assert door(toolCallId="2", customerPhoneNumber="").json()["code"] == "no_caller_number"

    def test_a_caller_who_belongs_to_no_country_is_no_crash(self, door):
        assert door(customerPhoneNumber="+881612345678").status_code == 200

    def test_a_call_has_the_number_that_came_first(self, door):
        door()

        answer = door(toolCallId="2", customerPhoneNumber="+14155550199")

        assert (answer.status_code, answer.json()["error"]) == (409, "caller_changed")

    def test_the_number_may_come_with_a_later_tool_call(self, door):
        assert door(customerPhoneNumber="").json()["code"] == "no_caller_number"
        assert door(toolCallId="2").json()["status"] == "accepted"


class TestRefusing:
    def refused(self, answer, code: str) -> None:
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["code"]) == ("refused", code)
        assert answer.json()["messageId"] is None
        assert answer.json()["say"]
        assert not Message.objects.exists()
        assert ToolCall.objects.get().refusal == code

    @pytest.mark.parametrize(
        "words",
        [
            *(None, "", "  ", "…", "no", "No.", "null", "n/a", "False", "No thanks", "Nope, I'm fine."),
            *("not now", "Don't text me", "The caller declined.", "She did not want one", "never"),
            *(
                "No, that is not okay",
                "No. Do not send it",
                "The caller declined, ok",
                "nein",
                "ｎｏ",
                "n\u200bo",
            ),
            *("_", "x", "TBD", "N / A", "caller was not asked", "rather not", "please don’t"),
        ],
    )
    def test_without_consent(self, door, words):
        parameters = {**PARAMETERS, "consent": words}
        if words is None:
            del parameters["consent"]

        self.refused(door(parameters=parameters), "consent_required")

    @pytest.mark.parametrize(
        "words", ["Yes", "Sure!", "No problem, go ahead", "Why not?", "Please do", "Ja, gerne", "👍 okay"]
    )
    def test_but_not_with_a_yes(self, door, words):
        assert door(parameters={**PARAMETERS, "consent": words}).json()["status"] == "accepted"

    def test_who_has_opted_out(self, door):
        OptOut.objects.create(recipient=CALLER)

        self.refused(door(), "opted_out")

    def test_a_campaign_that_is_switched_off(self, door, campaign):
        campaign.is_active = False
        campaign.save()

        self.refused(door(), "campaign_off")

    def test_an_owner_without_credentials(self, door, campaign):
        UserProfile.objects.filter(user=campaign.owner).update(twilio_auth_token=None)

        self.refused(door(), "not_configured")

    def test_a_sender_that_the_carrier_refuses(self, door):
        door(callId="before")
        outbox.hold(factories.ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)

        answer = door().json()

        assert (answer["status"], answer["code"]) == ("refused", "sender_held")

    def test_a_caller_without_a_number(self, door):
        self.refused(door(customerPhoneNumber=""), "no_caller_number")

    def test_a_number_that_the_model_made_up(self, door, action):
        action(recipient="anyone", transactional=True)

        answer = door("note", parameters={"to": "five five five", "message": "Hello."})

        self.refused(answer, "invalid_recipient")

    def test_a_number_abroad(self, door, action):
        action(recipient="anyone", transactional=True)

        answer = door("note", parameters={"to": "+1 876 555 1234", "message": "Hello."})

        self.refused(answer, "country_not_allowed")

    def test_a_refusal_is_answered_alike_the_second_time(self, door):
        OptOut.objects.create(recipient=CALLER)

        assert door().json() == door().json()
        assert ToolCall.objects.count() == 1


def test_a_byte_order_mark_before_the_body_is_ignored(door):
    asked = {"customerPhoneNumber": CALLER, "parameters": PARAMETERS}

    # The second by a connection that is known.
    answers = [
        door(body=codecs.BOM_UTF8 + json.dumps({**asked, "callId": call}).encode()) for call in ("a", "b")
    ]

    assert [answer.json().get("status") for answer in answers] == ["accepted", "refused"]
    assert answers[1].json()["code"] == "already_sent"


class TestBrokenRequests:
    def broken(self, answer, status: int, code: str) -> None:
        assert (answer.status_code, answer.json()["error"]) == (status, code)
        assert answer.json()["message"]
        assert answer.json()["say"]
        assert "Traceback" not in answer.content.decode()
        assert nothing_is_written()

    def test_an_unknown_tool(self, door):
        self.broken(door("nonesuch"), 404, "unknown_tool")

    def test_a_tool_that_is_not_attached(self, door, campaign):
        factories.ActionFactory(name="loose", owner=campaign.owner)

        self.broken(door("loose"), 404, "unknown_tool")

    @pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "ümlaut"])
    def test_a_wrong_secret(self, door, secret):
        self.broken(door(secret=secret), 401, "wrong_secret")

    @pytest.mark.parametrize("slug", ["a%00b", "%ff", "..", "x" * 500])
    def test_a_connection_that_cannot_be(self, door, slug):
        self.broken(door(slug=slug), 401, "wrong_secret")

    def test_an_unknown_connection(self, door):
        self.broken(door(slug="nonesuch"), 401, "wrong_secret")

    def test_someone_elses_connection(self, door):
        other = factories.ConnectionFactory()
        other.issue_secret("mc_another")
        other.save()

        self.broken(door(slug=other.slug), 401, "wrong_secret")

    def test_a_revoked_connection(self, door, connection):
        connection.revoked_at = connection.created_at
        connection.save()

        self.broken(door(), 401, "wrong_secret")

    @pytest.mark.parametrize("body", ["", "{}", json.dumps({"toolCallId": "1", "parameters": PARAMETERS})])
    def test_a_missing_field(self, door, body):
        self.broken(door(body=body), 422, "invalid_request")

    @pytest.mark.parametrize(
        "fields",
        [
            {"callId": 7},
            {"callId": ""},
            {"callId": "x" * 256},
            {"callId": "a\0b"},
            {"callId": "\ud800"},
            {"toolCallId": ["1"]},
            {"toolCallId": "a\nb"},
            {"customerPhoneNumber": {"number": CALLER}},
            {"customerName": "a\0"},
            {"parameters": "guests"},
            {"parameters": [PARAMETERS]},
            {"parameters": None},
        ],
        ids=repr,
    )
    def test_a_field_of_the_wrong_kind(self, door, fields):
        self.broken(door(**fields), 422, "invalid_request")

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"guests": "four", "consent": "yes"},
            {**PARAMETERS, "guests": ""},
            {**PARAMETERS, "guests": None},
            {**PARAMETERS, "guests": 4},
            {**PARAMETERS, "guests": {"a": 1}},
            {**PARAMETERS, "guests": "x" * 301},
            {**PARAMETERS, "guests": "a\0b"},
            {**PARAMETERS, "guests": "\ud800"},
            {**PARAMETERS, "guests": "\u202e4"},
            {**PARAMETERS, "consent": True},
            {**PARAMETERS, "consent": "x" * 501},
            {**PARAMETERS, "to": "+14155550199"},
            {**PARAMETERS, "x" * 500: ""},
        ],
        ids=lambda parameters: repr(parameters)[:60],
    )
    def test_parameters_that_do_not_fit(self, door, parameters):
        self.broken(door(parameters=parameters), 422, "invalid_parameters")

    def test_a_body_over_1600_characters(self, door, action):
        action()

        answer = door("note", parameters={"message": "x" * 1601, "consent": "yes"})

        self.broken(answer, 422, "invalid_parameters")

    def test_a_template_that_its_values_make_too_long(self, door, template):
        template.body = "x" * 1500 + "{{ guests }}"
        template.save()

        answer = door(parameters={"guests": "y" * 101, "consent": "yes"})

        self.broken(answer, 422, "invalid_parameters")

    @pytest.mark.parametrize(
        "number", ["anonymous", "12", "+1415555", "+14155550123;ext=9", "+14155550123\0", "x" * 39]
    )
    def test_a_number_that_is_no_number(self, door, number):
        self.broken(door(customerPhoneNumber=number), 422, "invalid_number")

    @pytest.mark.parametrize(
        "body",
        [
            "{",
            "null",
            "[]",
            '"text"',
            '{"callId": NaN}',
            '{"callId": "a", "callId": "b"}',
            b"\xff\xfe",
            '{"callId": "a"}'.encode("utf-16"),
            '{"callId": "a"}'.encode("utf-16-le"),
            '{"callId": "a"}'.encode("utf-32"),
            b'{"callId": "\xed\xa0\x80"}',
            "[" * 30_000,
            '{"a":' * 10_000,
        ],
        ids=lambda body: repr(body)[:30],
    )
    def test_a_body_that_is_no_json_object(self, door, body):
        self.broken(door(body=body), 400, "invalid_json")

    def test_no_body(self, door):
        answer = door(body="")

        self.broken(answer, 422, "invalid_request")
        assert answer.json()["message"] == "The body: Field required"

    @pytest.mark.parametrize("length", ["x", "-1", "²", "1e3", "9" * 5000])
    def test_a_body_of_a_length_that_is_none(self, connection, template, length):
        answer = Client().generic(
            "POST",
            f"/c/{connection.slug}/tools/confirmation",
            b"{}",
            headers={"Authorization": f"Bearer {SECRET}"},
            CONTENT_LENGTH=length,
        )

        self.broken(answer, 413, "body_too_large")

    def test_a_body_that_comes_in_chunks_is_said_to_be_what_is_wrong(self, connection, template):
        answer = Client().post(
            f"/c/{connection.slug}/tools/confirmation",
            headers={"Authorization": f"Bearer {SECRET}", "Transfer-Encoding": "chunked"},
        )

        self.broken(answer, 411, "length_required")

    def test_a_body_of_a_megabyte(self, door):
        self.broken(door(callId="x" * 2**20), 413, "body_too_large")

    def test_a_tool_is_not_fired_by_looking(self, connection, template):
        answer = Client().get(f"/c/{connection.slug}/tools/confirmation")

        assert answer.status_code == 405
        assert nothing_is_written()


class TestReading:
    def get(self, connection, path, secret=SECRET):
        return Client().get(f"/c/{connection.slug}/{path}", headers={"Authorization": f"Bearer {secret}"})

    @pytest.mark.parametrize("format", ["json", "openai", "anthropic"])
    def test_the_tools_in_each_shape(self, connection, template, format):
        [tool, *_] = self.get(connection, f"tools?format={format}").json()["tools"]

        assert "confirmation" in (tool.get("name"), tool.get("function", {}).get("name"))

    def test_an_unknown_shape(self, connection, template):
        answer = self.get(connection, "tools?format=soap")

        assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")

    def test_the_prompt_and_its_version(self, connection, template):
        first = self.get(connection, "prompt").json()
        template.name = "renamed"
        template.save()
        second = self.get(connection, "prompt").json()

        assert "call" in first["prompt"].lower()
        assert first["version"] != second["version"]

    def test_where_a_message_stands(self, connection, door):
        message_id = door().json()["messageId"]

        answer = self.get(connection, f"messages/{message_id}").json()

        assert (answer["messageId"], answer["state"]) == (message_id, "queued")
        assert answer["say"] == "The text is about to be sent."

    def test_what_was_canceled_is_said_to_be(self, connection, door):
        message_id = door().json()["messageId"]
        outbox.cancel([uuid.UUID(message_id)], "ann", "They called back.")

        answer = self.get(connection, f"messages/{message_id}").json()

        assert (answer["state"], answer["say"]) == (
            "canceled",
            "That text was canceled on our side, so it was not sent.",
        )

    @pytest.mark.parametrize(
        ("code", "say"),
        [
            (30005, "That number can't get text messages. Is there another one?"),
            (30410, "I can't tell whether the text arrived."),
            (30025, "The text has arrived."),
        ],
    )
    def test_what_a_code_means_is_said_to_the_agent(self, connection, door, code, say):
        message_id = door().json()["messageId"]
        Message.objects.update(state="delivered", error_code=code)

        assert self.get(connection, f"messages/{message_id}").json()["say"] == say

    def test_another_connections_message_is_unknown(self, campaign, door):
        message_id = door().json()["messageId"]
        other = factories.ConnectionFactory(campaign=campaign)

        answer = self.get(other, f"messages/{message_id}")

        assert (answer.status_code, answer.json()["error"]) == (404, "unknown_message")

    @pytest.mark.parametrize("path", ["tools", "prompt", "messages/405ffa24-a620-4ac9-bc42-416f4a7dffc2"])
    def test_nothing_is_read_without_the_secret(self, connection, path):
        assert self.get(connection, path, secret="wrong").status_code == 401

    def test_health_needs_no_secret(self):
        assert Client().get("/healthz").json() == {"status": "ok"}
        assert Client().get("/readyz").json() == {"status": "ok"}

    def test_the_contract_is_published(self):
        paths = Client().get("/api/openapi.json").json()["paths"]

        assert "/c/{connection}/tools/{name}" in paths
        assert Client().get("/api/docs").status_code == 200


def at_once(fire, count: int = 50) -> list:
    """The answers of so many threads that fire together, each with its number."""
    answers: list = []
    start = threading.Barrier(count)

    def work(number: int) -> None:
        start.wait()
        try:
            answers.append(fire(number).json())
        finally:
            database.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == count
    return answers


@pytest.mark.django_db(transaction=True)
class TestFiftyAtOnce:
    """Of a call that nobody has heard of before, so that there is no row to wait for."""

    ENVELOPES: ClassVar = {
        "one id": lambda number: {},
        "no id": lambda number: {"toolCallId": ""},
        "an id each": lambda number: {"toolCallId": f"tool-call-{number}"},
        "the consent in other words each": lambda number: {
            "toolCallId": "",
            "parameters": {**PARAMETERS, "consent": f"Yes, {'please ' * number}"},
        },
    }

    @pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
    @pytest.mark.parametrize("known", [False, True], ids=["a new process", "a process that knows the way"])
    def test_are_one_text_and_of_one_mind(self, door, envelope, known):
        if known:
            door(callId="before", customerPhoneNumber="+14155550199")
        before = set(Message.objects.values_list("pk", flat=True))

        answers = at_once(lambda number: door(**envelope(number)))

        [message] = set(Message.objects.values_list("pk", flat=True)) - before
        assert {(answer["status"], answer["messageId"]) for answer in answers} == {("accepted", str(message))}
        asked_again = [answer for answer in answers if "already" in answer["say"]]
        # With the one id it is the request that comes again, and not the model that asks again.
        assert len(asked_again) == (49 if envelope(1) else 0)
        assert ToolCall.objects.filter(message=message).count() == 1
        assert Consent.objects.count() == 1 + known

    def test_of_different_texts_are_fifty(self, door, campaign):
        campaign.texts_per_call = campaign.texts_per_number = None
        campaign.save()
        answers = at_once(
            lambda number: door(toolCallId="", parameters={**PARAMETERS, "guests": str(number)})
        )

        assert len({answer["messageId"] for answer in answers}) == Message.objects.count() == 50

    def test_of_a_stop_said_aloud_are_one_opt_out(self, door):
        answers = at_once(lambda number: door("stop_texting", parameters={"words": "Stop."}))

        assert {answer["status"] for answer in answers} == {"done"}
        assert OptOut.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestTheDatabaseConnection:
    """Kept from call to call, with the statement of a tool call made ready in it."""

    @pytest.mark.parametrize("statement", ["DISCARD ALL", "DEALLOCATE ALL"])
    def test_that_a_pooler_reset_serves_the_next_call(self, door, statement):
        door(callId="before")
        with database.cursor() as cursor:
            cursor.execute(statement)

        assert door(callId="after", customerPhoneNumber="+14155550199").json()["status"] == "accepted"

    def test_that_rolled_back_meanwhile_serves_the_next_call(self, door):
        door(callId="before")
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            Message.objects.update(reason="for nothing")
            raise ZeroDivisionError

        assert door(callId="after", customerPhoneNumber="+14155550199").json()["status"] == "accepted"

    def test_that_the_server_ended_is_replaced_by_the_next_call(self, door):
        door(callId="before")
        pid = database.connection.info.backend_pid
        other = database.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()

        assert door(callId="after", customerPhoneNumber="+14155550199").json()["status"] == "accepted"
        assert Message.objects.count() == 2


def test_a_secret_is_stored_as_a_hash_only(connection):
    stored = connection.__class__.objects.filter(pk=connection.pk).values_list()

    assert SECRET not in repr(list(stored))
