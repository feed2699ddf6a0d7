"""The list of all that was changed, for those who look after what belongs to others."""

from __future__ import annotations

import pghistory
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from builder.models import Topic
from campaigns.models import Campaign
from tests import factories

PAGE = reverse("admin:auth_user_changes")

pytestmark = pytest.mark.django_db


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada(db):
    return factories.UserFactory(username="ada", role="Admin")


@pytest.fixture
def root(db):
    root = factories.UserFactory(username="root", is_staff=True, is_superuser=True)
    root.sms_profile.twilio_from = "+13125550166"
    root.sms_profile.save()
    return root


def of(thing) -> str:
    return reverse("admin:auth_user_changes_of", args=[thing._meta.label_lower, thing.pk])


def test_is_for_admins(ada):
    for role in ("Viewer", "Ops"):
        client = logged_in(factories.UserFactory(username=role.lower(), role=role))
        assert client.get(PAGE).status_code == 403
        assert client.get(of(ada)).status_code == 403
        assert PAGE not in client.get(reverse("admin:index")).text
    client = logged_in(ada)
    assert client.get(PAGE).status_code == 200
    assert PAGE in client.get(reverse("admin:index")).text


def test_is_narrowed_by_who_what_and_how(ada, olive):
    topic = factories.TopicFactory(name="Booking", owner=olive)
    template = factories.TemplateFactory(name="directions", owner=olive)
    variable = factories.VariableFactory(template=template, name="day")
    with pghistory.context(user=olive.pk, name="olive"):
        Topic.objects.update(name="Booking a table")
        variable.delete()
    client = logged_in(ada)

    def shown(**asked: str) -> str:
        page = client.get(PAGE, asked).text
        return page[page.index('id="history"') :]

    assert "Booking a table" in shown(who="olive") and "Variable “day”" in shown(who="olive")
    assert "Variable “day” of SMS template “directions”" in shown(what="sms.smstemplate")
    assert "Booking" not in shown(what="sms.smstemplate")
    assert "Variable “day”" in shown(how="delete") and "Booking" not in shown(how="delete")
    assert "Booking" in shown(since="1h")
    for wrong in ({"what": "sms.message"}, {"since": "x"}, {"how": "'"}, {"page": "-1"}, {"who": "nobody"}):
        assert client.get(PAGE, wrong).status_code == 200
    assert topic.name in shown()


def test_what_is_gone_is_read_and_what_never_was_is_not_found(ada, olive):
    campaign = factories.CampaignFactory(name="Old line", owner=olive)
    address = of(campaign)
    campaign.delete()
    client = logged_in(ada)

    page = client.get(address).text
    assert "Campaign “Old line”" in page and ">deleted<" in page and "Open it as it is now" not in page
    for wrong in ("campaigns.campaign/99999", "campaigns.call/1", "sms.variable/1", "x/1", "auth.user/x"):
        assert client.get(f"{PAGE}{wrong}/").status_code == 404
    assert not Campaign.objects.exists()


def test_a_thing_that_is_there_is_one_step_away(ada, olive):
    topic = factories.TopicFactory(owner=olive)

    assert reverse("admin:builder_topic_change", args=[topic.pk]) in logged_in(ada).get(of(topic)).text


def test_what_an_admin_may_not_open_they_do_not_read_there_either(ada, root, olive):
    client = logged_in(ada)

    page = client.get(PAGE).text
    assert "User profile “olive”" in page
    assert "User profile “root”" not in page and "13125550166" not in page
    assert client.get(of(root.sms_profile)).status_code == 404
    page = logged_in(root).get(PAGE).text
    assert "User profile “root”" in page and "13125550166" in page
