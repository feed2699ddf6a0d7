"""Forgetting a person: nothing of them is left in any table, but for the proof, and whoever opted out stays so."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from campaigns.forgetting import forget
from campaigns.models import Call, Consent, ToolCall
from sms import outbox, suppression
from sms.models import Forgotten, Message, MessageEvent, OptOut, State
from tests import factories
from tests.factories import CALLER

SOMEBODY_ELSE = "+14155550177"
BECAUSE = "Asked us to by letter of 3 May"


@pytest.fixture
def ann(db):
    return factories.UserFactory(username="ann", role="Admin")


@pytest.fixture
def planted(door, action, ann):
    """A caller of whom something stands wherever it can: in calls, texts, consents, logs and histories."""
    action(name="note")
    action(name="invite", recipient="anyone")
    said = {"consent": f"Yes, text me at {CALLER}, I'm Carla Planted."}
    assert door(toolCallId="1", customerName="Carla Planted").json()["status"] == "accepted"
    door("note", toolCallId="2", parameters={"message": "Carla Planted, see you.", **said})
    door("note", toolCallId="3", parameters={"message": "Hi.", "consent": "no, I said (415) 555-0123"})
    # Somebody else's call, in which the agent was told to text this number, and texted theirs.
    others = {"callId": "call-2", "customerPhoneNumber": SOMEBODY_ELSE}
    door("invite", toolCallId="4", parameters={"to": "(415) 555-0123", "message": "Hi.", **said}, **others)
    door("invite", toolCallId="5", parameters={"to": CALLER, "message": "Ho.", "consent": ""}, **others)
    theirs = {"message": "Call me back on 415-555-0123.", "consent": "Yes please, text me."}
    door("note", toolCallId="6", parameters=theirs, **others)
    # One is with the carrier, and one was canceled with a word too many.
    first, second, *_ = Message.objects.filter(recipient=CALLER).order_by("created_at")
    Message.objects.filter(pk=first.pk).update(state=State.SENT, provider_sid="SM" + "1" * 32)
    outbox.cancel([second.pk], "olive", f"{CALLER} has called again")
    LogEntry.objects.log_actions(ann.pk, [second], CHANGE, f"Canceled: {CALLER} has called again")
    outbox.opt_out(CALLER, OptOut.Source.CALL, "Carla Planted wants no more")
    opt_out = OptOut.objects.get()
    LogEntry.objects.log_actions(ann.pk, [opt_out], CHANGE, "Entered", single_object=True)
    # In the history of what is written otherwise by now.
    topic = factories.TopicFactory(content=f"Ask for Carla at {CALLER}.", questions=["(415) 555 0123?"])
    topic.content, topic.questions = "Ask for the manager.", []
    topic.save()


def standing(*needles: str) -> list[str]:
    """The tables, with rows that hold one of these, whatever column they stand in."""
    with database.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            for needle in needles:
                cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{needle}%"])
                if cursor.fetchone()[0]:
                    found.append(f"{table}: {needle}")
        return found


WRITTEN = (CALLER, CALLER[1:], "(415) 555-0123", "(415) 555 0123", "415-555-0123", "Carla")


class TestAForgottenPerson:
    def test_stands_in_no_table_any_more(self, planted, ann):
        before = standing(*WRITTEN)
        assert {each.partition(":")[0] for each in before} >= {
            "sms_message", "sms_messageevent", "sms_optout", "campaigns_call", "campaigns_toolcall",
            "campaigns_consent", "django_admin_log", "builder_topicevent",
        }  # fmt: skip

        done = forget(CALLER, ann, BECAUSE)

        left = [each for each in standing(*WRITTEN) if each != "builder_topicevent: Carla"]
        assert left == []
        assert done.mentioned == []

    def test_leaves_what_became_of_their_texts_and_all_that_is_others(self, planted, ann):
        states = sorted(Message.objects.values_list("state", flat=True))

        forget(CALLER, ann, BECAUSE)

        moved = [State.CANCELED if state in (State.QUEUED, State.BLOCKED) else state for state in states]
        assert Message.objects.count() == len(moved)
        theirs = Message.objects.get(recipient=SOMEBODY_ELSE)
        assert theirs.body == "Call me back on (erased)."
        assert Call.objects.get(external_id="call-2").caller_number == SOMEBODY_ELSE
        assert set(ToolCall.objects.values_list("outcome", flat=True)) == {"accepted", "refused"}
        assert Consent.objects.filter(recipient=SOMEBODY_ELSE, words="Yes please, text me.").count() == 1
        assert not MessageEvent.objects.filter(message__recipient="").exclude(detail="").exists()

    def test_is_on_record_as_forgotten_for_whoever_has_the_number(self, planted, ann):
        forget(CALLER, ann, BECAUSE)

        [proof] = Forgotten.of(CALLER)
        assert (proof.by, proof.because) == ("ann", BECAUSE)
        assert proof.erased == {"texts": 3, "calls": 1, "tool calls": 5, "consents": 3, "opt-outs": 1}
        assert not Forgotten.of(SOMEBODY_ELSE)
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Forgotten.objects.update(because="It was not me")
