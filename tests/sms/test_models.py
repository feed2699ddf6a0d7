"""What rows refuse, and what they never show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError
from django.db.models import ProtectedError

from sms.models import Message, MessageEvent, OptOut, State, UserProfile
from tests import factories

pytestmark = pytest.mark.django_db


class TestTemplates:
    @pytest.mark.parametrize("name", ["", "two words", "ümlaut", "a" * 65, "a.b", "a\n"])
    def test_a_name_that_is_no_tool_name_is_refused(self, olive, name):
        with pytest.raises(ValidationError) as error:
            factories.TemplateFactory.build(name=name, owner=olive).full_clean()

        assert "name" in error.value.message_dict

    @pytest.mark.parametrize("variable", ["consent", "to"])
    def test_a_placeholder_that_tools_need_themselves_is_refused(self, olive, variable):
        with pytest.raises(ValidationError, match="cannot be a placeholder"):
            factories.TemplateFactory.build(body=f"For {{{{ {variable} }}}}", owner=olive).full_clean()

    def test_a_name_is_taken_whatever_its_capitals(self, olive):
        factories.TemplateFactory(name="Directions", owner=olive)

        with pytest.raises(ValidationError, match="exists already"):
            factories.TemplateFactory.build(name="directions", owner=olive).full_clean()
        with pytest.raises(IntegrityError):
            factories.TemplateFactory(name="directions", owner=olive)

    @pytest.mark.parametrize(
        "body", ["Hi {{ first name }}", "{{consent}}", "a\0b", "\u202egnp.exe", "x" * 1601]
    )
    def test_a_body_that_cannot_be_sent_as_written_is_refused(self, olive, body):
        with pytest.raises(ValidationError) as error:
            factories.TemplateFactory.build(body=body, owner=olive).full_clean()

        assert "body" in error.value.message_dict

    @pytest.mark.parametrize("sender", ["+13125550142", "12345", "OliveThyme", "MG" + "0" * 32])
    def test_every_kind_of_sender_is_taken(self, olive, sender):
        factories.TemplateFactory.build(sender=sender, owner=olive).full_clean()

    @pytest.mark.parametrize("sender", ["+0312", "Olive & Thyme GmbH", "13125550142x", "12"])
    def test_what_is_no_sender_is_refused(self, olive, sender):
        with pytest.raises(ValidationError):
            factories.TemplateFactory.build(sender=sender, owner=olive).full_clean()

    def test_why_it_cannot_be_sent_is_said_in_plain_words(self, olive):
        template = factories.TemplateFactory(owner=olive)
        assert template.obstacle() == ""

        UserProfile.objects.filter(user=olive).update(twilio_auth_token=None)
        template.refresh_from_db()
        assert "no Twilio credentials" in template.obstacle()

    def test_the_platforms_own_provider_needs_no_account(self, olive, settings):
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_FROM = "AC" + "1" * 32, "+13125550100"
        UserProfile.objects.filter(user=olive).update(twilio_auth_token=None, twilio_account_sid="")

        template = factories.TemplateFactory(owner=olive, provider="atlas")

        assert template.obstacle() == ""
        assert template.effective_sender() == "+13125550100"


class TestMessages:
    def test_editing_and_deleting_a_template_change_nothing_of_what_was_promised(self, olive):
        template = factories.TemplateFactory(owner=olive)
        message = factories.MessageFactory(template=template, body="Before.")
        promised = Message.objects.filter(pk=message.pk).values().get()

        template.body = "After."
        template.save()
        template.delete()

        assert Message.objects.filter(pk=message.pk).values().get() == promised
        assert Message.objects.select_related("template").get(pk=message.pk).template is None

    def test_a_profile_with_messages_cannot_be_deleted(self):
        message = factories.MessageFactory()

        with pytest.raises(ProtectedError):
            message.profile.user.delete()

    def test_one_sid_belongs_to_one_message(self):
        factories.MessageFactory(provider_sid="SM" + "1" * 32)

        with pytest.raises(IntegrityError):
            factories.MessageFactory(provider_sid="SM" + "1" * 32)

    def test_a_receipt_is_noted_once(self):
        message = factories.MessageFactory()
        event = {
            "message": message,
            "state": State.SENT,
            "provider_sid": "SM1",
            "provider_status": "sent",
        }
        MessageEvent.objects.create(**event)

        with pytest.raises(IntegrityError):
            MessageEvent.objects.create(**event)


class TestOptOuts:
    def test_a_number_opts_out_once_until_it_is_lifted(self):
        first = OptOut.objects.create(recipient=factories.CALLER)
        assert OptOut.stands_for(factories.CALLER)

        first.lifted_at = first.created_at
        first.save()
        assert not OptOut.stands_for(factories.CALLER)

        OptOut.objects.create(recipient=factories.CALLER)
        with pytest.raises(IntegrityError):
            OptOut.objects.create(recipient=factories.CALLER)

    def test_a_number_is_stored_in_e164(self):
        opt_out = OptOut(recipient="+1 (415) 555-0123")
        opt_out.full_clean()

        assert opt_out.recipient == factories.CALLER

    def test_what_is_no_number_is_refused(self):
        with pytest.raises(ValidationError, match="phone number"):
            OptOut(recipient="Bob").full_clean()


def test_messages_are_stamped_with_the_time_they_are_worth_sending():
    message = factories.MessageFactory(send_within=timedelta(seconds=60))

    assert (message.expires_at - message.created_at).total_seconds() == 60


def test_what_happened_to_a_text_is_never_changed():
    event = factories.MessageFactory().events.create(state=State.SENT)

    with pytest.raises(DatabaseError, match="never changed"):
        MessageEvent.objects.filter(pk=event.pk).update(state=State.FAILED)
