"""The pages for profiles, opt-outs, templates and messages."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from sms import outbox
from sms.models import Message, OptOut, Sender, SmsTemplate, State, UserProfile
from tests import factories
from tests.factories import AUTH_TOKEN, CALLER

NEW_TOKEN = "0f1e2d3c4b5a6978" * 2


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob is staff; each test says what he may do."""
    return factories.UserFactory(username="bob", is_staff=True)


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def allow(user, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def profile_url(user) -> str:
    return reverse("admin:sms_userprofile_change", args=[user.sms_profile.pk])


def profile_data(user, **changes):
    profile = UserProfile.objects.get(user=user)
    data = {
        "twilio_account_sid": profile.twilio_account_sid,
        "auth_token": "",
        "twilio_from": profile.twilio_from,
        "twilio_enabled": "on",
        "atlas_enabled": "on",
    }
    return {**data, **changes}


class TestMyProfile:
    @pytest.fixture(autouse=True)
    def may_change_it(self, bob):
        allow(bob, "change_userprofile")

    def test_it_is_made_when_it_is_opened_for_the_first_time(self, bob):
        UserProfile.objects.filter(user=bob).delete()

        response = logged_in(bob).get(reverse("admin:sms_userprofile_me"), follow=True)

        assert response.status_code == 200
        assert UserProfile.objects.filter(user=bob).exists()

    def test_a_blank_token_keeps_the_stored_one(self, bob):
        data = profile_data(bob, twilio_from="+13125550177")

        assert logged_in(bob).post(profile_url(bob), data).status_code == 302

        profile = UserProfile.objects.get(user=bob)
        assert profile.twilio_from == "+13125550177"
        assert profile.twilio_auth_token.reveal() == AUTH_TOKEN

    def test_a_new_token_replaces_the_stored_one_and_is_in_no_log(self, bob):
        logged_in(bob).post(profile_url(bob), profile_data(bob, auth_token=NEW_TOKEN))

        assert UserProfile.objects.get(user=bob).twilio_auth_token.reveal() == NEW_TOKEN
        entry = LogEntry.objects.get()
        assert "Auth Token" in entry.get_change_message()
        assert NEW_TOKEN not in entry.change_message + entry.object_repr

    def test_the_stored_token_can_be_removed(self, bob):
        logged_in(bob).post(profile_url(bob), profile_data(bob, remove_token="on"))

        assert UserProfile.objects.get(user=bob).twilio_auth_token is None

    def test_a_refused_form_does_not_show_the_token_that_was_typed(self, bob):
        data = profile_data(bob, auth_token=NEW_TOKEN, twilio_account_sid="AC1")

        response = logged_in(bob).post(profile_url(bob), data)

        assert response.status_code == 200
        assert "An Account SID is AC followed by" in response.text
        assert NEW_TOKEN not in response.text

    def test_nobody_reaches_another_users_profile(self, ann, bob):
        client = logged_in(bob)

        for response in (
            client.get(profile_url(ann)),
            client.post(profile_url(ann), profile_data(ann, auth_token=NEW_TOKEN)),
        ):
            assert response.status_code in (302, 403, 404)
        assert UserProfile.objects.get(user=ann).twilio_auth_token.reveal() == AUTH_TOKEN
        assert "ann" not in client.get(reverse("admin:sms_userprofile_changelist")).text

    def test_only_those_who_look_after_others_decide_on_providers(self, ann, bob):
        logged_in(bob).post(profile_url(bob), {**profile_data(bob), "twilio_enabled": ""})
        assert UserProfile.objects.get(user=bob).twilio_enabled

        data = profile_data(bob)
        del data["twilio_enabled"]
        logged_in(ann).post(profile_url(bob), data)
        assert not UserProfile.objects.get(user=bob).twilio_enabled

    def test_a_new_token_lets_what_was_held_for_the_old_one_go_on(self, bob):
        sender = held_sender()

        logged_in(bob).post(profile_url(bob), profile_data(bob, auth_token=NEW_TOKEN))

        sender.refresh_from_db()
        assert sender.held_at is None

    def test_a_secondary_token_is_kept_beside_the_first(self, bob):
        client = logged_in(bob)

        client.post(profile_url(bob), profile_data(bob, secondary_token=NEW_TOKEN))
        profile = UserProfile.objects.get(user=bob)
        assert profile.twilio_secondary_token.reveal() == NEW_TOKEN
        assert profile.twilio_auth_token.reveal() == AUTH_TOKEN
        assert NEW_TOKEN not in client.get(profile_url(bob)).text

        client.post(profile_url(bob), profile_data(bob, remove_secondary="on"))
        assert UserProfile.objects.get(user=bob).twilio_secondary_token is None


def held_sender() -> Sender:
    sender = Sender.objects.create(
        account_sid=factories.ACCOUNT_SID, address="+13125550142", messages_per_second=1
    )
    outbox.hold(factories.ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)
    return sender


class TestSenders:
    def test_a_held_one_is_on_the_first_page_and_is_released_by_hand(self, ann):
        sender = held_sender()
        client = logged_in(ann)
        assert "Nothing is sent from +13125550142" in client.get(reverse("admin:index")).text
        assert "Release it now" in client.get(reverse("admin:sms_sender_change", args=[sender.pk])).text

        client.post(reverse("admin:sms_sender_release", args=[sender.pk]))

        sender.refresh_from_db()
        assert sender.held_at is None

    def test_reading_does_not_release(self, ann, bob):
        sender = held_sender()
        allow(bob, "view_sender")
        url = reverse("admin:sms_sender_release", args=[sender.pk])

        assert logged_in(ann).get(url).status_code == 403
        assert logged_in(bob).post(url).status_code == 403

    def test_only_the_rate_is_changed(self, ann):
        sender = held_sender()
        url = reverse("admin:sms_sender_change", args=[sender.pk])

        logged_in(ann).post(url, {"messages_per_second": "3", "address": "+15005550006"})

        sender.refresh_from_db()
        assert (sender.messages_per_second, sender.address) == (3, "+13125550142")


class TestOptOuts:
    def add(self, client, number):
        return client.post(reverse("admin:sms_optout_add"), {"recipient": number, "evidence": "On the phone"})

    def test_one_entered_by_hand_blocks_what_is_queued(self, ann):
        message = factories.MessageFactory()

        response = self.add(logged_in(ann), "+1 (415) 555-0123")

        assert response.status_code == 302
        opt_out = OptOut.objects.get()
        assert (opt_out.recipient, opt_out.source, opt_out.created_by) == (CALLER, "person", ann)
        assert Message.objects.get(pk=message.pk).state == State.BLOCKED

    def test_a_number_opts_out_once(self, ann):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)

        response = self.add(logged_in(ann), CALLER)

        assert "opted out already" in response.text
        assert OptOut.objects.count() == 1

    def test_what_is_no_number_is_refused_with_a_hint(self, ann):
        assert "with + and the country code" in self.add(logged_in(ann), "555-0123").text

    def test_lifting_one_needs_a_reason_and_keeps_the_row(self, ann):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)
        opt_out = OptOut.objects.get()
        url = reverse("admin:sms_optout_lift", args=[opt_out.pk])
        client = logged_in(ann)

        client.post(url, {"because": ""})
        assert OptOut.stands_for(CALLER)

        client.post(url, {"because": "Texted START."})
        opt_out.refresh_from_db()
        assert not OptOut.stands_for(CALLER)
        assert (opt_out.lifted_by, opt_out.lifted_because) == (ann, "Texted START.")

    def test_they_are_never_changed_or_deleted(self, ann):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)
        pk = OptOut.objects.get().pk
        client = logged_in(ann)

        for page in ("change", "delete"):
            assert (
                client.post(reverse(f"admin:sms_optout_{page}", args=[pk]), {"post": "yes"}).status_code
                == 403
            )

    def test_lifting_needs_the_permission_to_change(self, bob):
        allow(bob, "view_optout")
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)
        pk = OptOut.objects.get().pk
        client = logged_in(bob)

        assert client.post(reverse("admin:sms_optout_lift", args=[pk]), {"because": "x"}).status_code == 403
        assert "Lift the opt-out" not in client.get(reverse("admin:sms_optout_change", args=[pk])).text


class TestTemplates:
    url = "admin:sms_smstemplate_add"
    data = {
        "name": "hours",
        "description": "Use this when asked for the opening hours.",
        "body": "Open from noon.",
        "provider": "twilio",
        "sender": "",
        "send_within_seconds": "900",
        "is_active": "on",
    }

    def test_whoever_adds_one_owns_it_whatever_the_request_says(self, ann, bob):
        allow(bob, "add_smstemplate", "view_smstemplate")

        logged_in(bob).post(reverse(self.url), {**self.data, "owner": ann.pk})

        assert SmsTemplate.objects.get().owner == bob

    def test_a_superuser_may_choose_the_owner(self, ann, bob):
        logged_in(ann).post(reverse(self.url), {**self.data, "owner": bob.pk})

        assert SmsTemplate.objects.get().owner == bob

    def test_another_users_template_can_be_read_and_not_changed(self, ann, bob):
        allow(bob, "change_smstemplate", "delete_smstemplate", "view_smstemplate")
        template = factories.TemplateFactory(owner=ann)
        client = logged_in(bob)
        change = reverse("admin:sms_smstemplate_change", args=[template.pk])

        assert client.get(change).status_code == 200
        assert client.post(change, {**self.data, "owner": bob.pk}).status_code == 403
        delete = reverse("admin:sms_smstemplate_delete", args=[template.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403

    def test_a_provider_that_is_not_enabled_is_stated_and_refused(self, ann, settings):
        settings.ATLAS_ACCOUNT_SID = ""
        client = logged_in(ann)

        assert "Atlas is not set up here" in client.get(reverse(self.url)).text
        client.post(reverse(self.url), {**self.data, "owner": ann.pk, "provider": "atlas"})
        assert SmsTemplate.objects.get().provider == "twilio"

    @pytest.mark.parametrize(
        ("asked", "stored"),
        [({}, "resend"), ({"on_doubt": ""}, "resend"), ({"on_doubt": "unknown"}, "unknown")],
    )
    def test_what_becomes_of_a_lost_text_is_chosen_in_plain_words(self, ann, asked, stored):
        client = logged_in(ann)
        assert "Do not send it again" in client.get(reverse(self.url)).text

        client.post(reverse(self.url), {**self.data, "owner": ann.pk, **asked})

        assert SmsTemplate.objects.get().on_doubt == stored

    def test_a_sender_is_none_of_the_platforms(self, ann, settings):
        settings.ATLAS_ACCOUNT_SID = "AC" + "1" * 32
        data = {**self.data, "owner": ann.pk, "provider": "atlas", "sender": "+13125550142"}

        logged_in(ann).post(reverse(self.url), data)

        assert (SmsTemplate.objects.get().provider, SmsTemplate.objects.get().sender) == ("atlas", "")


class TestMessages:
    def found(self, ann, term: str) -> int:
        response = logged_in(ann).get(reverse("admin:sms_message_changelist"), {"q": term})
        return len(response.context["cl"].result_list)

    def test_they_are_found_by_number_id_and_sid_and_only_whole(self, ann):
        message = factories.MessageFactory(provider_sid="SM" + "a" * 32)
        factories.MessageFactory(recipient="+14155550124")

        for term in ("+1 415 555 0123", str(message.pk), "SM" + "a" * 32):
            assert self.found(ann, term) == 1
        for term in ("+1415", "Your table", str(message.pk)[:8]):
            assert self.found(ann, term) == 0

    def test_the_list_reads_neither_all_rows_nor_all_bodies(self, ann, django_assert_max_num_queries):
        factories.MessageFactory.create_batch(3)
        client = logged_in(ann)
        client.get(reverse("admin:index"))

        with django_assert_max_num_queries(6) as queries:
            client.get(reverse("admin:sms_message_changelist"))
        assert not [query for query in queries if "COUNT(" in query["sql"] or "LIKE" in query["sql"].upper()]

    def test_a_failure_says_why_and_what_to_do(self, ann):
        message = factories.MessageFactory(
            state=State.FAILED, reason="It is a landline.", error_code=30006, attempt=1
        )
        message.events.create(state=State.FAILED, attempt=1, detail="It is a landline.")

        page = logged_in(ann).get(reverse("admin:sms_message_change", args=[message.pk])).text

        assert "It is a landline." in page
        assert "What to do:" in page and "Ask for another number" in page
        assert "Step by step" in page

    def cancel_url(self, *messages: Message) -> str:
        return f"{reverse('admin:sms_message_cancel')}?texts={','.join(str(each.pk) for each in messages)}"

    def test_one_that_waits_is_canceled_with_the_reason_on_record(self, ann):
        message = factories.MessageFactory()
        client = logged_in(ann)
        url = self.cancel_url(message)
        page = client.get(reverse("admin:sms_message_change", args=[message.pk])).text
        assert f'href="{url}"' in page

        assert client.post(url, {"because": ""}).status_code == 200
        assert Message.objects.get().state == State.QUEUED
        client.post(url, {"because": "They called back."})

        message.refresh_from_db()
        assert (message.state, message.reason) == ("canceled", "Canceled by ann: They called back.")
        assert LogEntry.objects.get().get_change_message() == "Canceled: They called back."
        page = client.get(reverse("admin:sms_message_change", args=[message.pk])).text
        assert "Canceled by ann: They called back." in page
        assert "Cancel this text" not in page

    def test_several_are_canceled_from_the_list_as_far_as_they_wait(self, ann):
        queued, held = factories.MessageFactory(), factories.MessageFactory(state=State.HELD)
        sent = factories.MessageFactory(state=State.SENT, attempt=1)
        client = logged_in(ann)
        chosen = [str(message.pk) for message in (queued, held, sent)]

        action = client.post(
            reverse("admin:sms_message_changelist"),
            {"action": "cancel_texts", "_selected_action": chosen, "index": "0"},
        )
        page = client.get(action.url).text
        client.post(action.url, {"because": "The restaurant is closed."})

        assert "Cancel 2 texts" in page and "the others have left, or have ended" in page
        states = dict(Message.objects.values_list("pk", "state"))
        assert [states[each.pk] for each in (queued, held, sent)] == ["canceled", "canceled", "sent"]
        assert LogEntry.objects.count() == 2

    def test_one_that_leaves_meanwhile_is_not_said_to_be_canceled(self, ann):
        message = factories.MessageFactory(state=State.SENT, attempt=1)

        response = logged_in(ann).post(self.cancel_url(message), {"because": "Too late."})

        assert "There is nothing to cancel" in response.text
        assert Message.objects.get().state == State.SENT
        assert not LogEntry.objects.exists()

    def test_canceling_needs_the_permission_to_change(self, bob):
        allow(bob, "view_message")
        message = factories.MessageFactory()
        client = logged_in(bob)

        assert client.post(self.cancel_url(message), {"because": "x"}).status_code == 403
        page = client.get(reverse("admin:sms_message_change", args=[message.pk])).text
        assert "Cancel this text" not in page
        assert "cancel_texts" not in client.get(reverse("admin:sms_message_changelist")).text
        allow(bob, "change_message")
        assert client.post(self.cancel_url(message), {"because": "x"}).status_code == 302

    @pytest.mark.parametrize("texts", ["", "x", "%00", "1,2,3", "x" * 5000])
    def test_what_is_no_text_is_not_canceled(self, ann, texts):
        url = f"{reverse('admin:sms_message_cancel')}?texts={texts}"

        assert logged_in(ann).post(url, {"because": "x"}).status_code == 200

    def test_one_that_was_sent_twice_is_counted_on_the_first_page_and_says_so(self, ann):
        client = logged_in(ann)
        assert "Sent twice" not in client.get(reverse("admin:index")).text
        message = factories.MessageFactory(
            state=State.DELIVERED, attempt=2, provider_sid="SM" + "a" * 32, duplicate_detected=True
        )
        message.events.create(state=State.SENT, provider_status="sent", provider_sid="SM" + "b" * 32)

        assert "Sent twice in the last 30 days: 1." in client.get(reverse("admin:index")).text
        found = client.get(reverse("admin:sms_message_changelist"), {"duplicate_detected__exact": "1"})
        assert [each.pk for each in found.context["cl"].result_list] == [message.pk]
        page = client.get(reverse("admin:sms_message_change", args=[message.pk])).text
        assert "got it twice" in page and "SM" + "b" * 32 in page

    def test_one_that_is_held_says_what_its_sender_needs(self, ann):
        message = factories.MessageFactory()
        outbox.hold(message.account_sid, message.sender, "The A2P 10DLC registration is missing.", 30034)

        page = logged_in(ann).get(reverse("admin:sms_message_change", args=[message.pk])).text

        assert "Register the brand and its campaign" in page

    def test_they_are_read_only(self, ann):
        message = factories.MessageFactory()
        client = logged_in(ann)

        assert client.get(reverse("admin:sms_message_add")).status_code == 403
        for page in ("change", "delete"):
            url = reverse(f"admin:sms_message_{page}", args=[message.pk])
            assert client.post(url, {"state": "delivered", "post": "yes"}).status_code == 403
        assert Message.objects.get().state == State.QUEUED
