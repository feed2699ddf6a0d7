"""Ids of what belongs to others, in lists, choices and posts: they open no more than a page offers."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db.models import ForeignKey, ManyToManyField
from django.test import Client
from django.urls import reverse

from builder.models import SmsAction, Topic
from campaigns.models import Campaign
from sms.models import Message, OptOut, SmsTemplate
from sms.pages import may_see
from tests import factories
from tests.factories import ACCOUNT_SID, MessageFactory

SECRET_WORDS = "Only Olive writes this."


@pytest.fixture
def olive(db):
    return factories.UserFactory(username="olive", role="Ops")


@pytest.fixture
def bob(db):
    return factories.UserFactory(username="bob", role="Ops")


@pytest.fixture
def olives(olive):
    """What Olive shares with nobody."""
    template = factories.TemplateFactory(name="directions", body=SECRET_WORDS, owner=olive)
    return {
        "template": template,
        "action": factories.ActionFactory(name="note", owner=olive),
        "topic": factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", owner=olive),
        "campaign": factories.CampaignFactory(name="Day line", owner=olive),
    }


@pytest.fixture
def everybody(olive, bob):
    return [
        factories.UserFactory(username="nobody", is_staff=True),
        factories.UserFactory(username="vera", role="Viewer"),
        bob,
        olive,
        factories.UserFactory(username="ann", role="Admin"),
        factories.UserFactory(username="root", is_staff=True, is_superuser=True),
    ]


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(**more):
    data = {"name": "mine", "description": "Use this when asked.", "provider": "twilio", "is_active": "on"}
    data |= {"send_within_seconds": "900", "language": "en", "max_segments": "3", "recipient": "caller"}
    return {**data, "account_sid": ACCOUNT_SID, "default_from": "+13125550142", **more}


class TestAnOwnerInAPost:
    @pytest.mark.parametrize(
        ("url", "kind", "data"),
        [
            ("sms_smstemplate", SmsTemplate, text(body="Till ten.")),
            ("builder_smsaction", SmsAction, text()),
            ("builder_topic", Topic, {"name": "mine", "content": "Till ten.", "is_active": "on"}),
            ("campaigns_campaign", Campaign, {"name": "mine", "country": "US", "language": "en"}),
        ],
    )
    def test_is_nobody_but_whoever_posts(self, olive, bob, url, kind, data):
        posted = {**data, "owner": olive.pk, "owner_id": olive.pk}

        assert logged_in(bob).post(reverse(f"admin:{url}_add"), posted).status_code == 302
        thing = kind.objects.get(name="mine")
        assert thing.owner == bob

        change = reverse(f"admin:{url}_change", args=[thing.pk])
        assert logged_in(bob).post(change, posted).status_code == 302
        assert kind.objects.get(name="mine").owner == bob


class TestAThingOfOthers:
    def test_is_no_text_of_ones_own_action(self, bob, olives):
        mine = factories.ActionFactory(name="mine", owner=bob)
        url = reverse("admin:builder_smsaction_change", args=[mine.pk])
        posted = text(content="template", template=olives["template"].pk)

        page = logged_in(bob).post(url, posted)

        assert page.status_code == 200 and "not one of the available choices" in page.text
        assert SmsAction.objects.get(name="mine").template is None
        preview = logged_in(bob).post(
            reverse("admin:builder_smsaction_preview"), {"action": mine.pk, **posted}
        )
        assert SECRET_WORDS not in preview.text

    def test_is_no_topic_of_a_campaign_with_the_template_that_it_brings(self, bob, olives):
        mine = factories.CampaignFactory(name="mine", owner=bob)
        data = {"name": "mine", "country": "US", "language": "en", "topics": [olives["topic"].pk]}

        for url in (
            reverse("admin:campaigns_campaign_change", args=[mine.pk]),
            reverse("admin:campaigns_campaign_add"),
        ):
            page = logged_in(bob).post(url, {**data, "name": f"mine at {url}"[:60]})
            assert "does not share it" in page.text, url
        assert Campaign.objects.count() == 2 and not mine.topics.exists()

    def test_is_no_tool_of_a_campaign(self, bob, olives):
        for campaign in (olives["campaign"], factories.CampaignFactory(owner=bob)):
            url = reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])
            logged_in(bob).post(url, {"actions": [olives["action"].pk], "shown": "", "_confirmed": "1"})
            assert not campaign.actions.exists()

    def test_is_not_tested_nor_previewed_as_ones_own(self, bob, olives):
        pk = olives["template"].pk
        data = {"number": "+13125550123", "is_own": "on", "test": "00000000-0000-4000-8000-000000000000"}

        assert logged_in(bob).post(reverse("admin:sms_smstemplate_try", args=[pk]), data).status_code == 403
        posted = {"template": pk, **text(body="x")}
        assert logged_in(bob).post(reverse("admin:sms_smstemplate_preview"), posted).status_code == 403
        assert not Message.objects.exists()

    def test_is_not_seen_by_the_name_of_a_test_of_it(self, bob, olive, olives):
        message = MessageFactory(template=olives["template"], tested_by="olive", profile=olive.sms_profile)
        for name in ("tried", "tried_state"):
            url = reverse(f"admin:sms_smstemplate_{name}", args=[olives["template"].pk, message.pk])
            assert logged_in(bob).get(url).status_code in (403, 404)


class TestSelectedByTheDozen:
    def test_nobody_deletes_what_they_may_not_delete_one_by_one(self, olives, everybody):
        for user in everybody:
            for thing in olives.values():
                meta = thing._meta
                page = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
                may = user.has_perm(f"{meta.app_label}.delete_{meta.model_name}")
                is_theirs = meta.model_name in ("topic", "campaign") or user.username in (
                    "olive",
                    "ann",
                    "root",
                )
                if may and is_theirs:
                    continue
                data = {"action": "delete_selected", "_selected_action": [thing.pk], "post": "yes"}
                logged_in(user).post(page, data)
                assert type(thing).objects.filter(pk=thing.pk).exists(), (user, thing)

    def test_a_viewer_cancels_and_lifts_nothing(self, everybody):
        message = MessageFactory(profile=everybody[3].sms_profile)
        vera = logged_in(everybody[1])
        data = {"action": "cancel_texts", "_selected_action": [str(message.pk)]}

        vera.post(reverse("admin:sms_message_changelist"), data)
        assert (
            vera.post(
                f"{reverse('admin:sms_message_cancel')}?texts={message.pk}", {"because": "x"}
            ).status_code
            == 403
        )

        assert Message.objects.get().state == "queued" and not OptOut.objects.exists()


class TestAChoiceByTyping:
    def test_gives_nobody_what_they_may_not_see(self, olives, everybody):
        tried = 0
        fields = [
            (model, each)
            for model in admin.site._registry
            for each in model._meta.get_fields()
            if isinstance(each, ForeignKey | ManyToManyField)
        ]
        for user in everybody:
            client = logged_in(user)
            for model, each in fields:
                asked = {"app_label": model._meta.app_label, "model_name": model._meta.model_name}
                response = client.get(
                    reverse("admin:autocomplete"), {**asked, "field_name": each.name, "term": ""}
                )
                tried += 1
                assert response.status_code in (403, 404) or may_see(user, each.related_model), (
                    user,
                    model,
                    each.name,
                )
        assert tried > 100

    def test_nor_does_a_search(self, olives, everybody):
        for user in everybody:
            page = logged_in(user).get(reverse("admin:search"), {"s": "directions", "extended": "1"}).text
            assert "directions" not in page or may_see(user, SmsTemplate)


class TestAnExport:
    def test_holds_nothing_for_those_who_may_not_see_it(self, olives, everybody):
        for user in everybody:
            for page in ("sms_smstemplate", "builder_smsaction", "builder_topic"):
                response = logged_in(user).get(reverse(f"admin:{page}_export"), {"format": "midcall"})
                seen = SECRET_WORDS in response.content.decode()
                assert not seen or may_see(user, SmsTemplate), (user, page)


class TestAHistory:
    def test_is_read_by_those_who_may_see_the_thing_and_all_of_it_by_admins(self, olive, olives, everybody):
        template = olives["template"]
        of_template = reverse("admin:sms_smstemplate_history", args=[template.pk])
        of_all = [
            reverse("admin:auth_user_changes"),
            reverse("admin:auth_user_changes_of", args=["sms.smstemplate", template.pk]),
        ]
        of_profile = reverse("admin:sms_userprofile_history", args=[olive.sms_profile.pk])
        for user in everybody:
            client = logged_in(user)
            is_admin = user.username in ("ann", "root")
            assert (client.get(of_template).status_code == 200) is may_see(user, SmsTemplate)
            assert all((client.get(url).status_code == 200) is is_admin for url in of_all), user
            assert (client.get(of_profile).status_code == 200) is (is_admin or user == olive)
