"""A test of a template: who may send one, what it says, when it is refused, and what is told of it."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sms import dispatch, outbox, trial
from sms.models import Message, OptOut, Sender, State, UserProfile, Variable
from tests import factories
from tests.factories import ACCOUNT_SID, CALLER

OTHER = "+14155550177"


@pytest.fixture
def bob(db):
    """Bob writes templates."""
    bob = factories.UserFactory(username="bob", is_staff=True)
    verbs = ("add", "change", "view")
    bob.user_permissions.add(
        *Permission.objects.filter(codename__in=[f"{verb}_smstemplate" for verb in verbs])
    )
    return bob


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def template(bob):
    return factories.TemplateFactory(name="booking", owner=bob)


@pytest.fixture(autouse=True)
def production(settings):
    settings.DEMO = False


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def address(template) -> str:
    return reverse("admin:sms_smstemplate_try", args=[template.pk])


def filled(**changes):
    data = {"number": CALLER, "is_own": "on", "value-guests": "four", "value-day": "Friday"}
    data = {**data, "test": str(uuid.uuid4()), **changes}
    return {name: value for name, value in data.items() if value is not None}


def send(user, template, **changes):
    return logged_in(user).post(address(template), filled(**changes))


def errors(response) -> dict[str, list[str]]:
    return dict(response.context["form"].errors)


class TestATest:
    def test_is_promised_like_the_text_of_a_call(self, bob, template):
        template.on_doubt, template.send_within_seconds = "unknown", 300
        template.save()

        response = send(bob, template)

        message = Message.objects.get()
        assert response.url == reverse("admin:sms_smstemplate_tried", args=[template.pk, message.pk])
        assert message.body == "Your table for four is booked for Friday."
        assert (message.recipient, message.sender, message.country) == (CALLER, "+13125550142", "US")
        assert (message.state, message.priority, message.tool) == (State.QUEUED, 0, "booking")
        assert (message.template, message.profile) == (template, bob.sms_profile)
        assert (message.account_sid, message.on_doubt) == (ACCOUNT_SID, "unknown")
        assert 295 < (message.expires_at - message.created_at).total_seconds() <= 300

    def test_carries_who_sent_it_and_stands_in_the_templates_history(self, bob, template):
        send(bob, template)

        assert Message.objects.get().tested_by == "bob"
        entry = LogEntry.objects.get()
        assert entry.get_change_message() == "Sent a test to …23."

    def test_is_found_among_the_messages(self, ann, bob, template):
        send(bob, template)
        factories.MessageFactory(body="A text of a call.")
        client = logged_in(ann)

        listed = client.get("/admin/sms/message/?tests=yes").text
        page = client.get(reverse("admin:sms_message_change", args=[Message.objects.get(tested_by="bob").pk]))

        assert "Your table for four" in listed and "A text of a call." not in listed
        assert ">test</span>" in client.get("/admin/sms/message/").text
        assert "bob sent it as a test of the template" in page.text

    def test_may_be_of_a_template_that_is_switched_off(self, bob, template):
        template.is_active = False
        template.save()

        assert "switched off" in logged_in(bob).get(address(template)).text
        assert send(bob, template).status_code == 302

    def test_is_sent_in_the_language_that_is_chosen(self, bob, template):
        factories.TranslationFactory(template=template)

        page = logged_in(bob).get(address(template)).text
        send(bob, template, language="es")

        assert "Spanish" in page
        assert Message.objects.get().body == "Su mesa para four está reservada para el Friday."

    def test_fills_in_what_the_call_and_the_template_would(self, bob):
        template = factories.TemplateFactory(
            owner=bob, body="{{ name }}, {{ number }}, {{ line }}, {{ place }}, {{ note }}."
        )
        for name, values in {
            "name": {"source": Variable.Source.CALLER_NAME},
            "number": {"source": Variable.Source.CALLER_NUMBER},
            "line": {"source": Variable.Source.CAMPAIGN},
            "place": {"source": Variable.Source.FIXED, "fixed_text": "48 Mill Lane"},
            "note": {"default": "no note"},
        }.items():
            factories.VariableFactory(template=template, name=name, **values)

        client = logged_in(bob)
        fields = [field.name for field in client.get(address(template)).context["form"].asked]
        values = {"value-name": "Sam", "value-line": "Booking line", "value-note": ""}
        client.post(address(template), filled(**values))

        assert fields == ["value-name", "value-line", "value-note"]
        assert Message.objects.get().body == ("Sam, +1 415-555-0123, Booking line, 48 Mill Lane, no note.")

    def test_posted_twice_is_one_text(self, bob, template):
        data = filled()
        client = logged_in(bob)

        first, second = (client.post(address(template), data) for _ in range(2))

        assert first.url == second.url
        assert Message.objects.count() == 1

        third = client.post(address(template), {**data, "value-day": "Sunday"})
        assert third.url != first.url
        assert Message.objects.count() == 2

    def test_with_the_id_of_somebody_elses_text_is_one_of_its_own(self, bob, template):
        theirs = factories.MessageFactory()

        response = send(bob, template, test=str(theirs.pk))

        assert str(theirs.pk) not in response.url
        assert Message.objects.filter(tested_by="bob").count() == 1


class TestWhoMaySendOne:
    def test_is_whoever_may_change_the_template(self, ann, template):
        assert send(ann, template).status_code == 302

    def test_is_nobody_whose_account_it_does_not_spend(self, ann):
        hers = factories.TemplateFactory(owner=ann)
        eve = factories.UserFactory(username="eve", is_staff=True)
        eve.user_permissions.add(*Permission.objects.filter(codename__endswith="_smstemplate"))
        test = factories.MessageFactory(template=hers, tested_by="ann")
        client = logged_in(eve)

        answers = [
            client.get(address(hers)),
            client.post(address(hers), filled()),
            client.post(reverse("admin:sms_smstemplate_try_text", args=[hers.pk]), filled()),
            client.get(reverse("admin:sms_smstemplate_tried", args=[hers.pk, test.pk])),
            client.get(reverse("admin:sms_smstemplate_tried_state", args=[hers.pk, test.pk])),
        ]

        assert {answer.status_code for answer in answers} == {403}
        assert Message.objects.count() == 1
        page = client.get(reverse("admin:sms_smstemplate_change", args=[hers.pk])).text
        assert address(hers) not in page

    def test_sees_no_text_of_a_call_on_its_way(self, bob, template):
        in_a_call = factories.MessageFactory(template=template)

        for name in ("tried", "tried_state"):
            url = reverse(f"admin:sms_smstemplate_{name}", args=[template.pk, in_a_call.pk])
            assert logged_in(bob).get(url).status_code == 404


class TestTheNumber:
    def test_of_the_last_test_stands_there_the_next_time(self, bob, template):
        assert logged_in(bob).get(address(template)).context["form"]["number"].value() == ""

        send(bob, template, number="+1 (415) 555-0123")
        form = logged_in(bob).get(address(template)).context["form"]

        assert form["number"].value() == CALLER
        assert not form.asks_whose

    def test_is_vouched_for_once(self, bob, template):
        refused = send(bob, template, is_own=None)
        assert "say that it may get one" in str(errors(refused)["is_own"])

        assert send(bob, template).status_code == 302
        assert send(bob, template, is_own=None).status_code == 302

        other = send(bob, template, is_own=None, number=OTHER)
        assert list(errors(other)) == ["is_own"]
        assert 'name="is_own"' in other.text

    def test_that_another_vouched_for_is_not_vouched_for(self, ann, bob, template):
        send(ann, template)

        assert list(errors(send(bob, template, is_own=None))) == ["is_own"]

    @pytest.mark.parametrize("number", ["", "5550123", "call me", "+1415555012345"])
    def test_must_be_one(self, bob, template, number):
        assert list(errors(send(bob, template, number=number))) == ["number"]

    @pytest.mark.parametrize("number", ["+88213300655", "+19002345678"])
    def test_must_be_a_persons_phone(self, bob, template, number):
        response = send(bob, template, number=number)

        assert "Use the number of a mobile phone" in str(errors(response)["number"])
        assert not Message.objects.exists()

    def test_that_has_opted_out_gets_no_test(self, bob, template):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP")

        response = send(bob, template)

        assert "has opted out" in str(errors(response)["number"])
        assert not Message.objects.exists()


class TestTheValues:
    def test_are_examples_that_suit_the_variables(self, bob):
        template = factories.TemplateFactory(owner=bob, body="{{ day }} {{ reference }} {{ code }} {{ who }}")
        factories.VariableFactory(template=template, name="day", description="The day, such as Friday 3 May.")
        factories.VariableFactory(template=template, name="reference", pattern="[A-Z]{2}[0-9]{4}")
        factories.VariableFactory(template=template, name="code", max_characters=4, pattern=r"\d{4}")
        factories.VariableFactory(template=template, name="who", default="you")

        client = logged_in(bob)
        form = client.get(address(template)).context["form"]
        values = {field.name: field.value() for field in form.asked}
        response = client.post(address(template), filled(**values))

        assert values == {
            "value-day": "Friday 3 May",
            "value-reference": "AA1111",
            "value-code": "1111",
            "value-who": "you",
        }
        assert response.status_code == 302

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ("", "required"),
            ("  ", "nothing to see in it"),
            ("\u200b\u2800", "nothing to see in it"),
            ("x" * 61, "60 is the most"),
            ("see evil.example.com", "may hold no link"),
            ("two\nlines\u202e", "direction of reading"),
        ],
    )
    def test_are_held_to_the_variables_rules_and_stand_there_still(self, bob, template, value, words):
        response = send(bob, template, **{"value-day": value})

        assert words in str(errors(response)["value-day"])
        assert response.context["form"]["value-guests"].value() == "four"
        assert not Message.objects.exists()

    @pytest.mark.parametrize(
        ("body", "values"),
        [
            ("{{ guests }}{{ day }}", {"value-guests": "evil", "value-day": ".com/x"}),
            ("{{ guests }}.com {{ day }}", {"value-guests": "pay-me"}),
        ],
    )
    def test_make_no_link_where_they_meet(self, bob, template, body, values):
        template.body = body
        template.save()

        response = send(bob, template, **values)

        assert "may hold no link" in str(errors(response)["__all__"])
        assert "Put a space between them" in response.text
        assert not Message.objects.exists()

    def test_stand_there_as_they_are_written_as_in_a_call(self, bob, template):
        send(bob, template, **{"value-day": " Friday ", "value-guests": "four"})

        assert Message.objects.get().body == "Your table for four is booked for  Friday ."

    def test_are_sent_as_they_were_checked(self, bob, template):
        factories.VariableFactory(template=template, name="day", max_characters=300)

        response = send(bob, template, **{"value-day": " " * 295 + "abcdefgh"})

        assert "300 is the most" in str(errors(response)["value-day"])
        assert not Message.objects.exists()

    def test_that_make_the_text_too_long_are_refused_as_in_a_call(self, bob, template):
        template.max_segments = 1
        template.save()
        long = "ж" * 60

        response = send(bob, template, **{"value-day": long, "value-guests": long})

        assert "takes 3 segments, and the template allows 1" in response.text
        assert not Message.objects.exists()

    def test_are_never_interpreted(self, bob, template):
        send(bob, template, **{"value-day": "{{ guests }} {% now %}", "value-guests": "<b>{{ day }}"})

        assert Message.objects.get().body == (
            "Your table for <b>{{ day }} is booked for {{ guests }} {% now %}."
        )


class TestTheTextShown:
    def test_is_what_would_be_sent(self, bob, template):
        assert "Your table for guests is booked for day." in logged_in(bob).get(address(template)).text

    def test_follows_what_is_typed_whatever_that_is(self, bob, template):
        url = reverse("admin:sms_smstemplate_try_text", args=[template.pk])
        client = logged_in(bob)

        for data, words in [
            (filled(number="", **{"value-day": "Su"}), "four is booked for Su."),
            ({}, "Your table for  is booked for ."),
            (filled(language="xx"), "four is booked for Friday."),
            (filled(**{"value-day": "<i>"}), "&lt;i&gt;"),
            (filled(**{"value-day": "x" * 100_000}), "3 segments"),
        ]:
            answer = client.post(url, data)
            assert answer.status_code == 200 and words in answer.json()["html"], words
        assert client.get(url).status_code == 405
        assert not Message.objects.exists()

    def test_is_looked_at_without_a_script_and_nothing_is_sent(self, bob, template):
        page = send(bob, template, _look="1", **{"value-day": "Sunday"})

        assert "Your table for four is booked for Sunday." in page.text
        assert not Message.objects.exists()


class TestWhatIsMissing:
    def test_is_said_and_nothing_is_sent(self, bob, template):
        UserProfile.objects.filter(user=bob).update(twilio_auth_token=None)

        page = logged_in(bob).get(address(template)).text
        response = send(bob, template)

        assert "has no Twilio credentials on their profile" in page
        assert reverse("admin:sms_userprofile_me") in page
        assert "has no Twilio credentials" in str(errors(response))
        assert not Message.objects.exists()

    def test_may_be_a_sender(self, bob, template):
        UserProfile.objects.filter(user=bob).update(twilio_from="")

        assert "has no sender" in logged_in(bob).get(address(template)).text

    def test_may_be_the_carriers_trust_in_the_sender(self, bob, template):
        send(bob, template)
        outbox.hold(ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)

        page = logged_in(bob).get(address(template)).text

        assert "Twilio does not accept the token." in page
        assert "held back" in str(errors(send(bob, template)))
        assert Message.objects.count() == 1

    def test_is_nothing_in_the_demo_and_a_number_stands_there(self, bob, template, settings):
        settings.DEMO = True

        page = logged_in(bob).get(address(template))

        assert page.context["form"]["number"].value() == trial.DEMO_NUMBER
        assert f"http://127.0.0.1:{settings.SIMULATOR_PORT}/" in page.text
        assert send(bob, template, number=trial.DEMO_NUMBER, is_own=None).status_code == 302


class TestHowMany:
    def test_is_five_a_minute_for_each_person(self, ann, bob, template):
        for _ in range(5):
            assert send(bob, template).status_code == 302
            Message.objects.update(state=State.DELIVERED)

        refused = send(bob, template)
        assert "5 tests within a minute" in str(errors(refused))
        assert refused.context["form"]["value-day"].value() == "Friday"
        assert send(ann, template).status_code == 302

        Message.objects.update(created_at=timezone.now() - trial.A_MINUTE)
        assert send(bob, template).status_code == 302

    def test_is_fifty_a_day_for_each_person(self, ann, bob, template):
        for _ in range(50):
            send(bob, template)
            Message.objects.update(state=State.DELIVERED, created_at=timezone.now() - trial.A_MINUTE)

        assert "50 tests within a day" in str(errors(send(bob, template)))
        assert send(ann, template).status_code == 302

        Message.objects.update(created_at=timezone.now() - trial.A_DAY)
        assert send(bob, template).status_code == 302

    def test_is_three_that_have_not_left(self, bob, template):
        for _ in range(3):
            assert send(bob, template).status_code == 302

        assert "3 of your tests have not left yet" in str(errors(send(bob, template)))

        Message.objects.filter(pk=Message.objects.first().pk).update(state=State.SENT)
        assert send(bob, template).status_code == 302


def test_what_is_said_of_a_variable_is_shown_as_it_is_written(bob, ann, template):
    evil = "<img src=x onerror=alert(1)>"
    Variable.objects.create(template=template, name="day", description=evil, default=evil, is_required=False)

    shown = logged_in(ann).get(address(template)).content.decode()

    assert evil not in shown
    assert shown.count("&lt;img src=x onerror=alert(1)&gt;") >= 2


@pytest.mark.django_db(transaction=True)
def test_many_posts_in_one_instant_are_no_more_than_may_be(bob, template):
    client = logged_in(bob)
    together = threading.Barrier(8)

    def post() -> None:
        together.wait()
        client.post(address(template), filled())
        connections.close_all()

    posts = [threading.Thread(target=post) for _ in range(8)]
    for each in posts:
        each.start()
    for each in posts:
        each.join()

    assert Message.objects.count() == trial.MOST_WAITING


class TestWhatBecomesOfIt:
    @pytest.fixture
    def test(self, bob, template):
        send(bob, template)
        return Message.objects.get()

    def state(self, user, test):
        url = reverse("admin:sms_smstemplate_tried_state", args=[test.template_id, test.pk])
        return logged_in(user).get(url).json()

    def test_is_told_until_it_has_arrived(self, bob, test):
        waiting = self.state(bob, test)
        assert (waiting["ended"], waiting["said"].split(".")[0]) == (False, "Queued")

        Message.objects.update(state=State.SENT)
        assert not self.state(bob, test)["ended"]

        Message.objects.update(state=State.DELIVERED)
        arrived = self.state(bob, test)
        assert arrived["ended"]
        assert arrived["said"] == "Delivered. It is on the phone."

    def test_comes_with_the_reason_in_plain_words_and_what_to_do(self, bob, test):
        Message.objects.update(
            state=State.UNDELIVERED,
            error_code=30006,
            reason="That number cannot get texts: it is a landline.",
        )

        told = self.state(bob, test)

        assert told["ended"] and "it is a landline" in told["said"]
        assert "What to do:" in told["html"]

    def test_stands_on_the_page_without_a_script_with_a_way_to_look_again(self, bob, test):
        url = reverse("admin:sms_smstemplate_tried", args=[test.template_id, test.pk])
        client = logged_in(bob)

        page = client.get(url).text
        assert "Queued" in page and "Look again" in page and f'href="{url}"' in page
        assert reverse("admin:sms_message_change", args=[test.pk]) not in page

        bob.user_permissions.add(Permission.objects.get(codename="view_message"))
        Message.objects.update(state=State.DELIVERED)
        page = client.get(url).text
        assert "Look again" not in page and "Delivered" in page
        assert reverse("admin:sms_message_change", args=[test.pk]) in page

    def test_stands_among_ones_last_tests(self, ann, bob, test):
        link = reverse("admin:sms_smstemplate_tried", args=[test.template_id, test.pk])

        assert link in logged_in(bob).get(address(test.template)).text
        assert link not in logged_in(ann).get(address(test.template)).text


@pytest.mark.django_db(transaction=True)
def test_it_reaches_the_carrier_and_one_that_opted_out_meanwhile_does_not(bob, template, carrier):
    send(bob, template)
    send(bob, template, number=OTHER)
    outbox.opt_out(OTHER, OptOut.Source.PERSON, "")
    Sender.objects.update(messages_per_second=1000)

    try:
        dispatch.drain()
    finally:
        dispatch.close()

    states = dict(Message.objects.values_list("recipient", "state"))
    assert states == {CALLER: State.ACCEPTED, OTHER: State.BLOCKED}
    assert [text["body"] for text in carrier.texts()] == ["Your table for four is booked for Friday."]


@pytest.mark.django_db
def test_tests_and_a_templates_texts_are_found_by_an_index():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'sms_message'")
        names = {name for (name,) in cursor.fetchall()}

    assert {"message_tests", "message_by_template"} <= names
    assert not [name for name in names if name.startswith("sms_message_template_id")]
