"""What is kept for how long: bodies and numbers go, and all that is counted stays as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db.models import F
from django.test import Client
from django.urls import reverse

from campaigns import retention
from campaigns.models import Call, Consent, Purged, ToolCall
from campaigns.tasks import purge
from sms import arrivals, outbox
from sms.erasing import erasing
from sms.models import Message, MessageEvent, OptOut, State
from tests import factories
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER


def age(days: int, **of) -> None:
    """Have all that happened so far have happened so many days earlier."""
    back = timedelta(days=days)
    Message.objects.filter(**of).update(created_at=F("created_at") - back, updated_at=F("updated_at") - back)
    ToolCall.objects.update(at=F("at") - back)
    Call.objects.update(started_at=F("started_at") - back)
    with erasing():
        Consent.objects.update(given_at=F("given_at") - back)


@pytest.fixture
def kept(campaign):
    campaign.keep_days = 90
    campaign.save()
    return campaign


@pytest.fixture
def delivered(kept, door):
    """A text of 91 days ago, delivered, in a call with a refusal."""
    door(customerName="Carla")
    door(toolCallId="2", parameters={**PARAMETERS, "day": "Sunday", "consent": "No."})
    message = Message.objects.get()
    outbox.claim(1)
    Message.objects.update(
        state=State.DELIVERED, provider_sid="SM" + "1" * 32, claim_token=None, lease_until=None
    )
    MessageEvent.objects.create(message=message, state=State.DELIVERED, detail=f"To {CALLER}")
    age(91)
    return message


@pytest.mark.django_db(transaction=True)
def test_what_somebody_holds_locked_keeps_nothing_else_from_being_erased(delivered, olive):
    campaign = factories.CampaignFactory(owner=olive, keep_days=90)
    other_line = factories.ConnectionFactory(campaign=campaign)
    call = Call.objects.create(connection=other_line, external_id="other", caller_number="+14155550199")
    age(91)
    first = Call.objects.exclude(pk=call.pk).get()
    other = database.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM campaigns_call WHERE id = %s FOR UPDATE", [first.pk])
    with database.cursor() as cursor:
        cursor.execute("SET statement_timeout TO 300")
    try:
        purge()
        first.refresh_from_db()
        call.refresh_from_db()
        assert (first.caller_number, call.caller_number) == (CALLER, "")
    finally:
        other.rollback()
        other.close()
        database.close()
    purge()
    first.refresh_from_db()
    assert first.caller_number == ""


class TestPurging:
    def test_erases_what_was_said_and_to_whom_and_leaves_what_became_of_it(self, delivered, template):
        before = arrivals.of([template.pk])

        purge()

        delivered.refresh_from_db()
        assert (delivered.body, delivered.recipient, delivered.state) == ("", "", State.DELIVERED)
        assert (delivered.segments, delivered.country, delivered.provider_sid) == (1, "US", "SM" + "1" * 32)
        assert delivered.erased_because == "Kept for 90 days."
        assert not MessageEvent.objects.exclude(detail="").exists()
        assert arrivals.of([template.pk]) == before
        call = Call.objects.get()
        assert (call.caller_number, call.caller_name, call.external_id) == ("", "", "call-1")
        assert [(each.parameters, each.say) for each in ToolCall.objects.all()] == [({}, "")] * 2
        assert sorted(ToolCall.objects.values_list("outcome", flat=True)) == ["accepted", "refused"]

    def test_keeps_consents_and_opt_outs_for_their_own_time(self, delivered, settings):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD)

        purge()
        assert Consent.objects.get().words == "Yes, please text me."

        settings.CONSENT_RETENTION_DAYS = 100
        purge()
        assert Consent.objects.get().recipient == CALLER
        age(10)
        purge()
        consent = Consent.objects.get()
        assert (consent.recipient, consent.words, consent.caller_name) == ("", "", "")
        assert consent.erased_at
        assert OptOut.stands_for(CALLER)

    def test_says_so_on_the_page_of_the_text_and_of_the_call(self, delivered):
        client = Client()
        client.force_login(factories.UserFactory(role="Viewer"))
        url = reverse("admin:sms_message_change", args=[delivered.pk])
        assert "for 90 days, then erased" in client.get(url).text

        purge()

        assert "Text and number were erased on" in client.get(url).text
        assert "Kept for 90 days." in client.get(url).text
        assert (
            "erased on"
            in client.get(reverse("admin:campaigns_call_change", args=[Call.objects.get().pk])).text
        )
        for name in ("sms_message", "campaigns_call", "campaigns_consent"):
            assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200

    def test_leaves_what_is_younger_or_open_or_kept_for_good(self, kept, door, olive):
        door()
        age(89)
        purge()
        assert Message.objects.get().body

        age(2)
        purge()
        assert Message.objects.get().body, "it is queued"

        Message.objects.update(state=State.EXPIRED)
        kept.keep_days = None
        kept.save()
        purge()
        assert Message.objects.get().body

        kept.keep_days = 1
        kept.save()
        purge()
        assert not Message.objects.get().body

    def test_goes_by_the_installations_time_where_the_campaign_says_nothing(self, door, settings):
        door()
        factories.MessageFactory(tested_by="olive", recipient="+14155550177")
        Message.objects.update(state=State.SENT)
        age(31)
        settings.RETENTION_DAYS = 30

        purge()

        assert set(Message.objects.values_list("body", "recipient")) == {("", "")}

    def test_goes_on_where_it_was_broken_off_and_looks_at_nothing_twice(self, kept, door, monkeypatch):
        for number in range(7):
            door(callId=f"call-{number}", customerPhoneNumber=f"+1415555010{number}")
        Message.objects.update(state=State.SENT)
        age(100)
        monkeypatch.setattr(retention, "PORTION", 3)

        assert retention._walk(retention.WALKS[0], kept) == (3, True)
        assert Purged.objects.get(kind="tool calls").up_to_id == ToolCall.objects.order_by("pk")[2].pk
        assert Message.objects.filter(body="").count() == 3
        assert retention.purge(0) == 0
        assert Message.objects.filter(body="").count() == 3

        purge()
        assert Message.objects.filter(body="").count() == 7
        assert Purged.objects.get(kind="tool calls").up_to_id == ToolCall.objects.first().pk
        assert retention.purge() == 0

    def test_of_a_call_id_that_is_used_again_keeps_who_called_lately(self, kept, door):
        door()
        Message.objects.update(state=State.SENT)
        age(100)
        door(toolCallId="2", parameters={**PARAMETERS, "day": "Sunday"})

        purge()

        assert Call.objects.get().caller_number == CALLER
        assert sorted(bool(each.parameters) for each in ToolCall.objects.all()) == [False, True]

    def test_of_a_call_id_that_is_used_again_erases_the_second_caller_too(self, delivered, door):
        purge()
        door(toolCallId="3", parameters={**PARAMETERS, "day": "Monday"})
        assert Call.objects.get().caller_number == CALLER
        Message.objects.update(state=State.SENT)
        age(91)

        purge()

        assert Call.objects.get().caller_number == ""

    def test_does_not_look_through_the_past_again_for_whoever_has_nothing_there(self, kept, door):
        idle = factories.CampaignFactory(owner=kept.owner, keep_days=90)
        door()
        Message.objects.update(state=State.SENT)
        age(91)
        door(callId="today", customerPhoneNumber="+14155550177")

        purge()

        marks = dict(Purged.objects.filter(campaign=idle).values_list("kind", "up_to_id"))
        passed = ToolCall.objects.last().pk, Call.objects.last().pk
        assert marks == dict(zip((Purged.Kind.TOOL_CALLS, Purged.Kind.CALLS), passed, strict=True))


class TestHowLong:
    def test_is_said_on_the_campaign_which_may_say_otherwise(self, campaign, olive, settings):
        settings.RETENTION_DAYS = 365
        assert retention.kept_days(campaign) == 365

        client = Client()
        client.force_login(factories.UserFactory(role="Ops"))
        url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        page = client.get(url)
        assert "365 days, as the operator set it" in page.text
        stored = page.context["adminform"].form.initial
        form = {name: value for name, value in stored.items() if value}
        assert "greater than or equal to 1" in client.post(url, {**form, "keep_days": "0"}).text
        client.post(url, {**form, "keep_days": "30"})

        campaign.refresh_from_db()
        assert retention.kept_days(campaign) == 30

    def test_consents_are_kept_for_no_shorter_than_the_texts(self, campaign, settings):
        settings.CONSENT_RETENTION_DAYS = 30
        campaign.keep_days = 90
        assert retention.consent_days(campaign) == 90
        campaign.keep_days = None
        assert retention.consent_days(campaign) == 0
