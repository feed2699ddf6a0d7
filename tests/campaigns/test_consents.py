"""Consents: kept as they were given, withdrawn by each opt-out, ready for whoever asks for the evidence."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from campaigns.models import Consent
from sms import outbox
from sms.erasing import erasing
from sms.models import OptOut
from tests import factories
from tests.campaigns.conftest import PARAMETERS
from tests.factories import CALLER

EVIDENCE = "/admin/campaigns/consent/evidence/"


@pytest.fixture
def vera(db):
    client = Client()
    client.force_login(factories.UserFactory(username="vera", role="Viewer"))
    return client


@pytest.fixture
def consent(door):
    door(customerName="Carla")
    return Consent.objects.get()


class TestAConsent:
    def test_names_who_agreed_to_what_where_and_when(self, consent, campaign, connection):
        assert (consent.recipient, consent.caller_name, consent.words) == (
            CALLER,
            "Carla",
            "Yes, please text me.",
        )
        assert (consent.campaign, consent.tool_call.call.connection) == (campaign, connection)
        assert consent.tool_call.message.body.startswith("Your table for four")

    def test_has_the_name_step_by_step_too(self, door):
        door(customerName="Carla")
        door(toolCallId="2", parameters={**PARAMETERS, "day": "Sunday"})

        assert list(Consent.objects.values_list("caller_name", flat=True)) == ["Carla", "Carla"]

    @pytest.mark.parametrize(
        "change", [{"words": "No"}, {"recipient": "+14155550199"}, {"withdrawn_by": "call"}]
    )
    def test_is_never_changed(self, consent, change):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Consent.objects.update(**change)

    def test_is_never_deleted(self, consent):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            consent.delete()

    def test_is_withdrawn_once(self, consent):
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP")
        consent.refresh_from_db()
        assert (consent.withdrawn_by, consent.withdrawn_at is not None) == ("keyword", True)

        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            Consent.objects.update(withdrawn_at=None)

    def test_is_erased_by_one_door_which_closes_again(self, consent):
        with transaction.atomic():
            with erasing():
                Consent.objects.update(words="")
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                Consent.objects.update(words="Yes")


class TestWithdrawing:
    @pytest.fixture
    def client(self, db):
        client = Client()
        client.force_login(factories.UserFactory(role="Ops"))
        return client

    def withdrawn(self) -> list[str]:
        return list(Consent.objects.values_list("withdrawn_by", flat=True))

    def test_by_saying_it_in_a_call(self, consent, door):
        door("stop_texting", toolCallId="2", parameters={"words": "No more."})
        assert self.withdrawn() == ["call"]

    def test_by_hand(self, consent, client):
        client.post(reverse("admin:sms_optout_add"), {"recipient": CALLER, "evidence": "On the phone"})
        assert self.withdrawn() == ["person"]

    def test_by_a_list(self, consent, client):
        client.post(reverse("admin:sms_optout_import"), {"text": CALLER, "confirmed": "1"})
        assert self.withdrawn() == ["person"]

    def test_of_others_stays_and_lifting_gives_none_back(self, consent, door):
        door(callId="call-2", customerPhoneNumber="+14155550177")

        outbox.opt_out(CALLER, OptOut.Source.CARRIER)
        outbox.opt_in(CALLER, "Asked us to")

        assert sorted(self.withdrawn()) == ["", "carrier"]


class TestTheEvidence:
    def test_is_one_click_from_the_text_and_from_the_number(self, consent, vera):
        page = reverse("admin:campaigns_consent_change", args=[consent.pk])
        text = vera.get(reverse("admin:sms_message_change", args=[consent.tool_call.message_id])).text
        number = vera.get(reverse("admin:sms_message_number"), {"number": CALLER}).text

        assert f'href="{page}"' in text
        assert f'href="{page}"' in number
        assert f'href="{EVIDENCE}?number=%2B14155550123"' in number
        shown = vera.get(page).text
        for part in ("Yes, please text me.", "call-1", "tool-call-1", "A voice agent", "Your table for four"):
            assert part in shown

    def test_of_a_number_is_a_page_with_refusals_and_opt_outs(self, consent, door, vera):
        door(toolCallId="2", parameters={**PARAMETERS, "day": "Sunday", "consent": "Not on Sundays."})
        door(callId="call-2", customerPhoneNumber="+14155550177", customerName="Dora")
        outbox.opt_out(CALLER, OptOut.Source.KEYWORD, "STOP it")

        page = vera.get(EVIDENCE, {"number": "(415) 555-0123"}).text

        for part in (CALLER, "Yes, please text me.", "Not on Sundays.", "STOP it", "withdrawn", "by vera"):
            assert part in page
        assert "Dora" not in page

    def test_as_a_sheet_holds_a_line_a_consent_and_no_formula(self, door, connection, vera):
        connection.name = "=cmd|' /C calc'!A0"
        connection.save()
        door(customerName="Carla", parameters={**PARAMETERS, "consent": "=HYPERLINK(1) yes"})

        answer = vera.get(EVIDENCE, {"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))

        [row] = rows
        assert (row["Number"], row["Name"], row["In their words"]) == (
            "'+14155550123", "Carla", "'=HYPERLINK(1) yes",
        )  # fmt: skip
        assert row["Connection"].startswith("'=cmd")
        assert (row["Tool"], row["Call id"], row["Runtime"]) == (
            "confirmation",
            "call-1",
            "HTTP (any runtime)",
        )
        assert row["Text sent"].startswith("Your table for four")
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())

    def test_is_of_the_campaign_and_the_days_that_are_asked_for(self, consent, campaign, vera):
        other = factories.CampaignFactory()
        day = consent.given_at.date().isoformat()

        assert "Yes, please" in vera.get(EVIDENCE, {"campaign": campaign.pk, "since": day, "until": day}).text
        assert "Yes, please" not in vera.get(EVIDENCE, {"campaign": other.pk}).text
        assert "Yes, please" not in vera.get(EVIDENCE, {"until": "2020-01-01"}).text

    @pytest.mark.parametrize(
        "asked",
        [
            {"number": "x\0"}, {"number": "12"}, {"campaign": "nine"}, {"since": "2026-13-40"},
            {"since": "2026-02-01", "until": "2026-01-01"}, {"number": "+1" + "2" * 60},
        ],
    )  # fmt: skip
    def test_of_nonsense_is_a_page_that_says_so(self, consent, vera, asked):
        answer = vera.get(EVIDENCE, {**asked, "format": "csv"})

        assert answer.status_code == 200
        assert 'role="alert"' in answer.text
        assert "Yes, please" not in answer.text


class TestATextWithoutConsent:
    """That none is needed is for an administrator to decide, with a reason."""

    FORM = {
        "name": "parcel", "description": "Use this when asked.", "provider": "twilio", "language": "en",
        "send_within_seconds": "900", "is_active": "on", "max_segments": "3", "body": "On its way.",
        "transactional": "on", "transactional_because": "They order it by calling.",
    }  # fmt: skip

    def saved(self, user, **changes):
        client = Client()
        client.force_login(user)
        return client.post(reverse("admin:sms_smstemplate_add"), {**self.FORM, "owner": user.pk, **changes})

    def template(self):
        from sms.models import SmsTemplate

        return SmsTemplate.objects.get()

    def test_is_an_administrators_decision_with_a_reason_in_its_history(self, db):
        ann = factories.UserFactory(username="ann", role="Admin")

        assert "Say why no consent is needed" in self.saved(ann, transactional_because=" ").text
        self.saved(ann)

        template = self.template()
        assert (template.transactional, template.transactional_because) == (True, "They order it by calling.")
        history = Client()
        history.force_login(ann)
        page = history.get(reverse("admin:sms_smstemplate_history", args=[template.pk])).text
        assert "They order it by calling." in page

    def test_is_asked_for_where_somebody_else_decides_so(self, db):
        self.saved(factories.UserFactory(username="bob", role="Ops"))

        assert self.template().transactional is False

    def test_may_be_made_to_ask_again_by_its_owner(self, db):
        bob = factories.UserFactory(username="bob", role="Ops")
        template = factories.TemplateFactory(
            name="parcel",
            owner=bob,
            body="On its way.",
            transactional=True,
            transactional_because="Asked for",
        )
        client = Client()
        client.force_login(bob)
        url = reverse("admin:sms_smstemplate_change", args=[template.pk])

        client.post(url, {**self.FORM, "transactional_because": "Because"})
        template.refresh_from_db()
        assert (template.transactional, template.transactional_because) == (True, "Asked for")

        client.post(url, {**self.FORM, "transactional": ""})
        template.refresh_from_db()
        assert (template.transactional, template.transactional_because) == (False, "")

    def test_does_not_come_with_a_copy_of_somebody_else(self, db):
        bob = factories.UserFactory(username="bob", role="Ops")
        template = factories.TemplateFactory(transactional=True, transactional_because="Asked for")

        assert template.duplicate(bob).transactional is False
        ann = factories.UserFactory(username="ann", role="Admin")
        assert template.duplicate(ann).transactional_because == "Asked for"
