"""The list of SMS actions: where each is attached, and when a carrier last took a text of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Call, ToolCall
from tests import factories

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
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


def test_the_newest_text_that_a_carrier_took_counts(action, call, olive):
    fired(call, action, timedelta(hours=3), provider_sid="SM" + "2" * 32, created_at=JANUARY)
    fired(
        call, action, timedelta(hours=2), provider_sid="SM" + "1" * 32, created_at=JANUARY + timedelta(days=1)
    )
    fired(call, action, created_at=JANUARY + timedelta(days=2))

    assert "2 Jan, 09:30" in page(olive)


def test_another_actions_texts_do_not(action, call, olive):
    fired(call, factories.ActionFactory(owner=olive), provider_sid="SM" + "1" * 32, created_at=JANUARY)

    assert "No recent text" in page(olive)


def test_a_text_that_failed_is_told_with_the_reason(action, call, olive):
    fired(call, action, state="undelivered", error_code=30003)

    assert "The last text failed: " in page(olive)


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
