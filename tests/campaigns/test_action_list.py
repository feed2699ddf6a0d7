"""The list of SMS actions: where each is attached, and when a carrier last took a text of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import MOST_LOOKED_AT, Call, ToolCall
from tests import factories

pytestmark = pytest.mark.django_db

LIST = reverse("admin:builder_smsaction_changelist")


@pytest.fixture
def action(olive, campaign):
    olive.is_staff = olive.is_superuser = True
    olive.save()
    found = factories.ActionFactory(name="note", owner=olive)
    factories.AttachmentFactory(campaign=campaign, action=found)
    return found


@pytest.fixture
def call(connection):
    return Call.objects.create(connection=connection, external_id="call-1", caller_number=factories.CALLER)


def fired(call, action, ago=timedelta(0), **message):
    return ToolCall.objects.create(
        call=call,
        key=str(ToolCall.objects.count()),
        fingerprint="f",
        tool=action.name,
        action=action,
        outcome="accepted",
        say="The text is on its way.",
        message=factories.MessageFactory(profile=action.owner.sms_profile, **message),
        at=timezone.now() - ago,
    )


def page(user) -> str:
    client = Client()
    client.force_login(user)
    return client.get(LIST).text


def test_the_newest_text_that_a_carrier_took_counts(action, call):
    taken = fired(call, action, timedelta(hours=2), provider_sid="SM" + "1" * 32)
    fired(call, action, timedelta(hours=3), provider_sid="SM" + "2" * 32)
    fired(call, action)

    assert ToolCall.last_sent([action.pk]) == ({action.pk: taken.at}, True)


def test_another_actions_texts_do_not(action, call, olive):
    other = factories.ActionFactory(owner=olive)
    fired(call, other, provider_sid="SM" + "1" * 32)

    assert ToolCall.last_sent([action.pk]) == ({}, True)
    assert "Never" in page(olive)


def test_only_the_newest_calls_are_looked_at_and_the_list_does_not_claim_more(action, call, olive):
    fired(call, action, timedelta(hours=2), provider_sid="SM" + "1" * 32)
    refused = {"fingerprint": "f", "tool": "note", "outcome": "refused", "refusal": "opted_out", "say": "No."}
    ToolCall.objects.bulk_create(
        ToolCall(call=call, key=f"later-{number}", action=action, **refused)
        for number in range(MOST_LOOKED_AT)
    )

    assert ToolCall.last_sent([action.pk]) == ({}, False)
    assert "Not in the last 10,000 tool calls" in page(olive)


def test_campaigns_are_named_to_whoever_may_see_them_only(action, campaign, olive):
    assert campaign.name in page(olive)

    olive.is_superuser = False
    olive.save()
    olive.user_permissions.add(Permission.objects.get(codename="view_smsaction"))

    assert campaign.name not in page(olive)


def test_an_action_whose_template_is_switched_off_sends_nothing(action, campaign, connection, olive):
    action.template = factories.TemplateFactory(owner=olive, body="Mill Lane.", is_active=False)
    action.transactional = True
    action.save()

    answer = (
        Client()
        .post(
            f"/c/{connection.slug}/tools/note",
            {"callId": "c", "customerPhoneNumber": factories.CALLER, "parameters": {}},
            content_type="application/json",
            headers={"Authorization": f"Bearer {factories.SECRET}"},
        )
        .json()
    )

    assert (answer["status"], answer["code"]) == ("refused", "not_configured")
