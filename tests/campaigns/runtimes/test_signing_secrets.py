"""What vendors sign with is kept as all secrets are, and what they signed is spent once, also in a race."""

from __future__ import annotations

import json
import threading

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from campaigns.models import Call, Connection, SpentSignature
from sms.envelope import MovedSecret
from sms.models import Message
from tests.campaigns.runtimes.vendors import PARAMETERS, SIGNING, SIGNING_SECRET, RetellSigned, TelnyxSigned
from tests.factories import CALLER, SECRET

NEXT = "the_next_key_0123456789"


@pytest.fixture
def retell(db, line):
    return line(RetellSigned(), secondary_signing_secret=NEXT)


def loaded(connection) -> Connection:
    return Connection.objects.get(pk=connection.pk)


def test_they_are_encrypted(retell):
    with database.cursor() as cursor:
        cursor.execute("SELECT signing_secret, secondary_signing_secret FROM campaigns_connection")
        [row] = cursor.fetchall()

    assert all(stored.startswith("v1:") for stored in row)
    assert loaded(retell).signing_secrets() == [SIGNING_SECRET, NEXT]


def test_they_open_on_their_own_connection_only(retell, line):
    other = line(RetellSigned())
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_connection SET signing_secret ="
            " (SELECT signing_secret FROM campaigns_connection WHERE id = %s) WHERE id = %s",
            [retell.pk, other.pk],
        )

    with pytest.raises(MovedSecret):
        loaded(other).signing_secrets()


def test_a_new_encryption_key_covers_them(retell, settings, capsys):
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEY]

    call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEY = settings.FIELD_ENCRYPTION_KEY[:1]

    assert loaded(retell).signing_secrets() == [SIGNING_SECRET, NEXT]
    assert "campaigns.Connection.signing_secret: 1 stored with the first key" in capsys.readouterr().out


def test_no_dump_has_them(retell, capsys):
    call_command("dumpdata", "campaigns.connection")

    dumped = capsys.readouterr().out
    assert retell.slug in dumped
    assert SIGNING_SECRET not in dumped and NEXT not in dumped and "v1:" not in dumped


def test_history_says_that_they_changed_and_no_more(retell):
    retell.signing_secret = "another_key"
    retell.save()

    events = Connection.pgh_event_model.objects.filter(pgh_label__contains="signing_secret")
    assert set(events.values_list("pgh_label", flat=True)) == {
        "secret_entered_signing_secret",
        "secret_entered_secondary_signing_secret",
        "secret_signing_secret",
    }
    assert "signing_secret" not in {field.name for field in events.model._meta.fields}


@pytest.mark.parametrize("vendor", SIGNING, ids=lambda vendor: type(vendor).__name__)
class TestItsOwnSecret:
    """Of a connection whose requests must be signed."""

    def test_fires_nothing_at_any_door(self, vendor, db, line):
        connection = line(vendor)
        call = {"callId": "call-1", "customerPhoneNumber": CALLER, "parameters": PARAMETERS}
        params = {"name": "confirmation", "arguments": PARAMETERS}
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}

        answers = [
            with_secret(f"/c/{connection.slug}/tools/confirmation", call),
            with_secret(f"/c/{connection.slug}/tools/stop_texting", {**call, "parameters": {"words": "No."}}),
            with_secret(f"/c/{connection.slug}/mcp", rpc),
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 200]
        assert answers[0].json()["error"] == "must_be_signed"
        assert answers[2].json()["result"]["isError"] and "must be signed" in answers[2].content.decode()
        assert not Call.objects.exists()

    def test_fires_nothing_from_the_moment_on_in_which_signing_begins(self, vendor, db, line):
        connection = line(vendor, signing_secret=None, signing={})
        call = {"callId": "call-1", "customerPhoneNumber": CALLER, "parameters": PARAMETERS}
        assert with_secret(f"/c/{connection.slug}/tools/confirmation", call).status_code == 200

        connection.signing = vendor.stored().get("signing", {})
        connection.sign_with(vendor.stored().get("signing_secret", ""), keeps_previous=False)

        call["callId"] = "call-2"
        assert with_secret(f"/c/{connection.slug}/tools/confirmation", call).status_code == 403
        assert Message.objects.count() == 1

    def test_still_gets_its_tools(self, vendor, db, line):
        headers = {"Authorization": f"Bearer {SECRET}"}

        assert Client().get(f"/c/{line(vendor).slug}/tools", headers=headers).status_code == 200


def with_secret(path, sent):
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "Accept": "application/json, text/event-stream",
        "X-Call-Id": "call-1",
        "X-Caller-Number": CALLER,
    }
    return Client().post(path, data=json.dumps(sent), content_type="application/json", headers=headers)


@pytest.mark.parametrize("change", ["sign", "stop"])
def test_a_connection_that_was_revoked_meanwhile_stays_so(retell, change):
    loaded(retell).revoke()

    if change == "sign":
        retell.sign_with(NEXT, keeps_previous=True)
    else:
        retell.stop_signing()

    assert loaded(retell).revoked_at


@pytest.mark.django_db(transaction=True)
def test_of_two_that_use_one_signature_for_two_calls_at_once_one_is_refused(line, send):
    vendor = TelnyxSigned()
    connection, at = line(vendor), timezone.now().timestamp()
    answers = []

    def use(call):
        try:
            answers.append(send(*vendor.request(connection, at=at, call=call)).json())
        finally:
            database.close()

    threads = [threading.Thread(target=use, args=(f"call-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer["code"] for answer in answers) == ["", "replayed", "replayed", "replayed"]
    assert (Message.objects.count(), Call.objects.count(), SpentSignature.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_the_same_at_once_both_hear_the_same(line, send):
    vendor = RetellSigned()
    connection, at = line(vendor), timezone.now().timestamp()
    answers = []

    def use():
        try:
            answers.append(send(*vendor.request(connection, at=at)).json())
        finally:
            database.close()

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4 and all(answer == answers[0] for answer in answers)
    assert Message.objects.count() == 1
