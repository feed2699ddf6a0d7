"""Whose templates and actions are put to use: one's own, and what is shared, for as long as it is."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from builder.models import SmsAction, Topic
from campaigns import tools
from campaigns.models import Campaign, ToolAttachment
from sms.models import SmsTemplate
from tests import factories
from tests.builder.exchange import planned

SHARE = "Others may use it"


@pytest.fixture
def olive(db):
    return factories.UserFactory(username="olive", role="Ops")


@pytest.fixture
def bob(db):
    return factories.UserFactory(username="bob", role="Ops")


@pytest.fixture
def ann(db):
    return factories.UserFactory(username="ann", role="Admin")


@pytest.fixture
def directions(olive):
    return factories.TemplateFactory(name="directions", body="48 Mill Lane.", owner=olive)


@pytest.fixture
def note(olive):
    return factories.ActionFactory(name="note", owner=olive)


@pytest.fixture
def bobs(bob):
    """A campaign of Bob's."""
    return factories.CampaignFactory(name="Night line", owner=bob)


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def share(thing, shared: bool = True) -> None:
    type(thing).objects.filter(pk=thing.pk).update(is_shared=shared)


def save_topic(user, actions: str, topic: Topic | None = None, accept: str = ""):
    url = (
        reverse("admin:builder_topic_change", args=[topic.pk])
        if topic
        else reverse("admin:builder_topic_add")
    )
    name = topic.name if topic else "Finding us"
    data = {"name": name, "questions": "Where?", "content": "", "actions": actions, "is_active": "on"}
    return logged_in(user).post(url, {**data, "_accept": accept})


def attach(user, campaign: Campaign, *actions: SmsAction):
    url = reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])
    return logged_in(user).post(url, {"actions": [action.pk for action in actions]})


def obstacle(campaign: Campaign, name: str) -> str:
    return {tool.name: tool for tool in tools.of(Campaign.objects.get(pk=campaign.pk))}[name].obstacle


OFFER = "Offer to text the caller the way. If they agree, call {{directions}}."


class TestATopic:
    def test_of_somebody_else_does_not_refer_to_what_is_not_shared(self, bob, directions):
        response = save_topic(bob, OFFER)

        assert "“directions” belongs to olive, who does not share it." in response.text
        assert f"Ask them to switch on “{SHARE}” there, or leave it out." in response.text
        assert not Topic.objects.exists()

    def test_refers_to_what_is_shared_and_what_is_ones_own(self, bob, olive, directions):
        assert save_topic(olive, OFFER).status_code == 302
        Topic.objects.all().delete()

        share(directions)

        assert save_topic(bob, OFFER).status_code == 302

    def test_refers_to_anything_if_an_admin_writes_it(self, ann, directions):
        assert save_topic(ann, OFFER).status_code == 302

    def test_keeps_what_it_refers_to_when_somebody_else_edits_around_it(self, olive, bob, directions):
        topic = factories.TopicFactory(name="Finding us", actions=OFFER, owner=olive)

        assert save_topic(bob, f"Be brief. {OFFER}", topic).status_code == 302
        assert Topic.objects.get().actions.startswith("Be brief.")

    def test_says_so_while_it_is_typed(self, bob, directions):
        data = {"actions": OFFER, "content": ""}

        found = logged_in(bob).post(reverse("admin:builder_topic_lint"), data).json()["findings"]

        assert [each["level"] for each in found if each["code"] == "not-yours"] == ["error"]

    def test_does_not_offer_what_would_be_refused(self, bob, directions):
        def offered() -> str:
            return logged_in(bob).get(reverse("admin:builder_topic_add")).text

        assert directions.body not in offered()
        share(directions)
        assert directions.body in offered()

    def test_warns_of_the_campaigns_that_do_not_send_it(self, ann, bobs, directions):
        topic = factories.TopicFactory(name="Finding us", owner=ann)
        bobs.topics.add(topic)

        response = save_topic(ann, OFFER, topic)

        assert "“directions” is not sent in the campaign “Night line”: olive, whose it is," in response.text

    def test_that_is_imported_is_held_to_it_too(self, bob, directions):
        file = f'midcall: 1\ntopics:\n  - name: Finding us\n    actions: "{OFFER}"\n'

        assert [
            notice.message for notice in planned(file, bob).errors if "belongs to olive" in notice.message
        ]
        share(directions)
        assert not planned(file, bob).errors


class TestAnAction:
    def test_of_somebody_else_is_not_attached(self, bob, bobs, note):
        assert "not one of the available choices" in attach(bob, bobs, note).text

        share(note)

        assert attach(bob, bobs, note).status_code == 302
        assert ToolAttachment.objects.get().attached_by == bob

    def test_that_the_platform_pays_for_belongs_to_somebody_all_the_same(self, bob, bobs, note):
        SmsAction.objects.update(provider="atlas")

        assert "not one of the available choices" in attach(bob, bobs, note).text

    def test_that_would_not_be_sent_there_is_refused_with_what_to_do(self, ann, olive, bobs, note):
        for user in (olive, ann):
            page = attach(user, bobs, note).text
            assert "“note” belongs to olive and is not shared, so nothing of bob&#x27;s sends it." in page

    def test_stays_attached_when_somebody_else_saves_the_tools(self, bob, bobs, note):
        factories.AttachmentFactory(campaign=bobs, action=note)
        mine = factories.ActionFactory(name="mine", owner=bob)

        assert attach(bob, bobs, note, mine).status_code == 302
        assert {each.name for each in bobs.actions.all()} == {"note", "mine"}

    def test_does_not_send_the_text_of_somebody_else(self, bob, directions):
        data = {"name": "way", "description": "Use this when asked.", "provider": "twilio"}
        data |= {
            "recipient": "caller",
            "send_within_seconds": "900",
            "template": directions.pk,
            "is_active": "on",
        }
        add = reverse("admin:builder_smsaction_add")

        assert "not one of the available choices" in logged_in(bob).post(add, data).text
        share(directions)
        assert logged_in(bob).post(add, data).status_code == 302
        share(directions, False)
        assert (
            "the template “directions” of olive, who does not share it" in SmsAction.objects.get().obstacle()
        )


class TestACampaign:
    def save(self, user, campaign, *topics):
        data = {"name": campaign.name, "country": "US", "language": "en", "is_active": "on"}
        url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        return logged_in(user).post(url, {**data, "topics": [topic.pk for topic in topics]})

    def test_does_not_take_a_topic_with_a_template_that_is_not_shared(self, bob, olive, bobs, directions):
        topic = factories.TopicFactory(name="Finding us", actions=OFFER, owner=olive)

        page = self.save(bob, bobs, topic).text

        assert "The topic “Finding us” brings a template with it: “directions” belongs to olive" in page
        assert not bobs.topics.exists()
        share(directions)
        assert self.save(bob, bobs, topic).status_code == 302

    def test_keeps_the_topics_that_it_has(self, bob, olive, bobs, directions):
        topic = factories.TopicFactory(name="Finding us", actions=OFFER, owner=olive)
        bobs.topics.add(topic)

        assert self.save(bob, bobs, topic).status_code == 302

    def test_sends_what_is_its_owners_and_what_is_shared(self, bob, olive, bobs, directions, note):
        topic = factories.TopicFactory(actions=OFFER)
        for campaign in (bobs, factories.CampaignFactory(name="Day line", owner=olive)):
            campaign.topics.add(topic)
            factories.AttachmentFactory(campaign=campaign, action=note)

        for name in ("directions", "note"):
            assert obstacle(Campaign.objects.get(name="Day line"), name) == ""
            assert obstacle(bobs, name) == (
                f"“{name}” belongs to olive, who does not share it, so it is not sent in this campaign of "
                "bob's."
            )
        share(directions)
        share(note)
        assert obstacle(bobs, "directions") == obstacle(bobs, "note") == ""


class TestStopping:
    @pytest.fixture
    def used(self, bobs, note):
        share(note)
        factories.AttachmentFactory(campaign=bobs, action=note)
        return SmsAction.objects.get()

    def data(self, **changes):
        data = {"name": "note", "description": "Use this when asked.", "provider": "twilio"}
        return {**data, "recipient": "caller", "send_within_seconds": "900", "is_active": "on", **changes}

    def test_the_owner_sees_who_uses_it_before_and_what_stopped_after(self, olive, bobs, used):
        url = reverse("admin:builder_smsaction_change", args=[used.pk])
        client = logged_in(olive)

        page = client.get(url).text
        assert "Switched off, nothing of it is sent any more in the campaign" in page and "Night line" in page

        response = client.post(url, self.data())

        said = [str(each) for each in get_messages(response.wsgi_request)]
        assert any(
            "“note” is not shared any more: nothing of it is sent in the campaign" in each for each in said
        )
        assert "who does not share it" in obstacle(bobs, "note")

    def test_only_the_owner_and_admins_share(self, olive, bob, ann, note):
        url = reverse("admin:builder_smsaction_change", args=[note.pk])

        assert logged_in(bob).post(url, self.data(is_shared="on")).status_code == 403
        assert not SmsAction.objects.get().is_shared
        assert logged_in(ann).post(url, self.data(is_shared="on", owner=olive.pk)).status_code == 302
        assert SmsAction.objects.get().is_shared

    def test_a_copy_is_shared_with_nobody(self, bob, directions):
        share(directions)

        copy = SmsTemplate.objects.get().duplicate(bob)

        assert not copy.is_shared and not SmsTemplate.objects.get(pk=copy.pk).is_shared

    def test_it_stands_on_the_first_page(self, bob, bobs, used):
        share(used, False)

        assert "“note” belongs to olive, who does not share it" in logged_in(bob).get("/admin/").text


class TestUpgrading:
    def test_shares_what_others_use_and_nothing_else(self, olive, bob, bobs):
        mine = factories.CampaignFactory(owner=olive)
        by_topic, by_action, own = (
            factories.TemplateFactory(name=name, owner=olive) for name in ("by_topic", "by_action", "own")
        )
        topic = factories.TopicFactory(actions="{{by_topic}}", owner=olive)
        bobs.topics.add(topic)
        mine.topics.add(topic, factories.TopicFactory(actions="{{own}} {{sms:nothing}}", owner=bob))
        factories.ActionFactory(name="text", template=by_action, owner=bob)
        used, unused = (factories.ActionFactory(name=name, owner=olive) for name in ("used", "unused"))
        factories.AttachmentFactory(campaign=bobs, action=used)
        factories.AttachmentFactory(campaign=mine, action=unused)

        module = import_module("campaigns.migrations.0008_roles_and_sharing")
        module.share_what_others_use(apps, None)

        assert {each.name for each in SmsTemplate.objects.filter(is_shared=True)} == {
            by_topic.name,
            by_action.name,
        }
        assert {each.name for each in SmsAction.objects.filter(is_shared=True)} == {used.name}
        assert own.name == "own"
