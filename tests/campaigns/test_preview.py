"""What an agent reads, shown to people: each as far as they may see what it comes from."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from builder.models import Topic
from campaigns.models import Campaign
from tests import factories

SECRET_WORDS = ("Use this when somebody asks the way.", "The name of the village", "Use this for notes.")


@pytest.fixture
def topic(campaign):
    template = factories.TemplateFactory(
        name="directions", description=SECRET_WORDS[0], body="Behind {{ village }}.", owner=campaign.owner
    )
    factories.VariableFactory(template=template, name="village", description=SECRET_WORDS[1])
    note = factories.ActionFactory(name="note", description=SECRET_WORDS[2], owner=campaign.owner)
    factories.AttachmentFactory(campaign=campaign, action=note)
    topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", owner=campaign.owner)
    campaign.topics.add(topic)
    return topic


@pytest.fixture
def client_of():
    def client_of(*codenames: str) -> Client:
        user = factories.UserFactory(is_staff=True)
        user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return client_of


def read(client: Client, topic: Topic) -> str:
    return client.get(reverse("admin:builder_topic_agent", args=[topic.pk])).text


def test_a_tool_is_named_to_whoever_may_not_see_its_template_and_nothing_else(topic, client_of):
    page = read(client_of("view_topic"), topic)

    assert "you may not see SMS templates" in page and "directions" in page
    assert not [words for words in SECRET_WORDS if words in page]


def test_neither_is_more_said_of_one_in_a_topic_that_is_only_typed(topic, client_of):
    client = client_of("add_topic")

    page = client.post(reverse("admin:builder_topic_agent_new"), {"actions": "Call {{directions}}."}).text

    assert "you may not see SMS templates" in page and SECRET_WORDS[0] not in page


def test_each_kind_is_shown_by_its_own_right(topic, client_of):
    page = read(client_of("view_topic", "view_campaign", "view_smstemplate"), topic)

    assert SECRET_WORDS[0] in page and SECRET_WORDS[1] in page and SECRET_WORDS[2] not in page
    assert "you may not see SMS actions" in page
    # A tool of every campaign.
    assert "they do not want text messages from us any more" in page


def test_an_action_with_a_template_needs_both_rights(topic, client_of, campaign):
    action = campaign.actions.get()
    action.template = factories.TemplateFactory(name="plain", owner=campaign.owner)
    action.save()

    page = read(client_of("view_topic", "view_campaign", "view_smsaction"), topic)

    assert SECRET_WORDS[2] not in page and page.count("you may not see SMS templates") == 2


def test_whoever_may_see_all_of_it_does(topic, client_of):
    page = read(client_of("view_topic", "view_campaign", "view_smstemplate", "change_smsaction"), topic)

    assert all(words in page for words in SECRET_WORDS) and "you may not see" not in page


def test_the_campaigns_own_page_obeys_the_same_rights(topic, client_of, campaign):
    page = client_of("view_campaign").get(reverse("admin:campaigns_campaign_agent", args=[campaign.pk])).text

    assert "you may not see SMS templates" in page and "you may not see SMS actions" in page
    assert not [words for words in SECRET_WORDS if words in page]


@pytest.mark.parametrize("model", ["topic", "smsaction"])
def test_lists_name_campaigns_only_to_whoever_may_see_them(topic, client_of, campaign, model):
    Campaign.objects.update(name="Night line")
    url = reverse(f"admin:builder_{model}_changelist")

    assert "Night line" not in client_of(f"view_{model}").get(url).text
    assert "Night line</a>" in client_of(f"view_{model}", "view_campaign").get(url).text
