"""All pages at once, the campaign's Integrations, and the dashboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Call, Campaign, Connection, Consent, ToolAttachment, ToolCall
from sms import outbox
from sms.models import Forgotten, Message, OptOut, Sender, SmsTemplate, State
from tests import factories
from tests.factories import AUTH_TOKEN, CALLER, SECRET

READ_ONLY = {"sms.message", "sms.forgotten", "campaigns.call", "campaigns.consent"}
NO_ADDING = {*READ_ONLY, "sms.userprofile", "sms.sender", "sms.pause", "campaigns.alarm"}


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob is staff; each test says what he may do."""
    return factories.UserFactory(username="bob", is_staff=True)


@pytest.fixture
def world(ann):
    """One of each thing, connected."""
    template = factories.TemplateFactory(name="directions", owner=ann)
    topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", questions=["Where?"])
    campaign = factories.CampaignFactory(name="Booking line", owner=ann)
    campaign.topics.add(topic)
    action = factories.ActionFactory(name="note", owner=ann)
    factories.AttachmentFactory(campaign=campaign, action=action)
    connection = factories.ConnectionFactory(campaign=campaign)
    message = factories.MessageFactory(template=template, profile=ann.sms_profile)
    call = Call.objects.create(connection=connection, external_id="call-1", caller_number=CALLER)
    tool_call = ToolCall.objects.create(
        call=call, key="key-1", tool="directions", outcome="accepted", say="On its way.", message=message
    )
    Consent.objects.create(recipient=CALLER, words="Yes please", tool_call=tool_call, campaign=campaign)
    outbox.opt_out("+14155550199", OptOut.Source.KEYWORD)
    Forgotten.objects.create(digest="#0", by="ann", because="They asked")
    Group.objects.create(name="Night shift")
    Sender.objects.get_or_create(
        account_sid=factories.ACCOUNT_SID, address="+13125550142", defaults={"messages_per_second": 1}
    )
    return campaign


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def allow(user, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def campaign_url(campaign, page: str, *more: int) -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk, *more])


def all_pages(campaign) -> list[str]:
    """The address of every page that a superuser may open."""
    found = [reverse("admin:index"), reverse("admin:password_change")]
    for model in admin.site._registry:
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
        found.append(reverse(base + "changelist"))
        if model._meta.label_lower not in NO_ADDING:
            found.append(reverse(base + "add"))
        for thing in model._default_manager.all():
            found += [reverse(base + page, args=[thing.pk]) for page in ("change", "history")]
    connection = Connection.objects.get()
    found += [campaign_url(campaign, page) for page in ("integrations", "agent", "safeguards", "connect")]
    found += [
        campaign_url(campaign, page, connection.pk) for page in ("connection", "arrival", "secret", "revoke")
    ]
    found.append(reverse("admin:sms_optout_lift", args=[OptOut.objects.get().pk]))
    found += [
        f"{reverse(f'admin:sms_message_{page}')}?number=%2B14155550123" for page in ("number", "forget")
    ]
    found += [reverse("admin:sms_optout_import"), reverse("admin:campaigns_consent_evidence")]
    return found


class TestAllPages:
    def test_each_opens_and_shows_no_secret(self, ann, world):
        client = logged_in(ann)
        stored = ann.sms_profile.twilio_auth_token._sealed
        secrets = [AUTH_TOKEN, SECRET, Connection.objects.get().secret_hash, stored.rpartition(":")[2]]

        pages = all_pages(world)

        assert len(pages) > 40
        for page in pages:
            response = client.get(page)
            assert response.status_code == 200, page
            assert not [secret for secret in secrets if secret in response.text], page

    def test_what_happened_is_changed_by_nobody(self, ann, world):
        client = logged_in(ann)
        for model in admin.site._registry:
            if model._meta.label_lower in READ_ONLY:
                base = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
                pk = model._default_manager.get().pk
                assert client.post(reverse(base + "add"), {}).status_code == 403
                for page in ("change", "delete"):
                    url = reverse(base + page, args=[pk])
                    assert client.post(url, {"post": "yes"}).status_code == 403

    def test_who_may_do_nothing_sees_no_link_and_no_page(self, bob, world):
        client = logged_in(bob)
        home = client.get(reverse("admin:index")).text
        open_to_all = {reverse("admin:index"), reverse("admin:password_change")}

        for page in all_pages(world):
            if page in open_to_all or "/userprofile/" in page:
                continue
            assert client.get(page).status_code == 403, page
            assert f'href="{page}"' not in home, page
        assert "My profile" in home and "You have no role yet" in home

    def test_who_may_read_sees_the_link_and_cannot_write(self, bob, world):
        allow(bob, "view_campaign")
        client = logged_in(bob)
        connection = Connection.objects.get()

        assert reverse("admin:campaigns_campaign_changelist") in client.get(reverse("admin:index")).text
        page = client.get(campaign_url(world, "integrations"))
        assert page.status_code == 200
        assert "Make a new secret" not in page.text
        for url in (
            campaign_url(world, "integrations"),
            campaign_url(world, "connect"),
            campaign_url(world, "secret", connection.pk),
            campaign_url(world, "revoke", connection.pk),
        ):
            assert client.post(url, {"name": "x", "runtime": "http"}).status_code == 403

    def test_headings_use_the_words_of_the_sidebar(self, ann, world):
        client = logged_in(ann)
        words = {
            "builder_topic": "Managed Topics",
            "sms_smstemplate": "SMS",
            "builder_smsaction": "Actions Added",
            "campaigns_campaign": "Campaigns",
            "sms_optout": "Opt-outs",
        }
        for name, title in words.items():
            page = client.get(reverse(f"admin:{name}_changelist")).text
            assert f'<span aria-current="page">{title}</span>' in page
            assert f"<title> {title} ·" in page or f"<title> {title} |" in page

    def test_an_empty_list_says_what_to_do(self, ann):
        page = logged_in(ann).get(reverse("admin:sms_smstemplate_changelist")).text

        assert "A template is a text that you write once" in page
        assert "Add a template" in page


class TestManageTools:
    def save(self, user, campaign, *actions):
        data = {"actions": [action.pk for action in actions], "_confirmed": "1"}
        return logged_in(user).post(campaign_url(campaign, "integrations"), data)

    def test_the_path_of_the_manual_stands_on_the_page(self, ann, world):
        page = logged_in(ann).get(campaign_url(world, "integrations")).text

        for words in ("Integrations", "Tools Integration", "Manage Tools"):
            assert words in page

    def test_selecting_attaches_and_deselecting_detaches(self, ann, world):
        other = factories.ActionFactory(name="other", owner=ann)

        assert self.save(ann, world, other).status_code == 302

        attachment = ToolAttachment.objects.get(campaign=world)
        assert (attachment.action, attachment.attached_by) == (other, ann)

    def test_two_tools_of_one_name_are_refused_and_both_named(self, ann, world):
        clashing = factories.ActionFactory(name="Directions", owner=ann)

        response = self.save(ann, world, clashing)

        assert response.status_code == 200
        assert "the SMS action “Directions”" in response.text
        assert "the SMS template “directions” that the topic “Finding us” refers to" in response.text
        assert not ToolAttachment.objects.filter(action=clashing).exists()

    def test_nor_does_a_topic_bring_one(self, ann, world):
        world.topics.clear()
        factories.AttachmentFactory(
            campaign=world, action=factories.ActionFactory(name="Directions", owner=ann)
        )
        topic = factories.TopicFactory(name="Again", actions="Call {{directions}}.")
        data = {"name": world.name, "country": "US", "is_active": "on", "topics": [topic.pk]}

        response = logged_in(ann).post(reverse("admin:campaigns_campaign_change", args=[world.pk]), data)

        assert "two tools would have one name" in response.text
        assert not world.topics.exists()

    def test_nor_does_a_changed_topic_or_a_renamed_action(self, ann, world):
        SmsTemplate.objects.update(body="12 Mill Lane.")
        topic = world.topics.get()
        topic.actions = ""
        topic.save()
        action = factories.ActionFactory(name="Directions", owner=ann)
        factories.AttachmentFactory(campaign=world, action=action)

        response = logged_in(ann).post(
            reverse("admin:builder_topic_change", args=[topic.pk]),
            {"name": topic.name, "actions": "If they agree, call {{directions}}.", "is_active": "on"},
        )

        assert "two tools would have one name" in response.text
        topic.refresh_from_db()
        assert topic.actions == ""

    def test_another_users_twilio_account_is_not_spent(self, ann, bob, world):
        allow(bob, "view_campaign", "change_campaign")
        theirs = factories.ActionFactory(name="theirs", owner=ann)
        mine = factories.ActionFactory(name="mine", owner=bob, is_shared=True)
        attached = ToolAttachment.objects.get(campaign=world).action

        assert "not one of the available choices" in self.save(bob, world, theirs).text
        assert self.save(bob, world, mine, attached).status_code == 302
        assert {row.action for row in world.attachments.all()} == {mine, attached}


class TestConnections:
    def test_the_secret_is_shown_once_and_works(self, ann, world):
        client = logged_in(ann)

        response = client.post(campaign_url(world, "connect"), {"name": "New agent", "runtime": "http"})

        secret = response.context["secret"]
        connection = Connection.objects.get(name="New agent")
        assert connection.opens_with(secret)
        assert f"Bearer {secret}" in response.text
        assert "no-store" in response["Cache-Control"]
        assert secret not in client.get(campaign_url(world, "integrations")).text
        assert secret not in str(client.cookies)
        assert not any(secret in str(session.get_decoded()) for session in Session.objects.all())
        assert not any(secret in str(vars(entry)) for entry in LogEntry.objects.all())

    def test_a_revoked_one_opens_nothing_and_gets_no_new_secret(self, ann, world):
        connection = Connection.objects.get()
        client = logged_in(ann)

        client.post(campaign_url(world, "revoke", connection.pk))

        connection.refresh_from_db()
        assert not connection.opens_with(SECRET)
        assert client.post(campaign_url(world, "secret", connection.pk)).status_code == 404

    def test_asking_changes_nothing(self, ann, world):
        connection = Connection.objects.get()
        client = logged_in(ann)

        for page in ("secret", "revoke"):
            client.get(campaign_url(world, page, connection.pk))
        client.get(campaign_url(world, "connect"))

        connection.refresh_from_db()
        assert connection.opens_with(SECRET)
        assert Connection.objects.count() == 1

    def test_another_campaigns_connection_is_not_reached(self, ann, world):
        other = factories.CampaignFactory()
        connection = Connection.objects.get()

        assert logged_in(ann).post(campaign_url(other, "revoke", connection.pk)).status_code == 404

    def test_one_without_a_runtime_is_refused(self, ann, world):
        response = logged_in(ann).post(campaign_url(world, "connect"), {"name": "An agent"})

        assert response.status_code == 200
        assert "Choose what runs the agent." in response.text
        assert Connection.objects.count() == 1


class TestDashboard:
    def home(self, user):
        return logged_in(user).get(reverse("admin:index"))

    def test_an_empty_installation_starts_with_the_first_steps_in_order(self, ann):
        response = self.home(ann)

        assert response.context["first_steps"]
        assert [step.done for step in response.context["steps"]] == [True, False, False, False, False]

    def test_a_complete_one_has_nothing_to_mend(self, ann, world):
        response = self.home(ann)

        assert not response.context["first_steps"]
        assert response.context["problems"] == []

    def test_what_is_in_trouble_is_listed_with_its_reason(self, ann, world):
        factories.MessageFactory(state=State.FAILED, reason="It is a landline.")
        old = factories.MessageFactory(state=State.FAILED, reason="Long ago.")
        Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))

        page = self.home(ann).text

        assert "It is a landline." in page
        assert "Long ago." not in page

    def test_texts_that_nobody_takes_raise_an_alarm(self, ann, world):
        assert "is a worker running?" not in self.home(ann).text

        message = factories.MessageFactory()
        due = timezone.now() - timedelta(seconds=61)
        Message.objects.filter(pk=message.pk).update(next_attempt_at=due)

        assert "is a worker running?" in self.home(ann).text

    def test_what_is_not_configured_is_named(self, ann, world):
        ann.sms_profile.twilio_auth_token = None
        ann.sms_profile.save()
        factories.TopicFactory(name="Gift cards", actions="Call {{gift_card}}.")
        Campaign.objects.create(name="Night line", owner=ann, is_active=False)
        Campaign.objects.create(name="Lunch line", owner=ann)

        found = {problem.what: problem.why for problem in self.home(ann).context["problems"]}

        assert "no Twilio credentials" in found["SMS template directions"]
        assert "There is no SMS template called “gift_card”" in found["Topic Gift cards"]
        assert "switched off" in found["Campaign Night line"]
        assert "no tools" in found["Campaign Lunch line"]

    def test_it_asks_a_bounded_number_of_queries(self, ann, world, django_assert_max_num_queries):
        client = logged_in(ann)
        factories.MessageFactory.create_batch(5)
        for _ in range(3):
            factories.CampaignFactory().topics.add(factories.TopicFactory())

        with django_assert_max_num_queries(50):
            client.get(reverse("admin:index"))
