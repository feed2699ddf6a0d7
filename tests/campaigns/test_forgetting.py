"""Forgetting a person: nothing of them is left in any table but the proof, and whoever opted out stays so."""

from __future__ import annotations

import threading
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from campaigns.forgetting import forget
from campaigns.models import Call, Connection, Consent, ToolCall
from sms import outbox, suppression
from sms.erasing import mention
from sms.models import Forgotten, Message, MessageEvent, OptOut, State
from sms.providers.base import Report
from tests import factories
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER
from tests.processes import eventually

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
    confirmed = {"to": "(415) 555-0123", "recipient_confirmed": "0123", "message": "Hi.", **said}
    assert door("invite", toolCallId="4", parameters=confirmed, **others).json()["status"] == "accepted"
    door("invite", toolCallId="5", parameters={"to": CALLER, "message": "Ho.", "consent": ""}, **others)
    theirs = {"message": "Call me back.", "consent": "Yes please, text me."}
    assert door("note", toolCallId="6", parameters=theirs, **others).json()["status"] == "accepted"
    Message.objects.filter(body="Call me back.").update(body="Call me back on 415-555-0123.")
    # One is with the carrier, and one was canceled with a word too many.
    first, second, *_ = Message.objects.filter(recipient=CALLER).order_by("created_at")
    Message.objects.filter(pk=first.pk).update(state=State.SENT, provider_sid="SM" + "1" * 32)
    Message.objects.filter(recipient=SOMEBODY_ELSE).update(state=State.SENT)
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

    def test_is_forgotten_again_if_texted_again_the_same_day(self, door, action, ann):
        action(name="note")
        for number in ("1", "2", "3"):
            # A runtime that calls a call by its caller's number.
            said = {"message": f"Text {number}.", "consent": "Yes, text me."}
            door("note", callId=CALLER, toolCallId=number, parameters=said)
            assert forget(CALLER, ann, BECAUSE).proof.erased["texts"] == 1

        assert standing(*WRITTEN) == []
        assert Forgotten.of(CALLER).count() == 3

    def test_is_forgotten_again_if_the_call_goes_on(self, door, action, ann):
        action(name="note")
        for number in ("1", "2"):
            said = {"message": f"Carla, text {number}.", "consent": "Yes, text me."}
            door("note", toolCallId=number, customerName="Carla Planted", parameters=said)
            assert forget(CALLER, ann, BECAUSE).proof.erased["calls"] == 1
            assert standing(*WRITTEN) == []

    def test_is_forgotten_whose_number_stands_in_ids_that_must_differ(self, door, action, ann):
        action(name="note")
        said = {"message": "Hi.", "consent": "Yes, text me."}
        for call in (CALLER, f"sip:{CALLER}", f"sip:{CALLER[1:]}", f"{CALLER}{'x' * 243}", f"{CALLER} x"):
            for tool_call in (f"{call[:20]}/1", f"{call[1:20]}/1", f"{CALLER[1:]}/1", f"{CALLER[2:]}/1"):
                assert door("note", callId=call, toolCallId=tool_call, parameters=said).status_code == 200

        forget(CALLER, ann, BECAUSE)

        assert standing(*WRITTEN) == []
        assert Call.objects.count() == 5


class TestWhoeverOptedOutAndWasForgotten:
    @pytest.fixture
    def forgotten(self, planted, ann):
        forget(CALLER, ann, BECAUSE)

    def test_is_refused_by_the_first_statement_and_step_by_step(self, forgotten, door):
        for call in ("call-1", "call-new"):
            for number in ("7", "8"):
                answer = door(callId=call, toolCallId=number, parameters={**PARAMETERS, "day": number}).json()
                assert (answer["status"], answer["code"]) == ("refused", "opted_out")

    def test_is_not_texted_though_the_text_was_promised_in_that_instant(self, forgotten):
        message = factories.MessageFactory(recipient=CALLER)

        assert message.pk not in [claimed.pk for claimed in outbox.claim(10)]

        message.refresh_from_db()
        assert (message.state, message.reason) == (
            State.BLOCKED,
            "The recipient opted out before it was sent.",
        )

    def test_stays_so_when_they_say_it_again_and_nothing_is_written_down(self, forgotten):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP")
        outbox.opt_out_all({CALLER: "STOP"}, OptOut.Source.PERSON)

        assert [opt_out.recipient for opt_out in OptOut.objects.all()] == [suppression.digest(CALLER)]
        assert not standing(CALLER)

    def test_may_be_texted_again_once_they_text_start(self, forgotten, door):
        outbox.opt_in(CALLER, "They texted “START” (SM1).")

        assert not OptOut.stands_for(CALLER)
        assert door(callId="call-new").json()["status"] == "accepted"

    def test_stays_so_with_a_new_key_for_as_long_as_the_old_one_is_named(self, forgotten, settings):
        old = settings.FORGET_KEYS
        settings.FORGET_KEYS = ["a new key", *old]
        assert OptOut.stands_for(CALLER)
        assert [each.by for each in Forgotten.of(CALLER)] == ["ann"]
        assert not secrets_and_digests("midcall.E020")

        settings.FORGET_KEYS = ["a new key"]
        assert not OptOut.stands_for(CALLER)
        assert secrets_and_digests("midcall.E020")

    def test_is_found_by_the_number_and_shown_without_it(self, forgotten, ann):
        client = logged_in(ann)

        found = client.get(reverse("admin:sms_optout_changelist"), {"q": CALLER}).text
        page = client.get(reverse("admin:sms_optout_change", args=[OptOut.objects.get().pk])).text

        assert "a forgotten number" in found
        assert "Whose it is was forgotten" in page
        assert suppression.digest(CALLER) not in page

    def test_a_start_that_was_signed_before_lifts_no_later_stop(self, ann):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP")
        outbox.opt_in(CALLER, "They texted “Start, Carla” (SM123).")

        forget(CALLER, ann, BECAUSE)

        assert OptOut.objects.get().lifted_because == "They texted START (SM123)."


def secrets_and_digests(check_id: str) -> list[str]:
    return [found.id for found in run_checks(databases=["default"]) if found.id == check_id]


class TestWhatIsInTheWay:
    def test_a_text_that_a_worker_hands_over_has_to_be_over_first(self, planted, ann):
        handed = factories.MessageFactory(recipient=CALLER, state=State.SUBMITTING)
        queued = factories.MessageFactory(recipient=CALLER, state=State.HELD)

        answer = logged_in(ann).post(forget_page(), {"because": BECAUSE})

        assert "is on its way to the carrier right now" in answer.text
        handed.refresh_from_db()
        queued.refresh_from_db()
        assert (handed.recipient, queued.state) == (CALLER, State.HELD)
        assert not Forgotten.objects.exists()
        assert Consent.objects.filter(recipient=CALLER).exists()

    def test_a_text_to_somebody_else_leaves_as_it_was_promised(self, ann):
        other = factories.MessageFactory(recipient=SOMEBODY_ELSE, body="Carla waits at 415-555-0123.")
        with pytest.raises(outbox.OnTheirWay):
            forget(CALLER, ann, BECAUSE)
        Message.objects.update(state=State.SENT)

        forget(CALLER, ann, BECAUSE)

        other.refresh_from_db()
        assert other.body == "Carla waits at (erased)."

    def test_one_in_doubt_is_looked_up_no_more(self, ann):
        message = factories.MessageFactory(recipient=CALLER, state=State.UNCONFIRMED)

        forget(CALLER, ann, BECAUSE)

        message.refresh_from_db()
        assert (message.state, message.recipient, message.body) == (State.UNKNOWN, "", "")

    def test_a_late_receipt_of_a_forgotten_text_opts_nobody_out(self, ann):
        message = factories.MessageFactory(
            recipient=CALLER, state=State.SENT, provider_sid="SM" + "1" * 32, attempt=1
        )
        forget(CALLER, ann, BECAUSE)
        message.refresh_from_db()

        report = Report("SM" + "1" * 32, "undelivered", State.UNDELIVERED, error_code=21610)
        assert outbox.receipt(message, 1, report)

        message.refresh_from_db()
        assert message.state == State.UNDELIVERED
        assert not OptOut.objects.exists()

    def test_what_colleagues_wrote_is_left_and_named(self, olive, ann):
        topic = factories.TopicFactory(name="Hotline", content=f"Call {CALLER}.", owner=olive)

        done = forget(CALLER, ann, BECAUSE)

        assert done.mentioned == [topic]
        topic.refresh_from_db()
        assert topic.content == f"Call {CALLER}."

    def test_a_number_that_texts_are_sent_from_is_nobodys(self, ann):
        message = factories.MessageFactory(sender="+13125550142")
        url = f"{reverse('admin:sms_message_forget')}?number=%2B13125550142"

        assert "Texts are sent from this number" in logged_in(ann).post(url, {"because": BECAUSE}).text
        message.refresh_from_db()
        assert message.sender == "+13125550142"

    @pytest.mark.parametrize("role", ["Viewer", "Ops"])
    def test_only_an_administrator_may(self, planted, role):
        client = logged_in(factories.UserFactory(role=role))

        assert client.post(forget_page(), {"because": BECAUSE}).status_code == 403
        assert "Forget this person" not in client.get(number_page(CALLER)).text
        assert not Forgotten.objects.exists()


@pytest.mark.parametrize(
    ("number", "written", "other"),
    [
        (
            "+4917012345678",
            ["0170 12345678", "+49 (0) 170 / 123 456 78", "004917012345678"],
            "490171234567890",
        ),
        ("+3545812345", ["581-2345", "+354 581 2345"], "15812345"),
        ("+85291234567", ["9123 4567", "+852 9123-4567"], "912345678"),
    ],
)
def test_a_number_is_found_however_people_write_it(db, number, written, other):
    with database.cursor() as cursor:
        for text in (number, *written, other):
            cursor.execute("SELECT %s ~ %s", [f"Call {text}, please.", mention(number)])
            assert cursor.fetchone()[0] is (text != other), text


class TestThePageOfANumber:
    def test_holds_all_that_is_known_of_it(self, planted, ann):
        page = logged_in(ann).get(number_page("(415) 555-0123")).text

        for shown in (
            "+1 415-555-0123", "opted out", "Carla Planted wants no more", "see you",
            "withdrawn", "The agent did not say what the caller answered", "Forget this person",
        ):  # fmt: skip
            assert shown in page

    def test_asks_which_is_meant_where_several_countries_have_such_a_number(self, campaign, ann):
        factories.CampaignFactory(country="CA")
        factories.CampaignFactory(country="GB")

        page = logged_in(ann).get(number_page("020 7946 0123")).text
        assert "+442079460123" in page or "+44 20 7946 0123" in page

        factories.CampaignFactory(country="DE")
        page = logged_in(ann).get(number_page("030 12345678")).text
        assert "Which one do you mean?" in page
        assert ">+493012345678</a>" in page
        assert ">+443012345678</a>" in page

    def test_says_of_what_is_no_number_how_to_write_it(self, campaign, ann):
        page = logged_in(ann).get(number_page("twelve")).text

        assert "use digits, with + and the country code in front" in page

    def test_is_reached_from_each_message_call_and_consent(self, planted, ann):
        client, there = logged_in(ann), f"{reverse('admin:sms_message_number')}?number=%2B14155550123"

        for thing in (
            Message.objects.filter(recipient=CALLER).first(),
            Call.objects.get(external_id="call-1"),
            Consent.objects.filter(recipient=CALLER).first(),
            OptOut.objects.get(),
        ):
            name = f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change"
            page = client.get(reverse(name, args=[thing.pk])).text
            assert f'href="{there}"' in page, name
            assert "opted out" in page or "withdrawn" in page or "No text goes to" in page

    def test_shows_each_part_to_whoever_may_see_it_elsewhere(self, planted):
        user = factories.UserFactory(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_message"))

        page = logged_in(user).get(number_page(CALLER)).text

        assert 'id="texts"' in page
        assert all(f'id="{part}"' not in page for part in ("calls", "consents", "optouts", "refused"))
        assert "Carla Planted wants no more" not in page

    def test_tells_after_forgetting_who_did_it_when_and_why(self, planted, ann):
        client = logged_in(ann)

        page = client.post(forget_page(), {"because": BECAUSE}, follow=True).text

        assert "This person was forgotten on" in page
        assert BECAUSE in page
        assert "Carla" not in page
        assert BECAUSE in client.get(reverse("admin:sms_forgotten_changelist")).text


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def number_page(written: str) -> str:
    return f"{reverse('admin:sms_message_number')}?{urlencode({'number': written})}"


def forget_page() -> str:
    return f"{reverse('admin:sms_message_forget')}?{urlencode({'number': CALLER})}"


@pytest.mark.django_db(transaction=True)
def test_what_is_decided_while_somebody_is_forgotten_is_waited_for_and_erased(door, action):
    ann = factories.UserFactory(username="ann", role="Admin")
    action(name="note")
    said = {"message": "Carla's table.", "consent": "Yes, I'm Carla."}
    door("note", toolCallId="1", customerName="Carla Planted", parameters=said)

    def forgotten():
        forget(CALLER, ann, BECAUSE)
        database.close()

    forgetting = threading.Thread(target=forgotten)
    with transaction.atomic():
        # As a tool call does first.
        call, _ = Call.noted(Connection.objects.get(), "call-1", CALLER, "")
        forgetting.start()
        eventually(lambda: waiting_for_locks() == 1, within=8)
        ToolCall.objects.create(
            call=call, key="2", tool="note", parameters=said, outcome="refused", say="No."
        )
    forgetting.join()

    assert standing(*WRITTEN) == []


def waiting_for_locks() -> int:
    """How many wait for a lock; what pg_stat_activity says of it stays the same in a transaction."""
    with database.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]
