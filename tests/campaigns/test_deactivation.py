"""A deactivated user sends nothing: calls are refused, what was promised waits, and the pages say why."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from campaigns.models import Revision, ToolCall
from sms import dispatch, outbox
from sms.models import Message, Sender, SmsTemplate, State
from tests import factories
from tests.conftest import ATLAS_SID
from tests.factories import ACCOUNT_SID, CALLER, SECRET, MessageFactory

WHY = "olive is deactivated, so nothing is sent for them."


def activate(user, active: bool) -> None:
    """As from a shell: no page takes part."""
    User.objects.filter(pk=user.pk).update(is_active=active)


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


class TestACall:
    @pytest.fixture
    def fire(self, connection, campaign):
        template = factories.TemplateFactory(name="way", body="48 Mill Lane.", owner=campaign.owner)
        campaign.topics.add(factories.TopicFactory(actions="Call {{way}}.", owner=campaign.owner))
        assert template.obstacle() == ""
        campaign.minutes_before_repeat = None
        campaign.save()

        def fire(call: str) -> dict:
            envelope = {
                "callId": call,
                "customerPhoneNumber": CALLER,
                "parameters": {"consent": "Yes, please."},
            }
            return (
                Client()
                .post(
                    f"/c/{connection.slug}/tools/way",
                    data=json.dumps(envelope),
                    content_type="application/json",
                    headers={"Authorization": f"Bearer {SECRET}"},
                )
                .json()
            )

        return fire

    def test_is_refused_from_the_next_one_on_and_works_again(self, olive, fire):
        assert fire("call-1")["status"] == "accepted"

        activate(olive, False)
        refused = fire("call-2")
        assert refused["status"] == "refused"
        assert refused["say"] == "I can't send text messages at the moment, so nothing was sent."
        assert ToolCall.objects.get(call__external_id="call-2").refusal == "not_configured"

        activate(olive, True)
        assert fire("call-3")["status"] == "accepted"
        assert Message.objects.count() == 2

    def test_goes_on_where_what_is_sent_is_somebody_elses(self, olive, fire, campaign):
        bob = factories.UserFactory(username="bob")
        SmsTemplate.objects.update(owner=bob, is_shared=True)
        assert campaign.owner == olive

        activate(olive, False)

        assert fire("call-1")["status"] == "accepted"

    def test_logging_in_changes_nothing_for_calls(self, olive, fire):
        fire("call-1")
        before = Revision.objects.values_list("number", flat=True).first()

        logged_in(olive)

        assert Revision.objects.values_list("number", flat=True).first() == before


@pytest.mark.django_db(transaction=True)
class TestWhatWasPromised:
    @pytest.fixture(autouse=True)
    def no_connection_left(self):
        yield
        dispatch.close()

    @pytest.fixture
    def olive(self, transactional_db):
        return factories.UserFactory(username="olive")

    @pytest.mark.parametrize(
        "sent_by",
        [{}, {"provider": "atlas", "account_sid": ATLAS_SID, "sender": "+13125550100"}],
        ids=["twilio", "atlas"],
    )
    def test_does_not_leave_and_goes_on_when_they_are_active_again(self, olive, carrier, sent_by):
        message = MessageFactory(profile=olive.sms_profile, **sent_by)
        activate(olive, False)

        for _ in range(2):
            dispatch.drain()
            outbox.probe()

        message.refresh_from_db()
        assert (message.state, message.reason) == (
            State.HELD,
            f"{WHY} An Admin can hand over what is theirs, under Account > Users.",
        )
        # It does not go around in circles meanwhile.
        assert message.events.count() == 2
        assert carrier.texts() == []

        activate(olive, True)
        outbox.probe()
        dispatch.drain()

        message.refresh_from_db()
        assert message.state == State.ACCEPTED
        assert len(carrier.texts()) == 1

    def test_holds_up_nobody_else_who_sends_from_the_same_account(self, olive, carrier):
        bob = factories.UserFactory(username="bob")
        gone, sent = (MessageFactory(profile=user.sms_profile) for user in (olive, bob))
        activate(olive, False)

        dispatch.drain()

        assert Message.objects.get(pk=gone.pk).state == State.HELD
        assert Message.objects.get(pk=sent.pk).state == State.ACCEPTED
        assert Sender.objects.get(account_sid=ACCOUNT_SID).held_at is None

    def test_is_no_probe_of_a_held_sender(self, olive, carrier):
        bob = factories.UserFactory(username="bob")
        gone = MessageFactory(profile=olive.sms_profile)
        waits = MessageFactory(profile=bob.sms_profile)
        activate(olive, False)
        outbox.hold(ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)
        Sender.objects.update(paused_until=gone.created_at)

        outbox.probe()
        dispatch.drain()
        # Its sender sends again, and it was let go with the others.
        dispatch.drain()

        assert Message.objects.get(pk=gone.pk).state == State.HELD
        assert Message.objects.get(pk=waits.pk).state == State.ACCEPTED


class TestThePages:
    def test_say_it_where_something_depends_on_it(self, olive, campaign):
        ann = factories.UserFactory(username="ann", role="Admin")
        template = factories.TemplateFactory(name="way", body="48 Mill Lane.", owner=olive)
        campaign.topics.add(factories.TopicFactory(actions="Call {{way}}.", owner=olive))
        action = factories.ActionFactory(name="note", owner=olive)
        factories.AttachmentFactory(campaign=campaign, action=action)
        activate(olive, False)
        client = logged_in(ann)

        for url in (
            reverse("admin:index"),
            reverse("admin:sms_smstemplate_changelist"),
            reverse("admin:sms_smstemplate_try", args=[template.pk]),
            reverse("admin:builder_smsaction_changelist"),
            reverse("admin:builder_topic_change", args=[campaign.topics.get().pk]),
            reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]),
            reverse("admin:campaigns_campaign_agent", args=[campaign.pk]),
            reverse("admin:sms_userprofile_change", args=[olive.sms_profile.pk]),
        ):
            assert WHY in client.get(url).text, url
        assert "deactivated" in client.get(reverse("admin:auth_user_changelist")).text
