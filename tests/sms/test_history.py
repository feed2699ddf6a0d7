"""The history of the configuration: each way of writing it, and what is read of it."""

from __future__ import annotations

import io
from importlib import import_module

import pghistory
import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from builder.models import SmsAction, Topic
from campaigns.models import Campaign
from sms import history, outbox
from sms.fields import SecretField
from sms.models import Sender, SmsTemplate, UserProfile, Variable
from sms.tracked import TRACKED
from tests import factories
from tests.factories import AUTH_TOKEN

# A context stands until its transaction ends: each change needs its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann(olive):
    """Ann, a superuser; Olive may see and change what is hers."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User, thing, as_model: str = "") -> str:
    name = as_model or f"{thing._meta.app_label}_{thing._meta.model_name}"
    response = client_of(user).get(reverse(f"admin:{name}_history", args=[thing.pk]))
    assert response.status_code == 200
    return response.text


def steps(thing) -> list[tuple[str, str, str]]:
    """Who did what to which, the newest first, as a superuser reads it."""
    request = type("Request", (), {"user": User(is_superuser=True, is_active=True), "GET": {}})()
    return [
        (item.who, item.verb, item.what) for item in history.of_object(request, type(thing), thing.pk).items
    ]


def changes(thing) -> dict[str, tuple[str, str]]:
    """What the last change of a thing changed, by label."""
    request = type("Request", (), {"user": User(is_superuser=True, is_active=True), "GET": {}})()
    item = history.of_object(request, type(thing), thing.pk).items[0]
    return {
        label: ("".join(piece for _, piece in before), "".join(piece for _, piece in after))
        for label, before, after in item.changes
    }


class TestEachWayOfWriting:
    def test_a_form_is_kept_with_who_was_logged_in(self, ann, olive):
        topic = factories.TopicFactory(name="Booking", owner=olive)
        client_of(ann).post(
            reverse("admin:builder_topic_change", args=[topic.pk]),
            {"name": "Booking a table", "questions": "A table?\nFor two?", "content": "", "actions": ""},
        )

        assert steps(topic)[0] == ("ann", "changed", "Managed topic “Booking a table”")
        assert changes(topic) == {
            "Name": ("Booking", "Booking a table"),
            "Sample questions": ("", "A table?\nFor two?"),
            "Active": ("yes", "no"),
        }

    def test_an_update_of_many_rows_is_kept_row_by_row(self, olive):
        topics = factories.TopicFactory.create_batch(3, owner=olive)

        Topic.objects.update(is_active=False)

        assert [changes(topic) for topic in topics] == [{"Active": ("yes", "no")}] * 3

    def test_an_update_that_changes_nothing_leaves_no_trace(self, olive):
        topic = factories.TopicFactory(owner=olive)

        topic.save()
        Topic.objects.update(is_active=True)

        assert [verb for _, verb, _ in steps(topic)] == ["added"]

    def test_a_hand_on_the_database_is_kept_too(self, olive):
        topic = factories.TopicFactory(name="Old", owner=olive)

        with connection.cursor() as cursor:
            cursor.execute("UPDATE builder_topic SET name = 'New'")

        assert steps(topic)[0] == ("Outside the admin", "changed", "Managed topic “New”")

    def test_a_renamed_template_is_followed_by_its_topics_in_the_name_of_who_renamed_it(self, ann, olive):
        factories.TemplateFactory(name="old", owner=olive)
        topic = factories.TopicFactory(actions="Call {{old}}.", owner=olive)

        with pghistory.context(user=ann.pk, name="ann"):
            Topic.rename_reference("old", "new")

        assert steps(topic)[0][:2] == ("ann", "changed")
        assert changes(topic) == {"Actions": ("Call {{old}}.", "Call {{new}}.")}

    def test_many_at_once_and_none_any_more_are_kept(self, olive):
        Topic.objects.bulk_create([Topic(name="a", owner=olive), Topic(name="b", owner=olive)])
        first, second = Topic.objects.all()
        first.content = second.content = "More"
        Topic.objects.bulk_update([first, second], ["content"])
        Topic.objects.all().delete()

        assert [verb for _, verb, _ in steps(first)] == ["deleted", "changed", "added"]
        assert [verb for _, verb, _ in steps(second)] == ["deleted", "changed", "added"]

    def test_a_command_is_named(self, olive):
        out = io.StringIO()
        with pghistory.context(command="import_build"):
            call_command("lint_topics", stdout=out)
            topic = factories.TopicFactory(owner=olive)

        assert steps(topic)[0][0] == "Command line: import_build"

    def test_nobody_changes_what_was(self, olive):
        factories.TopicFactory(owner=olive)
        [event] = TRACKED[Topic].events.objects.all()

        with pytest.raises(ProgrammingError, match="Cannot update"):
            TRACKED[Topic].events.objects.update(name="Another")
        with pytest.raises(ProgrammingError, match="Cannot update or delete"):
            event.delete()


class TestWhatBelongsTogether:
    def test_a_template_has_its_variables_and_translations(self, ann, olive):
        template = factories.TemplateFactory(name="booking", owner=olive)
        variable = factories.VariableFactory(template=template, name="day")
        translation = factories.TranslationFactory(template=template)
        factories.VariableFactory(name="day")
        variable.source = Variable.Source.FIXED
        variable.save()
        translation.delete()

        assert steps(template) == [
            ("Outside the admin", "deleted", "Translation “es”"),
            ("Outside the admin", "changed", "Variable “day”"),
            ("Outside the admin", "added", "Translation “es”"),
            ("Outside the admin", "added", "Variable “day”"),
            ("Outside the admin", "added", "SMS template “booking”"),
        ]
        page = page_of(ann, template)
        assert "Comes from" in page and "A fixed text" in page and "fixed_text" not in page

    def test_a_campaign_has_its_topics_tools_and_connections(self, ann, olive):
        campaign = factories.CampaignFactory(name="Booking line", owner=olive)
        topic = factories.TopicFactory(name="Finding us", owner=olive)
        campaign.topics.add(topic)
        factories.AttachmentFactory(
            campaign=campaign, action=factories.ActionFactory(name="note", owner=olive)
        ).delete()
        connection = factories.ConnectionFactory(campaign=campaign, name="The phone")
        connection.revoke()
        campaign.topics.clear()

        assert [step[1:] for step in steps(campaign)] == [
            ("removed", "Topic “Finding us”"),
            ("changed", "Connection “The phone”"),
            ("added", "Connection “The phone”"),
            ("removed", "Attached tool “note”"),
            ("added", "Attached tool “note”"),
            ("added", "Topic “Finding us”"),
            ("added", "Campaign “Booking line”"),
        ]

    def test_what_somebody_may_do_is_told_by_groups_and_permissions(self, ann):
        pete = User.objects.create_user("pete")
        ops = Group.objects.create(name="Night shift")
        permission = Permission.objects.get(codename="view_topic")
        ops.permissions.add(permission)
        pete.groups.add(ops)
        pete.is_staff = True
        pete.save()

        assert [step[1:] for step in steps(pete)][:2] == [
            ("changed", "User “pete”"),
            ("added", "Group “Night shift”"),
        ]
        assert changes(pete) == {"Staff status": ("no", "yes")}
        assert steps(ops)[0][1:] == ("added", f"Permission “{permission}”")
        assert "Night shift" in page_of(ann, pete)

    def test_who_gives_roles_reads_who_gave_which(self, ann):
        ada = factories.UserFactory(username="ada", role="Admin")
        pete = factories.UserFactory(username="pete", role="Ops")

        page = page_of(ada, pete)

        assert "Group “Ops”" in page
        assert history.NOT_SEEN not in page

    def test_of_a_sender_it_is_the_rate_and_nothing_that_the_engine_writes(self, ann):
        message = factories.MessageFactory()
        sender = Sender.objects.get(address=message.sender)
        outbox.hold(sender.account_sid, sender.address, "Out of order")
        outbox.release(sender.account_sid, sender.address)
        before = len(steps(sender))

        client_of(ann).post(
            reverse("admin:sms_sender_change", args=[sender.pk]), {"messages_per_second": "7"}
        )

        assert len(steps(sender)) == before + 1
        assert steps(sender)[0] == ("ann", "changed", f"Sender “{sender}”")
        assert changes(sender) == {"Messages per second": ("1000", "7")}


class TestSecrets:
    def test_of_a_token_it_is_known_that_it_changed_and_nothing_else(self, ann, olive):
        profile = olive.sms_profile
        profile.twilio_auth_token = "0" * 32
        profile.twilio_from = "+13125550199"
        profile.save()

        page = page_of(ann, profile)
        assert [verb for _, verb, _ in steps(profile)] == ["changed", "added"]
        assert "Auth Token: changed" in page and "Auth Token: entered" in page
        assert "13125550199" in page
        assert AUTH_TOKEN not in page and "0" * 32 not in page

    def test_no_event_has_a_column_for_one(self):
        for tracked in TRACKED.values():
            columns = {field.name for field in tracked.events._meta.get_fields()}
            assert not columns & set(tracked.secrets)
            assert not [
                each
                for each in tracked.model._meta.fields
                if isinstance(each, SecretField) and each.name not in tracked.secrets
            ]
        assert "secret_end" not in {
            field.name for tracked in TRACKED.values() for field in tracked.events._meta.get_fields()
        }

    def test_a_token_that_is_removed_was_changed(self, ann, olive):
        olive.sms_profile.twilio_auth_token = None
        olive.sms_profile.save()

        assert steps(olive.sms_profile)[0][1] == "changed"
        assert "Auth Token: changed" in page_of(ann, olive.sms_profile)

    def test_a_new_password_and_a_new_secret_of_a_connection_are_told(self, ann, olive):
        connection = factories.ConnectionFactory(campaign=factories.CampaignFactory(owner=olive))
        digest = connection.secret_hash
        connection.issue_secret()
        connection.save()
        olive.set_password("a new one")
        olive.save()

        page = page_of(ann, connection.campaign)
        assert "Secret: changed" in page
        assert digest not in page and connection.secret_hash not in page
        page = page_of(ann, olive, "auth_user")
        algorithm, _, digest = olive.password.split("$")
        assert "Password: changed" in page
        assert algorithm not in page and digest not in page

    def test_a_new_encryption_key_is_no_change_of_a_token(self, olive, settings):
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode(), *settings.FIELD_ENCRYPTION_KEY]
        before = steps(olive.sms_profile)
        call_command("rotate_keys", stdout=io.StringIO())
        assert steps(olive.sms_profile) == before

        # That was for the one transaction: a token that is entered now is noted again.
        profile = UserProfile.objects.get(user=olive)
        profile.twilio_auth_token = "1" * 32
        profile.save()
        assert len(steps(profile)) == len(before) + 1


class TestNames:
    def test_who_is_gone_keeps_their_name(self, ann, olive):
        gone = User.objects.create_user("gone")
        with pghistory.context(user=gone.pk, name="gone"):
            action = factories.ActionFactory(name="note", owner=olive)
        action.owner = gone
        action.save()
        action.owner = olive
        action.save()
        gone.delete()

        assert steps(action)[-1][0] == "gone"
        assert changes(action) == {"Owner": ("gone (deleted)", "olive")}

    def test_what_was_deleted_keeps_its_name(self, olive):
        template = factories.TemplateFactory(name="directions", owner=olive)
        action = factories.ActionFactory(template=template, owner=olive)
        action.template = None
        action.save()
        template.delete()

        assert changes(action) == {"Template": ("directions (deleted)", "")}

    def test_what_somebody_may_not_see_is_not_named_to_them(self, olive):
        template = factories.TemplateFactory(name="directions", owner=olive)
        action = factories.ActionFactory(name="note", template=template, owner=olive)
        pete = User.objects.create_user("pete", is_staff=True)
        pete.user_permissions.add(Permission.objects.get(codename="view_smsaction"))

        page = page_of(pete, action)

        assert "SMS action “note”" in page and "olive" in page
        assert "directions" not in page and "one that you may not see" in page


class TestThePage:
    def test_who_may_not_see_an_object_does_not_see_its_history(self, olive):
        pete = User.objects.create_user("pete", is_staff=True)
        client = client_of(pete)

        for thing in (factories.TopicFactory(), factories.TemplateFactory(), olive.sms_profile):
            name = f"admin:{thing._meta.app_label}_{thing._meta.model_name}_history"
            assert client.get(reverse(name, args=[thing.pk])).status_code in (302, 403)

    def test_a_long_life_is_leafed_through(self, ann, olive):
        topic = factories.TopicFactory(owner=olive)
        for number in range(70):
            Topic.objects.update(content=f"Content {number}")

        pages = [
            client_of(ann).get(reverse("admin:builder_topic_history", args=[topic.pk]), {"page": number}).text
            for number in (1, 2, 3, "x", 99)
        ]

        assert "Content <ins>69</ins>" in pages[0].replace("<ins> ", " <ins>")
        assert 'rel="next">Older' in pages[0] and "Newer" not in pages[0]
        assert 'rel="next">Older' in pages[1] and 'rel="prev">Newer' in pages[1]
        assert "Older" not in pages[2] and ">added<" in pages[2]
        assert pages[3].count("<li") == pages[0].count("<li")
        assert "Nothing has been changed yet." in pages[4]

    def test_what_was_there_before_the_history_has_something_before_its_first_change(self, ann, olive):
        topic = factories.TopicFactory(name="Old", owner=olive)
        events = TRACKED[Topic].events._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {events}")
        with connection.schema_editor() as editor:
            import_module("campaigns.migrations.0012_history_begins").begin(apps, editor)
        Topic.objects.update(name="New")

        assert [verb for _, verb, _ in steps(topic)] == ["changed", "was there"]
        assert changes(topic) == {"Name": ("Old", "New")}
        assert "The history begins here" in page_of(ann, topic)


def test_all_that_is_configured_has_a_history():
    assert {SmsTemplate, Variable, Topic, SmsAction, Campaign, UserProfile, User, Group, Sender} <= set(
        TRACKED
    )


def test_the_accept_path_and_the_worker_write_no_history():
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT tgrelid::regclass::text, array_agg(tgattr::text) FROM pg_trigger
            WHERE tgname LIKE 'pgtrigger%' AND tgrelid::regclass::text NOT LIKE '%event'
            GROUP BY 1
            """
        )
        columns = dict(cursor.fetchall())
        cursor.execute(
            "SELECT attnum::text FROM pg_attribute WHERE attrelid = 'sms_sender'::regclass"
            " AND attname = 'messages_per_second'"
        )
        [(rate,)] = cursor.fetchall()

    written = {
        "sms_message", "sms_messageevent", "sms_optout", "campaigns_call", "campaigns_toolcall",
        "campaigns_consent", "campaigns_revision",
    }  # fmt: skip
    assert not written & set(columns)
    # Asked where that column is written, and there only.
    assert columns["sms_sender"] == [rate, rate]
    assert "sms_userprofile" in columns
