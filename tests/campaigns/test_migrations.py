"""What an upgrade does to what is attached, and to tool calls, of which there may be millions."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.core.management import call_command
from django.db import connection

from campaigns.models import ToolAttachment, ToolChange
from tests import factories

TEXTED_ALREADY = import_module("campaigns.migrations.0019_texted_already").TEXTED_ALREADY
MANAGE_TOOLS = import_module("campaigns.migrations.0009_manage_tools").Migration
BEFORE = dict(MANAGE_TOOLS.dependencies)["campaigns"]

pytestmark = pytest.mark.django_db(transaction=True)


def indexes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'campaigns_toolcall' ORDER BY 1"
        )
        return cursor.fetchall()


def test_what_was_attached_before_has_a_record_and_indexes_go_back_and_forth():
    ann = factories.UserFactory(username="ann")
    action = factories.ActionFactory(name="note", owner=ann)
    campaign = factories.CampaignFactory()
    ToolAttachment.objects.create(campaign=campaign, action=action, attached_by=ann)
    before = indexes()

    try:
        call_command("migrate", "campaigns", BEFORE, verbosity=0)
        went_back = indexes()
        with connection.cursor() as cursor:
            # As a migration that was broken off leaves it.
            cursor.execute("CREATE INDEX tool_call_by_action ON campaigns_toolcall (action_id)")
    finally:
        call_command("migrate", verbosity=0)

    assert went_back != before
    assert indexes() == before
    change = ToolChange.objects.get()
    assert (change.campaign, change.action, change.tool) == (campaign, action, "note")
    assert (change.what, change.by, change.owner) == ("attached", "ann", "ann")
    assert change.at == ToolAttachment.objects.get().attached_at


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
