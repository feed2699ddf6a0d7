"""The pages for topics, SMS actions and users, and how templates keep in step with topics."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from builder.models import SmsAction, Topic
from sms.models import SmsTemplate, UserProfile
from tests import factories
from tests.factories import ACCOUNT_SID, AUTH_TOKEN

NEW_TOKEN = "0f1e2d3c4b5a6978" * 2
TEMPLATE = {
    "description": "Use this when asked.",
    "body": "Open from noon.",
    "provider": "twilio",
    "sender": "",
    "send_within_seconds": "900",
    "is_active": "on",
}
ACTION = {
    "name": "note",
    "description": "Use this when asked.",
    "template": "",
    "recipient": "caller",
    "provider": "twilio",
    "account_sid": ACCOUNT_SID,
    "auth_token": "",
    "default_from": "+13125550142",
    "sender": "",
    "send_within_seconds": "900",
    "is_active": "on",
}


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


class TestTemplatesThatTopicsReferTo:
    @pytest.fixture
    def template(self, ann):
        template = factories.TemplateFactory(name="directions", owner=ann)
        factories.TopicFactory(name="Finding us", actions="Offer it, then call {{directions}}.")
        return template

    def test_are_listed_with_their_topics(self, ann, template):
        assert "Finding us" in logged_in(ann).get(reverse("admin:sms_smstemplate_changelist")).text

    def test_are_not_deleted_and_the_refusal_names_the_topics(self, ann, template):
        url = reverse("admin:sms_smstemplate_delete", args=[template.pk])

        response = logged_in(ann).post(url, {"post": "yes"})

        assert "Finding us" in response.text and "cannot be deleted" in response.text
        assert SmsTemplate.objects.exists()

    def test_are_not_deleted_by_the_dozen_either(self, ann, template):
        data = {"action": "delete_selected", "_selected_action": [template.pk], "post": "yes"}

        logged_in(ann).post(reverse("admin:sms_smstemplate_changelist"), data)

        assert SmsTemplate.objects.exists()

    def test_are_not_deleted_while_an_action_sends_them(self, ann):
        template = factories.TemplateFactory(owner=ann)
        factories.VariableFactory(template=template)
        factories.ActionFactory(name="text_the_map", template=template, owner=ann)
        url = reverse("admin:sms_smstemplate_delete", args=[template.pk])

        response = logged_in(ann).post(url, {"post": "yes"})

        assert "text_the_map" in response.text and "cannot be deleted" in response.text
        assert SmsTemplate.objects.exists()

    def test_are_deleted_with_all_that_is_theirs_when_nothing_uses_them(self, ann):
        template = factories.TemplateFactory(owner=ann)
        factories.VariableFactory(template=template)
        factories.TranslationFactory(template=template)
        url = reverse("admin:sms_smstemplate_delete", args=[template.pk])

        logged_in(ann).post(url, {"post": "yes"})

        assert not SmsTemplate.objects.exists()

    def test_take_the_topics_along_when_they_are_renamed(self, ann, template):
        url = reverse("admin:sms_smstemplate_change", args=[template.pk])

        response = logged_in(ann).post(
            url, {**TEMPLATE, "name": "how_to_find_us", "owner": ann.pk}, follow=True
        )

        assert Topic.objects.get().actions == "Offer it, then call {{how_to_find_us}}."
        assert "Finding us" in response.text


class TestTopics:
    def test_questions_are_written_one_a_line(self, ann):
        data = {"name": "Hours", "questions": "When?\r\n\r\n  Till when?  \r\n", "is_active": "on"}

        response = logged_in(ann).post(reverse("admin:builder_topic_add"), data)

        assert response.status_code == 302
        topic = Topic.objects.get()
        assert (topic.questions, topic.owner) == (["When?", "Till when?"], ann)

    def test_too_many_or_too_long_questions_are_refused_in_plain_words(self, ann):
        url = reverse("admin:builder_topic_add")
        client = logged_in(ann)

        assert "Write 20 questions at most" in client.post(url, {"name": "H", "questions": "a\n" * 21}).text
        assert "Question 2:" in client.post(url, {"name": "H", "questions": "a\n" + "b" * 301}).text

    def test_a_reference_to_no_template_is_refused(self, ann):
        data = {"name": "Hours", "actions": "Call {{hours}}."}

        response = logged_in(ann).post(reverse("admin:builder_topic_add"), data)

        assert "There is no SMS template called “hours”" in response.text

    def test_a_text_that_is_much_too_long_is_refused_before_it_is_read(self, ann):
        started = time.thread_time()

        response = logged_in(ann).post(
            reverse("admin:builder_topic_add"), {"name": "Hours", "actions": "{{a}}. " * 30_000}
        )

        assert "at most 10000 characters" in response.text
        assert time.thread_time() - started < 5

    def test_the_form_lists_the_templates_to_refer_to(self, ann):
        factories.TemplateFactory(name="directions")

        assert "{{directions}}" in logged_in(ann).get(reverse("admin:builder_topic_add")).text


class TestActions:
    url = "admin:builder_smsaction_add"

    def test_credentials_entered_with_one_are_stored_on_the_own_profile(self, ann):
        UserProfile.objects.filter(user=ann).delete()

        logged_in(ann).post(reverse(self.url), {**ACTION, "owner": ann.pk, "auth_token": NEW_TOKEN})

        profile = UserProfile.objects.get(user=ann)
        assert profile.twilio_auth_token.reveal() == NEW_TOKEN
        assert (profile.twilio_account_sid, profile.twilio_from) == (ACCOUNT_SID, "+13125550142")
        assert SmsAction.objects.get().obstacle() == ""

    def test_wrong_ones_are_refused_and_neither_they_nor_the_action_are_stored(self, ann, carrier):
        data = {**ACTION, "owner": ann.pk, "auth_token": NEW_TOKEN}

        page = logged_in(ann).post(reverse(self.url), data).text

        assert "Twilio does not accept this token for this account." in page
        assert NEW_TOKEN not in page
        assert not SmsAction.objects.exists()
        assert UserProfile.objects.get(user=ann).twilio_auth_token.reveal() == AUTH_TOKEN

    def test_a_from_that_the_account_does_not_have_is_refused_with_those_it_has(self, ann, carrier):
        for field in ("default_from", "sender"):
            data = {**ACTION, "owner": ann.pk, "auth_token": AUTH_TOKEN, field: "+13125550150"}

            page = logged_in(ann).post(reverse(self.url), data).text

            assert "The account cannot text from +13125550150. It can from:" in page
        assert not SmsAction.objects.exists()

    def test_what_was_found_of_them_is_kept_on_the_profile(self, ann, carrier):
        data = {**ACTION, "owner": ann.pk, "auth_token": AUTH_TOKEN}

        page = logged_in(ann).post(reverse(self.url), data, follow=True).text

        assert "Verified with Twilio: “Simulated account” is active" in page
        assert UserProfile.objects.get(user=ann).account_status == "active"

    def test_nobody_is_asked_for_one_that_atlas_sends(self, ann, settings):
        settings.ATLAS_ACCOUNT_SID = "AC" + "1" * 32
        data = {**ACTION, "owner": ann.pk, "provider": "atlas", "auth_token": NEW_TOKEN}

        page = logged_in(ann).post(reverse(self.url), data, follow=True).text

        assert "could not be reached" not in page
        assert UserProfile.objects.get(user=ann).twilio_auth_token.reveal() == AUTH_TOKEN

    def test_what_nobody_was_asked_about_does_not_count_as_verified(self, ann, settings):
        # A page that states Twilio leaves no choice; a request that claims another one is not asked about.
        settings.ATLAS_ACCOUNT_SID = ""
        UserProfile.objects.filter(user=ann).update(verified_at=timezone.now(), senders={})
        data = {**ACTION, "owner": ann.pk, "provider": "atlas", "auth_token": NEW_TOKEN}

        logged_in(ann).post(reverse(self.url), data)

        profile = UserProfile.objects.get(user=ann)
        assert profile.twilio_auth_token.reveal() == NEW_TOKEN
        assert (profile.verified_at, profile.senders) == (None, None)

    def test_a_blank_token_keeps_the_stored_one(self, ann):
        logged_in(ann).post(reverse(self.url), {**ACTION, "owner": ann.pk, "default_from": "+13125550177"})

        profile = UserProfile.objects.get(user=ann)
        assert profile.twilio_auth_token.reveal() == AUTH_TOKEN
        assert profile.twilio_from == "+13125550177"

    def test_a_request_that_leaves_the_credentials_out_leaves_them_as_they_are(self, ann):
        before = UserProfile.objects.values().get(user=ann)
        data = {name: value for name, value in ACTION.items() if name not in ("account_sid", "default_from")}

        logged_in(ann).post(reverse(self.url), {**data, "owner": ann.pk})

        assert SmsAction.objects.get().name == "note"
        assert UserProfile.objects.values().get(user=ann) == before

    def test_the_account_of_stored_secrets_is_not_emptied_here(self, ann):
        page = logged_in(ann).post(reverse(self.url), {**ACTION, "owner": ann.pk, "account_sid": ""}).text

        assert "remove the secrets under Account &gt; My profile." in page
        assert not SmsAction.objects.exists()
        assert UserProfile.objects.get(user=ann).twilio_account_sid == ACCOUNT_SID

    def test_another_owners_credentials_are_not_entered_here(self, ann, bob):
        data = {**ACTION, "owner": bob.pk, "auth_token": NEW_TOKEN}

        response = logged_in(ann).post(reverse(self.url), data)

        assert "not yours to enter" in response.text
        assert not SmsAction.objects.exists()
        for user in (ann, bob):
            assert UserProfile.objects.get(user=user).twilio_auth_token.reveal() == AUTH_TOKEN

    def test_another_owners_account_is_not_shown(self, ann, bob):
        UserProfile.objects.filter(user=bob).update(twilio_account_sid="AC" + "b" * 32)
        action = factories.ActionFactory(owner=bob)

        page = logged_in(ann).get(reverse("admin:builder_smsaction_change", args=[action.pk])).text

        assert "The credentials are those of bob; they are stored, not verified yet." in page
        assert "AC" + "b" * 32 not in page

    def test_two_of_one_owner_do_not_share_a_name(self, bob):
        allow(bob, "add_smsaction", "view_smsaction")
        factories.ActionFactory(name="Note", owner=bob)

        response = logged_in(bob).post(reverse(self.url), ACTION)

        assert "You have an action of this name already" in response.text

    def test_both_providers_are_offered_only_where_both_are_enabled(self, ann, settings):
        settings.ATLAS_ACCOUNT_SID = "AC" + "1" * 32
        client = logged_in(ann)
        assert '<option value="atlas"' in client.get(reverse(self.url)).text

        UserProfile.objects.filter(user=ann).update(twilio_enabled=False)
        page = client.get(reverse(self.url)).text
        assert "Atlas (the platform&#x27;s own), the only one enabled for you." in page
        assert "An administrator may enable Twilio." in page
        assert '<option value="atlas"' not in page


class TestUsers:
    def test_staff_who_may_change_users_do_not_make_superusers(self, bob):
        allow(bob, "change_user", "view_user")

        logged_in(bob).post(
            reverse("admin:auth_user_change", args=[bob.pk]),
            {"username": "bob", "is_staff": "on", "is_active": "on", "is_superuser": "on"},
        )

        assert not User.objects.get(pk=bob.pk).is_superuser

    def test_nor_do_they_touch_one(self, ann, bob):
        allow(bob, "change_user", "view_user")
        data = {"password1": "a long new passphrase", "password2": "a long new passphrase"}

        response = logged_in(bob).post(reverse("admin:auth_user_password_change", args=[ann.pk]), data)

        assert response.status_code == 403
