"""Vapi's own: several calls in one request, the variants of its body, and how its HMAC credential signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from campaigns.models import Call, ToolCall
from sms.models import Message
from tests.campaigns.runtimes.vendors import PARAMETERS, SIGNING_SECRET, Vapi, VapiSigned
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

ON_ITS_WAY = "The text is on its way to the number ending in 2 3."


@pytest.fixture
def vapi(line, send):
    """Posts a message as Vapi does; answers with its results."""
    connection = line(Vapi())

    def post(message, **headers):
        headers = headers or {"Authorization": f"Bearer {SECRET}"}
        response = send(f"/c/{connection.slug}/vapi", json.dumps({"message": message}).encode(), headers)
        assert response.status_code == 200
        return response.json()["results"]

    return post


def message(*calls, **fields):
    call = {"id": "call-1", "customer": {"number": CALLER, "name": "Ann"}}
    return {"type": "tool-calls", "toolCallList": list(calls), "call": call, **fields}


def wanted(id="tc-1", name="confirmation", **parameters):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": PARAMETERS | parameters}}


class TestBodies:
    @pytest.mark.parametrize(
        "entry",
        [
            {"id": "tc-1", "function": {"name": "confirmation", "arguments": PARAMETERS}},
            {"id": "tc-1", "function": {"name": "confirmation", "arguments": json.dumps(PARAMETERS)}},
            {"id": "tc-1", "function": {"name": "confirmation", "parameters": PARAMETERS}},
            {"id": "tc-1", "name": "confirmation", "arguments": PARAMETERS},
            {"id": "tc-1", "name": "confirmation", "arguments": json.dumps(PARAMETERS)},
            {"id": "tc-1", "name": "confirmation", "parameters": PARAMETERS},
        ],
        ids=lambda entry: repr(entry)[:60],
    )
    def test_all_that_are_documented(self, vapi, entry):
        assert vapi(message(entry)) == [{"name": "confirmation", "toolCallId": "tc-1", "result": ON_ITS_WAY}]
        assert ToolCall.objects.get().key == "tc-1"

    @pytest.mark.parametrize(
        "entry",
        [
            {
                "type": "function",
                "name": "confirmation",
                "server": {"url": "https://example.com"},
                "toolCall": {"id": "tc-1", "function": {"name": "confirmation", "parameters": PARAMETERS}},
            },
            {
                "type": "function",
                "function": {"name": "confirmation", "parameters": {"type": "object"}},
                "toolCall": {"id": "tc-1", "type": "function", "parameters": PARAMETERS},
            },
        ],
        ids=["name inside", "name outside"],
    )
    def test_the_list_that_has_the_tools_as_well(self, vapi, entry):
        sent = message(toolWithToolCallList=[entry])
        del sent["toolCallList"]

        assert vapi(sent)[0]["result"] == ON_ITS_WAY

    def test_where_both_lists_stand_each_call_is_one(self, vapi):
        entry = wanted()

        results = vapi(message(entry, toolWithToolCallList=[{"toolCall": entry}]))

        assert len(results) == 1

    def test_the_caller_may_stand_beside_the_call(self, vapi):
        vapi(message(wanted(), call={"id": "call-1"}, customer={"number": CALLER}))

        assert Message.objects.get().recipient == CALLER

    def test_the_callers_name_is_known_to_the_call(self, vapi):
        vapi(message(wanted(), call={"id": "c", "customer": {"number": CALLER, "name": "A\0n" + "n" * 300}}))

        assert Call.objects.get().caller_name == "An" + "n" * 98

    @pytest.mark.parametrize(
        "other",
        [
            {"type": "status-update", "status": "ended"},
            {"type": "end-of-call-report"},
            {"type": ["tool-calls"]},
            {},
        ],
        ids=repr,
    )
    def test_other_messages_want_nothing(self, vapi, other):
        assert vapi(other) == []

    @pytest.mark.parametrize("arguments", ["{", "[]", '{"a": NaN}', '{"a": 1, "a": 2}', 7, [PARAMETERS]])
    def test_arguments_that_are_no_object(self, vapi, arguments):
        [result] = vapi(message({"id": "tc-1", "function": {"name": "confirmation", "arguments": arguments}}))

        assert "one JSON object" in result["error"]
        assert not Call.objects.exists()


class TestSeveralInOne:
    def test_each_is_decided_on_its_own_and_answered_in_order(self, vapi):
        results = vapi(
            message(
                wanted("a", day="Friday"),
                wanted("b", name="nonesuch"),
                wanted("c", day="Monday", consent="no"),
                wanted("d", day="Sunday"),
                wanted("e", name="stop_texting"),
            )
        )

        assert [result["toolCallId"] for result in results] == ["a", "b", "c", "d", "e"]
        assert ["result" in result for result in results] == [True, False, False, True, True]
        assert [message.body for message in Message.objects.order_by("created_at")] == [
            "Your table for four is booked for Friday.",
            "Your table for four is booked for Sunday.",
        ]

    def test_an_answer_is_one_line(self, vapi):
        results = vapi(message(wanted(), wanted("b", name="none\nsuch"), wanted("c", guests=4)))

        assert all("\n" not in (result.get("result") or result["error"]) for result in results)

    def test_too_many_are_refused_whole(self, vapi):
        results = vapi(message(*(wanted(f"tc-{number}") for number in range(6))))

        # Each: a call whose id is missing reads as “No result returned” at the runtime.
        assert [result["toolCallId"] for result in results] == [f"tc-{number}" for number in range(6)]
        assert all("5 tool calls at most" in result["error"] for result in results)
        assert not Call.objects.exists()


class TestProof:
    def test_in_the_header_that_vapi_used_before(self, vapi):
        assert vapi(message(wanted()), **{"X-Vapi-Secret": SECRET})[0]["result"] == ON_ITS_WAY

    def test_a_wrong_one_is_answered_with_vapis_own_ids(self, vapi):
        results = vapi(message(wanted("a"), wanted("b")), **{"X-Vapi-Secret": "wrong"})

        assert [(result["toolCallId"], result["name"]) for result in results] == [
            ("a", "confirmation"),
            ("b", "confirmation"),
        ]
        assert all("signing secret" in result["error"] for result in results)
        assert not Call.objects.exists()


KEY = SIGNING_SECRET.encode()
BINARY = bytes(range(32))


class TestSigning:
    """How it signs is set on the credential, and on the connection alike."""

    @pytest.fixture
    def post(self, line, send, settings):
        settings.PUBLIC_URL = "https://sms.example.com"

        def post(signing, signature, body=None, secret=SIGNING_SECRET):
            connection = line(Vapi(), signing_secret=secret, signing=signing)
            body = json.dumps({"message": message(wanted())}).encode() if body is None else body
            url = f"https://sms.example.com/c/{connection.slug}/vapi"
            return Vapi().answer(send(f"/c/{connection.slug}/vapi", body, signature(body, url)))["status"]

        return post

    def now(self) -> str:
        return str(int(time.time()))

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
    @pytest.mark.parametrize("encoding", ["hex", "base64"])
    def test_algorithms_and_encodings(self, post, algorithm, encoding):
        def signed(body, url):
            at = self.now()
            digest = hmac.new(KEY, f"{at}.".encode() + body, algorithm).digest()
            written = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
            return {"x-timestamp": at, "x-signature": written}

        assert post({"algorithm": algorithm, "signature_encoding": encoding}, signed) == "accepted"

    def test_names_of_headers_a_prefix_and_milliseconds(self, post):
        def signed(body, url):
            at = str(int(time.time() * 1000))
            digest = hmac.new(KEY, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            return {"X-Acme-Time": at, "X-Acme-Signed": f"sha256={digest}"}

        signing = {
            "signature_header": "x-acme-signed",
            "timestamp_header": "x-acme-time",
            "signature_prefix": "sha256=",
        }
        assert post(signing, signed) == "accepted"
        assert post({**signing, "signature_prefix": "v1,"}, signed) != "accepted"

    def test_what_else_may_be_signed(self, post):
        def signed(body, url):
            at = self.now()
            text = f"POST {url} msg_1 {at} ".encode() + body + b" end"
            return {
                "x-timestamp": at,
                "webhook-id": "msg_1",
                "x-signature": hmac.new(KEY, text, hashlib.sha256).hexdigest(),
            }

        signing = {
            "payload_format": "{method} {url} {svix-id} {timestamp} {body} end",
            "message_id_header": "webhook-id",
        }
        assert post(signing, signed) == "accepted"

    def test_a_secret_in_base64(self, post):
        def signed(body, url):
            at = self.now()
            digest = hmac.new(BINARY, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            return {"x-timestamp": at, "x-signature": digest}

        secret = base64.b64encode(BINARY).decode()
        assert post({"secret_is_base64": True}, signed, secret=secret) == "accepted"

    @pytest.mark.parametrize("previous", ["not base64!", "===="])
    def test_a_previous_secret_that_is_no_base64_lets_nobody_in_without_one(self, line, send, previous):
        stored = {"signing_secret": base64.b64encode(BINARY).decode(), "secondary_signing_secret": previous}
        connection = line(Vapi(), **stored, signing={"secret_is_base64": True})

        request = VapiSigned().request(connection, key="")

        assert Vapi().answer(send(*request))["status"] != "accepted"
        assert not Message.objects.exists()

    def test_without_a_time_what_is_played_back_is_answered_as_the_first_time(self, line, send):
        vapi = Vapi()
        connection = line(vapi, signing_secret=SIGNING_SECRET, signing={"payload_format": "{body}"})
        body = json.dumps({"message": message(wanted())}).encode()
        signature = {"x-signature": hmac.new(KEY, body, hashlib.sha256).hexdigest()}

        first = send(f"/c/{connection.slug}/vapi", body, signature)
        ToolCall.objects.update(at="2020-01-01T00:00Z")
        again = send(f"/c/{connection.slug}/vapi", body, signature)

        assert vapi.answer(first)["status"] == "accepted"
        assert again.json() == first.json()
        assert Message.objects.count() == 1

    def test_a_format_without_the_body_opens_nothing(self, post):
        def signed(body, url):
            at = self.now()
            return {
                "x-timestamp": at,
                "x-signature": hmac.new(KEY, at.encode(), hashlib.sha256).hexdigest(),
            }

        assert post({"payload_format": "{timestamp}"}, signed) != "accepted"

    def test_what_stands_in_the_body_is_no_placeholder(self, post):
        body = json.dumps({"message": message(wanted(guests="{timestamp} {url}"))}).encode()

        def signed(body, url):
            at = self.now()
            digest = hmac.new(KEY, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            return {"x-timestamp": at, "x-signature": digest}

        assert post({}, signed, body=body) == "accepted"
