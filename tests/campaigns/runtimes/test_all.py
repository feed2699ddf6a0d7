"""What holds for every runtime that calls by a webhook of its own, and for every way in that it has."""

from __future__ import annotations

import json
import logging
import time

import pytest
from django.db import connection as database
from django.test import Client

from campaigns.models import Call, Campaign, Consent, SpentSignature, ToolCall
from campaigns.runtimes import WEBHOOKS
from campaigns.runtimes.base import MAX_BODY_BYTES
from sms.models import Message, OptOut
from tests import factories
from tests.campaigns.runtimes.vendors import ALL, PARAMETERS, SIGNING, SIGNING_SECRET
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

each = pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: type(vendor).__name__)
signing = pytest.mark.parametrize("vendor", SIGNING, ids=lambda vendor: type(vendor).__name__)
ON_ITS_WAY = "The text is on its way to the number ending in 2 3."


def nothing_is_written() -> bool:
    return not any(model.objects.exists() for model in (Message, Call, ToolCall, Consent, OptOut))


def test_every_runtime_is_tried_here():
    assert {vendor.runtime for vendor in ALL} == set(WEBHOOKS)


@each
class TestFiring:
    def test_a_tool_call_promises_a_text(self, vendor, line, send, template):
        response = send(*vendor.request(line(vendor)))

        answer, message = vendor.answer(response), Message.objects.get()
        assert (response.status_code, answer["status"], answer["say"]) == (200, "accepted", ON_ITS_WAY)
        assert (message.recipient, message.body) == (CALLER, "Your table for four is booked for Friday.")
        assert Call.objects.get().external_id == "call-1"
        assert Consent.objects.get().words == "Yes, please text me."

    def test_the_same_again_gets_the_first_answer_where_it_is_known_to_be_the_same(self, vendor, line, send):
        connection, at = line(vendor), time.time()

        first = send(*vendor.request(connection, at=at))
        again = send(*vendor.request(connection, at=at))

        if vendor.has_ids or vendor.signs:
            assert again.json() == first.json()
        else:
            # It may be the model that asks again: what is said then is true of either.
            assert "I've already asked for that text" in vendor.answer(again)["say"]
        assert Message.objects.count() == 1

    def test_the_model_that_asks_again_hears_that_it_has_asked_already(self, vendor, line, send):
        connection = line(vendor)

        send(*vendor.request(connection, id="tc-1", at=time.time() - 1))
        answer = vendor.answer(send(*vendor.request(connection, id="tc-2")))

        assert answer["status"] == "accepted"
        assert "I've already asked for that text" in answer["say"]
        assert Message.objects.count() == 1

    def test_another_call_is_another_request(self, vendor, line, send):
        connection = line(vendor)
        Campaign.objects.update(minutes_before_repeat=None)

        send(*vendor.request(connection, at=time.time() - 1))
        send(*vendor.request(connection, call="call-2"))

        assert Message.objects.count() == 2

    def test_a_refusal_is_told_with_what_to_do(self, vendor, line, send):
        response = send(*vendor.request(line(vendor), parameters={**PARAMETERS, "consent": "no"}))

        assert response.status_code == 200
        assert ToolCall.objects.get().refusal == "consent_required"
        assert vendor.answer(response)["say"] == ToolCall.objects.get().say
        assert vendor.answer(response)["status"] != "accepted"
        assert not Message.objects.exists()

    @pytest.mark.parametrize("caller", ["anonymous", "sip:ann@example.com", "", "{{caller}}"])
    def test_who_hides_the_number_is_told_so(self, vendor, line, send, caller):
        response = send(*vendor.request(line(vendor), caller=caller))

        assert response.status_code == 200
        assert ToolCall.objects.get().refusal == "no_caller_number"
        assert vendor.answer(response)["say"]

    def test_who_wants_no_more_texts_gets_none(self, vendor, line, send):
        words = {"words": "Stop texting me."}

        response = send(*vendor.request(line(vendor), tool="stop_texting", parameters=words))

        assert "any more text messages" in vendor.answer(response)["say"]
        assert OptOut.stands_for(CALLER)

    def test_an_unknown_tool_is_answered_so_that_the_agent_hears_it(self, vendor, line, send):
        response = send(*vendor.request(line(vendor), tool="nonesuch"))

        assert response.status_code == 200
        assert vendor.answer(response)["say"]
        assert nothing_is_written()

    @pytest.mark.parametrize(
        "parameters", [{}, {**PARAMETERS, "day": 5}, {**PARAMETERS, "to": "+14155550199"}], ids=repr
    )
    def test_arguments_that_do_not_fit_are_said_to_be(self, vendor, line, send, parameters):
        response = send(*vendor.request(line(vendor), parameters=parameters))

        assert response.status_code == 200
        assert vendor.answer(response)["say"]
        assert not Message.objects.exists()

    def test_what_the_model_writes_does_not_say_whom_to_text(self, vendor, line, send, template):
        template.body = "Your table is booked for {{ caller }}."
        template.save()
        parameters = {"caller": "+14155550199", "consent": "yes"}

        send(*vendor.request(line(vendor), parameters=parameters))

        assert [message.recipient for message in Message.objects.all()] in ([], [CALLER])


@each
class TestTrust:
    def refused(self, vendor, response, caplog) -> None:
        assert response.status_code == (200 if vendor.always_ok else 401)
        assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written() and not SpentSignature.objects.exists()
        [record] = [record for record in caplog.records if record.name == "campaigns.webhooks"]
        assert record.levelno == logging.WARNING
        for value in (SECRET, SIGNING_SECRET, "wrong-secret"):
            assert value not in caplog.text

    def test_a_wrong_proof(self, vendor, line, send, caplog):
        request = vendor.request(line(vendor), secret="wrong-secret", key="wrong-secret")

        self.refused(vendor, send(*request), caplog)

    def test_no_proof(self, vendor, line, send, caplog):
        path, body, headers = vendor.request(line(vendor))
        kept = {name: value for name, value in headers.items() if name.startswith("X-Call")}

        self.refused(vendor, send(path, body, kept), caplog)

    def test_a_connection_that_does_not_exist(self, vendor, line, send, caplog):
        path, body, headers = vendor.request(line(vendor))

        answer = send(f"/c/nonesuch/{path.split('/', 3)[3]}", body, headers)
        self.refused(vendor, answer, caplog)

    def test_a_revoked_connection(self, vendor, line, send, caplog):
        connection = line(vendor)
        connection.revoke()

        self.refused(vendor, send(*vendor.request(connection)), caplog)

    def test_a_connection_of_another_runtime(self, vendor, line, send, caplog):
        other = "bland" if vendor.runtime != "bland" else "vapi"
        connection = line(vendor, runtime=other)

        self.refused(vendor, send(*vendor.request(connection)), caplog)

    def test_a_large_body_is_not_read(self, vendor, line, send):
        response = send(*vendor.request(line(vendor), body=b" " * (MAX_BODY_BYTES + 1)))

        assert response.status_code == (200 if vendor.always_ok else 413)
        assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written()

    @pytest.mark.parametrize("length", ["x", "-1", "²", "9" * 9999])
    def test_a_length_that_is_none(self, vendor, line, length):
        path, body, headers = vendor.request(line(vendor))

        response = Client().generic("POST", path, body, headers=headers, CONTENT_LENGTH=length)

        assert response.status_code == (200 if vendor.always_ok else 413)
        assert nothing_is_written()

    def test_a_body_in_chunks_is_said_to_be_what_is_wrong(self, vendor, line, send):
        path, body, headers = vendor.request(line(vendor))

        response = send(path, body, {**headers, "Transfer-Encoding": "chunked"})

        assert response.status_code == (200 if vendor.always_ok else 411)
        assert "Content-Length" in response.text
        assert nothing_is_written()

    def test_a_long_transcript_is_read(self, vendor, line, send):
        body = json.dumps(vendor.envelope()).encode() + b" " * 900_000

        assert vendor.answer(send(*vendor.request(line(vendor), body=body)))["status"] == "accepted"

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"null", b"[]", b'"text"', b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff\xfe"]
        + [b"[" * 30_000, b'{"a":' * 10_000],
        ids=lambda body: repr(body)[:20],
    )
    def test_a_body_that_is_no_json_object(self, vendor, line, send, body):
        response = send(*vendor.request(line(vendor), body=body))

        assert response.status_code == (200 if vendor.always_ok else 400)
        assert "JSON" in vendor.answer(response).get("message", "JSON")
        assert nothing_is_written()

    def test_nothing_is_fired_by_looking(self, vendor, line):
        path, _, headers = vendor.request(line(vendor))

        assert Client().get(path, headers=headers).status_code == 405
        assert nothing_is_written()

    def test_a_database_that_is_gone_is_said_to_be(self, vendor, line, send):
        connection = line(vendor)
        with database.cursor() as cursor:
            # As a server that shuts down answers.
            cursor.execute(
                "CREATE FUNCTION pg_temp.gone() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'gone' USING ERRCODE = '57P01'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER gone BEFORE INSERT ON campaigns_call EXECUTE FUNCTION pg_temp.gone()"
            )

        response = send(*vendor.request(connection))

        assert response.status_code == (200 if vendor.always_ok else 503)
        assert vendor.answer(response)["say"]


@signing
class TestSignatures:
    def test_the_secondary_secret_holds_as_well(self, vendor, line, send):
        stored = vendor.stored()
        if "signing_secret" not in stored:
            stored = {"signing": stored["signing"]}
        else:
            stored |= {"signing_secret": "the-new-one", "secondary_signing_secret": SIGNING_SECRET}

        response = send(*vendor.request(line(vendor, **stored)))

        assert vendor.answer(response)["status"] == "accepted"

    def test_the_connections_own_secret_is_no_longer_enough(self, vendor, line, send):
        path, body, headers = vendor.request(line(vendor))
        kept = {name: value for name, value in headers.items() if name.startswith("X-Call")}

        response = send(path, body, {**kept, "Authorization": f"Bearer {SECRET}"})

        assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written()

    @pytest.mark.parametrize("seconds", [-301, 301, -86_400, 10**12])
    def test_a_time_that_is_not_now(self, vendor, line, send, seconds):
        response = send(*vendor.request(line(vendor), at=time.time() + seconds))

        assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written()

    @pytest.mark.parametrize("seconds", [-290, 290])
    def test_clocks_may_differ_a_little(self, vendor, line, send, seconds):
        response = send(*vendor.request(line(vendor), at=time.time() + seconds))

        assert vendor.answer(response)["status"] == "accepted"

    def test_a_body_that_was_changed(self, vendor, line, send):
        path, body, headers = vendor.request(line(vendor))

        response = send(path, body.replace(b"Friday", b"Sunday"), headers)

        assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written()

    @pytest.mark.parametrize("garbage", ["", "x", "v=1,d=2", "=", "ü", "0" * 64, "A" * 100_000])
    def test_garbage_in_place_of_the_signature(self, vendor, line, send, garbage):
        path, body, headers = vendor.request(line(vendor))
        names = [name for name in headers if "Signature" in name]

        for name in names:
            response = send(path, body, {**headers, name: garbage})
            assert response.status_code in (200, 401)
            assert vendor.answer(response)["status"] != "accepted"
        assert names and nothing_is_written()

    @pytest.mark.parametrize("garbage", ["", "now", "-1", "1e9", "٣", "9" * 400, "1780000000.5"])
    def test_garbage_in_place_of_the_time(self, vendor, line, send, garbage):
        path, body, headers = vendor.request(line(vendor))
        names = [name for name in headers if "Timestamp" in name]

        for name in names:
            response = send(path, body, {**headers, name: garbage})
            assert vendor.answer(response)["status"] != "accepted"
        assert nothing_is_written()

    def test_a_request_that_is_played_back_later_sends_nothing_more(self, vendor, line, send):
        """Long after the same text in the same call would be a new request."""
        request = vendor.request(line(vendor))
        first = send(*request)
        ToolCall.objects.update(at="2020-01-01T00:00Z")

        again = send(*request)

        assert again.json() == first.json()
        assert Message.objects.count() == 1

    def test_a_key_that_cannot_be_read_closes_the_door_and_is_logged(
        self, vendor, line, send, caplog, settings
    ):
        connection = line(vendor)
        if not connection.signing_secret:
            return
        from cryptography.fernet import Fernet

        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

        response = send(*vendor.request(connection))

        assert vendor.answer(response)["status"] != "accepted"
        assert "FIELD_ENCRYPTION_KEY" in caplog.text
        assert nothing_is_written()


def test_a_runtime_that_there_is_not(line, send):
    connection = line(ALL[0])

    assert Client().post(f"/c/{connection.slug}/soap", headers={"Authorization": SECRET}).status_code == 404


@each
def test_a_connection_for_any_runtime_takes_the_vendors_envelope_with_its_secret(vendor, line, send):
    if vendor.signs:
        return
    connection = line(vendor, runtime="http")

    assert vendor.answer(send(*vendor.request(connection)))["status"] == "accepted"
    assert factories.Connection.objects.get().runtime == "http"
