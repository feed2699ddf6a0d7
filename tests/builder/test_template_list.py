"""The list of templates, copies of them, and what becomes of those who use one that changes."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from builder.models import Topic
from campaigns.models import Campaign
from sms import arrivals
from sms.models import Message, SmsTemplate, State
from tests import factories

LIST = "/admin/sms/smstemplate/"
TEMPLATE = {
    "name": "directions",
    "description": "Use this when asked.",
    "body": "Behind the house.",
    "language": "en",
    "max_segments": "3",
    "provider": "twilio",
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
    """Bob writes templates, and may see nothing else."""
    bob = factories.UserFactory(username="bob", is_staff=True)
    verbs = ("add", "change", "view", "delete")
    bob.user_permissions.add(
        *Permission.objects.filter(codename__in=[f"{verb}_smstemplate" for verb in verbs])
    )
    return bob


@pytest.fixture
def template(ann):
    return factories.TemplateFactory(name="directions", owner=ann, body="Behind the house.")


@pytest.fixture
def used(template, ann):
    """The template, with a topic that refers to it, an action that sends it, and a campaign of each."""
    topic = factories.TopicFactory(name="Finding us", actions="Offer it, then call {{directions}}.")
    action = factories.ActionFactory(name="text_the_map", template=template, owner=ann)
    factories.CampaignFactory(name="Booking line").topics.add(topic)
    factories.AttachmentFactory(campaign=factories.CampaignFactory(name="Night line"), action=action)
    return template


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change(template) -> str:
    return reverse("admin:sms_smstemplate_change", args=[template.pk])


def saved(user, template, **changes):
    """The page after saving the template with changes; None leaves a field out."""
    data = {**TEMPLATE, "owner": template.owner_id, **changes}
    return logged_in(user).post(
        change(template), {name: value for name, value in data.items() if value is not None}, follow=True
    )


def sent(template, state=State.DELIVERED, days_ago=0.0, **values):
    """A text of the template, as a carrier took it."""
    return factories.MessageFactory(
        template=template,
        profile=template.owner.sms_profile,
        state=state,
        created_at=timezone.now() - timedelta(days=days_ago),
        **values,
    )


def copied(message, **values) -> Message:
    """Another like it, not stored yet."""
    fields = {field.attname: getattr(message, field.attname) for field in Message._meta.concrete_fields}
    return Message(**{**fields, "id": uuid.uuid4(), **values})


class TestWhereATemplateIsUsed:
    def test_stands_in_its_row_with_topics_actions_and_campaigns(self, ann, used):
        page = logged_in(ann).get(LIST).text

        for thing in (Topic.objects.get(), used.actions.get(), *Campaign.objects.all()):
            url = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
            assert f'<a class="mc-link" href="{url}">{thing}</a>' in page

    def test_stands_on_its_page_too_with_what_would_follow(self, ann, used):
        page = logged_in(ann).get(change(used)).text

        assert "Finding us" in page and "text_the_map" in page
        assert "Booking line" in page and "Night line" in page
        assert "If you rename it, the topic above follows." in page

    def test_nowhere_is_said_too(self, ann, template):
        client = logged_in(ann)

        assert "Nowhere yet" in client.get(LIST).text
        assert "Nothing uses this template yet" in client.get(change(template)).text

    def test_is_counted_and_not_named_for_whoever_may_not_see_it(self, bob, used):
        client = logged_in(bob)

        for page in (client.get(LIST).text, client.get(change(used)).text):
            assert page.count("1 that you may not see") == 2
            assert "/admin/builder/topic/" not in page
            for name in ("Finding us", "text_the_map", "Booking line", "Night line"):
                assert name not in page

    def test_is_named_for_whoever_may_see_it_kind_by_kind(self, bob, used):
        bob.user_permissions.add(Permission.objects.get(codename="view_topic"))

        page = logged_in(bob).get(LIST).text

        assert "Finding us</a>" in page and "text_the_map" not in page
        assert page.count("1 that you may not see") == 1

    def test_many_names_are_cut_short_in_the_list_and_all_on_the_page(self, ann, template):
        for number in range(5):
            factories.TopicFactory(name=f"Way {number}", actions="Call {{directions}}.")
        client = logged_in(ann)

        page = client.get(LIST).text
        assert "and 2 more" in page and "Way 4" not in page
        assert "Way 4" in client.get(change(template)).text


class TestWhenTheLastTextLeft:
    def test_is_that_of_the_newest_that_a_carrier_took(self, ann, template):
        newest = sent(template, days_ago=2, provider_sid="SM" + "1" * 32)
        sent(template, days_ago=40, provider_sid="SM" + "2" * 32)
        sent(template, State.EXPIRED)
        sent(template, days_ago=1, provider_sid="SM" + "3" * 32, tested_by="ann")

        assert arrivals.of([template.pk])[template.pk].last_sent == newest.created_at
        assert f"{newest.created_at:%H:%M}" in logged_in(ann).get(LIST).text

    def test_never_is_said_in_words(self, ann, template):
        page = logged_in(ann).get(LIST).text

        assert ">Never<" in page and "In 30 days" not in page

    def test_says_that_it_was_long_ago(self, ann, template):
        sent(template, days_ago=31, provider_sid="SM" + "1" * 32)

        assert "In 30 days: none sent" in logged_in(ann).get(LIST).text


class TestTheShareThatArrived:
    def share(self, template) -> str:
        return arrivals.share(arrivals.of([template.pk])[template.pk])

    def test_is_of_what_has_ended_in_the_last_thirty_days(self, template):
        for state in (State.DELIVERED, State.DELIVERED, State.FAILED):
            sent(template, state)
        sent(template, State.SENT)
        sent(template, State.DELIVERED, days_ago=31)
        sent(factories.TemplateFactory(owner=template.owner))

        assert self.share(template) == "2 of 3 delivered"

    def test_does_not_count_what_was_not_to_arrive_nor_tests(self, template):
        for state in (State.DELIVERED, State.CANCELED, State.BLOCKED):
            sent(template, state)
        sent(template, State.FAILED, tested_by="ann")

        assert self.share(template) == "1 of 1 delivered"

    def test_says_so_while_nothing_has_ended(self, template):
        sent(template, State.SENT)

        assert self.share(template) == "none has ended yet"

    def test_is_a_percentage_of_many_and_never_rounded_up(self, template):
        for number in range(40):
            sent(template, State.DELIVERED if number else State.UNDELIVERED)

        assert self.share(template) == "97% of 40 delivered"

    def test_looks_at_the_newest_thousand_only(self, template):
        first = sent(template)
        now = timezone.now()
        Message.objects.bulk_create(
            copied(
                first,
                state=State.DELIVERED if number < arrivals.LOOKED_AT else State.FAILED,
                created_at=now - timedelta(minutes=number + 1),
            )
            for number in range(arrivals.LOOKED_AT + 5)
        )

        assert self.share(template) == "100% of the last 1,000 delivered"


def test_what_became_of_texts_is_read_from_its_index(template):
    sent(template)
    factories.MessageFactory.create_batch(100, profile=template.owner.sms_profile, state=State.SENT)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sms_message")
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as asked:
            arrivals.of([template.pk])
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "message_by_template" in plan


def test_fifty_templates_are_listed_with_as_many_queries_as_one(ann, used):
    sent(used)
    client = logged_in(ann)
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    for number in range(49):
        template = factories.TemplateFactory(name=f"another_{number}", owner=factories.UserFactory())
        factories.TopicFactory(actions=f"Call {{{{another_{number}}}}}.").campaigns.add(
            factories.CampaignFactory()
        )
        factories.ActionFactory(template=template)
        sent(template)

    with CaptureQueriesContext(connection) as fifty:
        page = client.get(LIST).text

    assert page.count("Duplicate<") == 50
    assert len(fifty) == len(one) <= 14


class TestADuplicate:
    def duplicate(self, user, template, **kwargs):
        return logged_in(user).post(
            reverse("admin:sms_smstemplate_duplicate", args=[template.pk]), follow=True, **kwargs
        )

    def test_has_all_of_the_template_a_free_name_and_is_switched_off(self, ann, used):
        factories.VariableFactory(template=used, name="day", description="The day.")
        factories.TranslationFactory(template=used, language="es", body="Detrás de la casa.")
        used.sender, used.max_segments = "+13125550177", 2
        used.save()

        page = self.duplicate(ann, used)

        copy = SmsTemplate.objects.get(name="directions_copy")
        assert page.request["PATH_INFO"] == change(copy)
        assert "switched off" in page.text
        assert (copy.body, copy.sender, copy.max_segments, copy.is_active) == (
            used.body, "+13125550177", 2, False,
        )  # fmt: skip
        assert copy.bodies() == used.bodies()
        assert copy.typed_variables.get().description == "The day."
        assert used.typed_variables.count() == used.translations.count() == 1
        assert Topic.objects.get().references == ["directions"]

    def test_finds_a_free_name_however_many_there_are_and_however_long(self, ann, template):
        template.name = "n" * 64
        template.save()
        names = [template.duplicate(ann).name for _ in range(3)]

        assert names == ["n" * 59 + "_copy", "n" * 58 + "_copy2", "n" * 58 + "_copy3"]

    def test_counts_a_name_in_other_capitals_as_taken(self, ann, template):
        factories.TemplateFactory(name="Directions_COPY")

        assert template.duplicate(ann).name == "directions_copy2"

    def test_belongs_to_whoever_makes_it_and_is_sent_from_their_account(self, ann, bob, template):
        template.sender = "+13125550177"
        template.save()

        page = self.duplicate(bob, template)

        copy = SmsTemplate.objects.get(name="directions_copy")
        assert (copy.owner, copy.sender) == (bob, "")
        assert "yours" in page.text

    def test_is_made_by_a_post_and_only_by_those_who_may_add(self, ann, bob, template):
        bob.user_permissions.remove(Permission.objects.get(codename="add_smstemplate"))
        url = reverse("admin:sms_smstemplate_duplicate", args=[template.pk])

        assert logged_in(ann).get(url).status_code == 405
        assert self.duplicate(bob, template).status_code == 403
        assert "Duplicate<" not in logged_in(bob).get(LIST).text
        assert SmsTemplate.objects.count() == 1


class TestRenaming:
    def test_takes_the_topics_along_and_names_them(self, ann, used):
        page = saved(ann, used, name="how_to_find_us")

        assert "The topic “Finding us” now refers to “how_to_find_us”." in page.text
        assert Topic.objects.get().references == ["how_to_find_us"]

    def test_names_no_topic_to_whoever_may_not_see_topics(self, bob, used):
        SmsTemplate.objects.update(owner=bob)
        used.refresh_from_db()

        page = saved(bob, used, name="how_to_find_us", is_active=None)

        assert "1 topic that you may not see now refers to “how_to_find_us”." in page.text
        assert "by 1 topic that you may not see and 1 SMS action that you may not see" in page.text
        assert "Finding us" not in page.text and "text_the_map" not in page.text

    def test_to_a_name_that_is_taken_changes_nothing(self, ann, used):
        factories.TemplateFactory(name="how_to_find_us")

        page = saved(ann, used, name="HOW_to_find_us")

        assert "A template of this name exists already" in page.text
        assert Topic.objects.get().references == ["directions"]

    def test_to_the_name_of_a_tool_of_the_same_campaign_is_refused(self, ann, used):
        note = factories.ActionFactory(name="note", owner=ann)
        factories.AttachmentFactory(campaign=Campaign.objects.get(name="Booking line"), action=note)

        page = saved(ann, used, name="note")

        assert "two tools would have one name" in page.text
        assert Topic.objects.get().references == ["directions"]
        used.refresh_from_db()
        assert used.name == "directions"


class TestSwitchingOff:
    def test_says_who_still_uses_it(self, ann, used):
        page = saved(ann, used, is_active=None)

        assert "still used by the topic “Finding us” and the SMS action “text_the_map”" in page.text

    def test_says_nothing_where_nobody_does(self, ann, template):
        assert "still used" not in saved(ann, template, is_active=None).text


class TestDeleting:
    def test_says_what_would_break(self, ann, used):
        page = (
            logged_in(ann).post(reverse("admin:sms_smstemplate_delete", args=[used.pk]), {"post": "yes"}).text
        )

        lines = " ".join(page.split())
        assert "“directions” cannot be deleted: it is in use" in page
        assert "Finding us</a> tells the agent to send “directions”, in the campaign <a" in lines
        assert "text_the_map</a> sends the text of “directions”, in the campaign <a" in lines
        assert "Booking line" in page and "Night line" in page
        assert page.count("text_the_map") == 1
        assert SmsTemplate.objects.exists()

    def test_counts_what_would_break_for_whoever_may_not_see_it(self, bob, used):
        SmsTemplate.objects.update(owner=bob)

        page = logged_in(bob).post(reverse("admin:sms_smstemplate_delete", args=[used.pk]), {"post": "yes"})

        assert "One managed topic that you may not see tells the agent to send “directions”." in page.text
        assert "Finding us" not in page.text and "text_the_map" not in page.text
        assert SmsTemplate.objects.exists()

    def test_says_it_of_several_at_once_too_and_deletes_none_of_them(self, ann, used):
        other = factories.TemplateFactory(owner=ann)
        data = {"action": "delete_selected", "_selected_action": [used.pk, other.pk], "post": "yes"}

        page = logged_in(ann).post(LIST, data).text

        assert "Nothing was deleted" in page and "Finding us" in page and "text_the_map" in page
        assert SmsTemplate.objects.count() == 2

    def test_goes_through_where_nothing_uses_it_and_texts_keep_what_they_said(self, ann, template):
        message = sent(template)

        logged_in(ann).post(reverse("admin:sms_smstemplate_delete", args=[template.pk]), {"post": "yes"})

        page = logged_in(ann).get(reverse("admin:sms_message_change", args=[message.pk]))
        assert page.status_code == 200 and message.body in page.text
        assert not SmsTemplate.objects.exists()
