"""What an upgrade does to what is attached, and to texts and tool calls, of which there may be millions."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from campaigns.models import ToolAttachment, ToolChange
from sms.models import Message
from tests import factories

TEXTED_ALREADY = import_module("campaigns.migrations.0019_texted_already").TEXTED_ALREADY

pytestmark = pytest.mark.django_db(transaction=True)


def indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes "
            "WHERE tablename IN ('campaigns_toolcall', 'sms_message') ORDER BY indexname"
        )
        found = cursor.fetchall()
    return {
        table: [definition for definition in found if f" ON public.{table} " in definition[1]]
        for table in ("campaigns_toolcall", "sms_message")
    }


def test_what_was_attached_before_has_a_record_and_indexes_go_back_and_forth_and_may_be_broken_off():
    ann = factories.UserFactory(username="ann")
    action = factories.ActionFactory(name="note", owner=ann)
    campaign = factories.CampaignFactory()
    ToolAttachment.objects.create(campaign=campaign, action=action, attached_by=ann)
    factories.MessageFactory(provider_sid="SM" + "1" * 32)
    before = indexes()

    try:
        # This takes along what stands on it: each way takes as long as a hundred other tests.
        call_command("migrate", "sms", "0005", verbosity=0)
        applied = MigrationRecorder(connection).applied_migrations()
        went_back = indexes()
        with connection.cursor() as cursor:
            # As migrations that were broken off leave them.
            cursor.execute("CREATE INDEX tool_call_by_action ON campaigns_toolcall (action_id)")
            cursor.execute("CREATE INDEX message_tests ON sms_message (tested_by)")
            cursor.execute("CREATE INDEX message_by_sid_new ON sms_message (provider_sid)")
    finally:
        call_command("migrate", verbosity=0)

    assert ("campaigns", "0009_manage_tools") not in applied
    assert [table for table in before if went_back[table] == before[table]] == []
    assert indexes() == before
    change = ToolChange.objects.get()
    assert (change.campaign, change.action, change.tool) == (campaign, action, "note")
    assert (change.what, change.by, change.owner) == ("attached", "ann", "ann")
    assert change.at == ToolAttachment.objects.get().attached_at
    assert Message.objects.count() == 1


def test_a_running_campaign_goes_on_texting_the_countries_that_it_has_texted(campaign, door):
    other = factories.CampaignFactory()
    campaign.other_countries = ["CA", "GB"]
    campaign.save()
    for place, number in enumerate(("+447400123456", "+16042345678", "+447400123457", "+14155550123")):
        assert door(callId=f"call-{place}", customerPhoneNumber=number).json()["status"] == "accepted"
    campaign.other_countries = []
    campaign.save()

    with connection.cursor() as cursor:
        cursor.execute(TEXTED_ALREADY)

    campaign.refresh_from_db()
    other.refresh_from_db()
    assert (campaign.other_countries, other.other_countries) == (["CA", "GB"], [])
