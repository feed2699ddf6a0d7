"""Pauses: refused from the next call on, waiting for as long as they last, seen on every page, and whose."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from campaigns import switches
from campaigns.models import ToolCall
from sms import dispatch, outbox
from sms.models import Message, Pause, Sender, SmsTemplate, State, SwitchedOff
from tests import factories
from tests.factories import ACCOUNT_SID, CALLER, MessageFactory

WHY = "The price is wrong"


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann(db):
    return factories.UserFactory(username="ann", role="Admin")


def things(campaign, action, template):
    """One of each that a text of the action can be paused by."""
    return {
        "campaign": campaign,
        "action": action,
        "template": template,
        "sender": Sender.objects.get_or_create(
            account_sid=ACCOUNT_SID, address="+13125550142", defaults={"messages_per_second": 1000}
        )[0],
        "everything": None,
    }


@pytest.fixture
def note(action):
    """An action that sends a template, so that each kind of pause is one of its texts'."""
    template = factories.TemplateFactory(name="price", body="It costs nine.", is_shared=True)
    return action(template=template, owner=template.owner, is_shared=True)


KINDS = ["campaign", "action", "template", "sender", "everything"]


class TestACall:
    @pytest.mark.parametrize("kind", KINDS)
    def test_is_refused_from_the_next_one_on_and_works_again(self, kind, door, campaign, note):
        def fire(call, caller):
            consent = {"consent": "Yes, please."}
            asked = {"callId": call, "toolCallId": call, "customerPhoneNumber": caller}
            return door(tool="note", **asked, parameters=consent).json()

        assert fire("call-1", CALLER)["status"] == "accepted"
        pause = switches.pause(things(campaign, note, note.template)[kind], WHY, "olive")

        refused = fire("call-2", "+14155550177")
        assert (refused["status"], refused["say"]) == (
            "refused",
            "Our text messages are paused at the moment, so nothing was sent.",
        )
        assert ToolCall.objects.get(call__external_id="call-2").refusal == "paused"
        assert Message.objects.count() == 1

        assert switches.resume(pause, "olive")
        assert fire("call-3", "+14155550188")["status"] == "accepted"

    def test_of_something_else_goes_on(self, door, campaign, note, action):
        switches.pause(note, WHY, "olive")
        switches.pause(factories.CampaignFactory(), WHY, "olive")

        assert door().json()["status"] == "accepted"

    def test_what_every_campaign_has_works_while_all_is_paused(self, door):
        door()
        switches.pause(None, WHY, "ann")

        assert (
            door(tool="stop_texting", toolCallId="", parameters={"words": "No more"}).json()["status"]
            == "done"
        )
        assert door(tool="get_sms_status", parameters={}).json()["status"] == "done"

    def test_asks_where_a_text_stands_and_hears_that_it_waits(self, door, campaign):
        door()
        switches.pause(campaign, WHY, "olive")

        assert door(tool="get_sms_status", parameters={}).json()["say"] == (
            "Our text messages are paused at the moment, so the text is waiting. If it waits too long, it is "
            "dropped."
        )


@pytest.mark.django_db(transaction=True)
class TestWhatIsQueued:
    @pytest.fixture(autouse=True)
    def no_connection_left(self):
        yield
        dispatch.close()

    @pytest.fixture
    def olive(self, transactional_db):
        return factories.UserFactory(username="olive")

    @pytest.fixture
    def campaign(self, olive):
        return factories.CampaignFactory(name="Booking line", owner=olive)

    @pytest.fixture
    def queued(self, olive, campaign):
        """Texts of the campaign's action with a template, and one that has nothing to do with them."""
        action = factories.ActionFactory(name="note", owner=olive)
        template = factories.TemplateFactory(name="price", owner=olive)
        scopes = [switches.scope_of(campaign), switches.scope_of(action)]
        mine = MessageFactory(profile=olive.sms_profile, template=template, scopes=scopes)
        other = MessageFactory(profile=olive.sms_profile, sender="+13125550177")
        return mine, other, things(campaign, action, template)

    @pytest.mark.parametrize("kind", KINDS)
    def test_waits_with_the_reason_and_is_sent_afterwards(self, kind, queued, carrier):
        mine, other, of = queued
        pause = switches.pause(of[kind], WHY, "olive")

        dispatch.drain()
        outbox.probe()
        dispatch.drain()

        mine.refresh_from_db()
        assert (mine.state, mine.reason) == (State.HELD, pause.words)
        assert WHY in mine.reason and "olive" in mine.reason
        # It does not go around in circles meanwhile.
        assert mine.events.count() == 1
        sent = [text["body"] for text in carrier.texts()]
        assert sent == ([] if kind == "everything" else [other.body])

        switches.resume(pause, "olive", "Mended")
        dispatch.drain()

        mine.refresh_from_db()
        assert mine.state == State.ACCEPTED
        assert {text["body"] for text in carrier.texts()} == {mine.body, other.body}

    def test_is_not_claimed_even_before_it_is_held(self, queued, campaign):
        """As a text that was promised in the instant of the pause."""
        mine, other, _ = queued
        Pause.objects.create(scope=switches.scope_of(campaign), about="The campaign", because=WHY, by="olive")

        assert [claimed.pk for claimed in outbox.claim(10)] == [other.pk]
        mine.refresh_from_db()
        assert mine.state == State.QUEUED

        outbox.hold_paused()
        mine.refresh_from_db()
        assert mine.state == State.HELD

    def test_waits_for_each_of_two_pauses(self, queued, campaign, carrier):
        mine, _, of = queued
        first, second = (switches.pause(of[kind], WHY, "olive") for kind in ("campaign", "action"))

        switches.resume(first, "olive")
        dispatch.drain()
        assert Message.objects.get(pk=mine.pk).state == State.HELD

        switches.resume(second, "olive")
        dispatch.drain()
        assert Message.objects.get(pk=mine.pk).state == State.ACCEPTED

    def test_is_dropped_where_the_pause_lasts_too_long(self, queued, campaign):
        mine, _, _ = queued
        switches.pause(campaign, WHY, "olive")
        Message.objects.filter(pk=mine.pk).update(expires_at=mine.created_at)

        outbox.expire()

        assert Message.objects.get(pk=mine.pk).state == State.EXPIRED

    def test_of_a_held_sender_is_no_probe_and_does_not_go_with_its_release(self, queued, campaign, carrier):
        mine, _, _ = queued
        switches.pause(campaign, WHY, "olive")
        outbox.hold(ACCOUNT_SID, None, "Twilio does not accept the token.", 20003)
        Sender.objects.update(paused_until=mine.created_at)

        outbox.probe()
        assert Message.objects.get(pk=mine.pk).state == State.HELD

        outbox.release(ACCOUNT_SID)
        dispatch.drain()
        assert Message.objects.get(pk=mine.pk).state == State.HELD

    @pytest.mark.parametrize("kind", ["campaign", "action", "template"])
    def test_waits_for_what_is_switched_off_by_whatever_hand(self, kind, queued, carrier):
        mine, other, of = queued
        thing = of[kind]
        type(thing).objects.filter(pk=thing.pk).update(is_active=False)

        dispatch.drain()
        outbox.hold_paused()
        outbox.probe()

        mine.refresh_from_db()
        assert (mine.state, mine.reason) == (State.HELD, f"“{thing}” is switched off.")
        assert [text["body"] for text in carrier.texts()] == [other.body]

        type(thing).objects.filter(pk=thing.pk).update(is_active=True)
        outbox.probe()
        dispatch.drain()
        assert Message.objects.get(pk=mine.pk).state == State.ACCEPTED

    def test_of_a_test_goes_though_its_template_is_switched_off(self, olive, carrier):
        template = factories.TemplateFactory(owner=olive, is_active=False)
        test = MessageFactory(profile=olive.sms_profile, template=template, tested_by="olive")

        dispatch.drain()

        assert Message.objects.get(pk=test.pk).state == State.ACCEPTED


class TestThePages:
    def test_say_on_top_what_is_paused_by_whom_and_why(self, ann, campaign):
        url = reverse("admin:sms_pause_thing", args=["campaign", campaign.pk])
        client = logged_in(ann)
        assert client.post(url, {"because": " "}).status_code == 200
        assert not Pause.objects.exists()

        client.post(url, {"because": WHY})

        pause = Pause.objects.get()
        assert (pause.by, pause.because) == ("ann", WHY)
        for page in (
            reverse("admin:index"),
            reverse("admin:sms_message_changelist"),
            reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
            reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]),
            reverse("admin:campaigns_campaign_brake", args=[campaign.pk]),
            reverse("admin:sms_userprofile_atlas"),
            reverse("admin:sms_smstemplate_add"),
            reverse("admin:password_change"),
        ):
            shown = client.get(page, follow=True).text
            assert f"The campaign “{campaign}” is paused." in shown, page
            assert WHY in shown and "By ann, since" in shown
            assert reverse("admin:sms_pause_resume", args=[pause.pk]) in shown

        client.post(reverse("admin:sms_pause_resume", args=[pause.pk]), {"because": "Mended"})
        pause.refresh_from_db()
        assert (pause.lifted_by, pause.lifted_because) == ("ann", "Mended")
        assert WHY not in client.get(reverse("admin:index")).text
        listed = client.get(reverse("admin:sms_pause_changelist")).text
        assert WHY in listed and "ended" in listed
        history = client.get(reverse("admin:auth_user_changes")).text
        assert f"Pause “The campaign “{campaign}””" in history

    def test_are_silent_for_whoever_may_see_nothing(self, campaign):
        switches.pause(campaign, WHY, "olive")
        nobody = logged_in(factories.UserFactory(is_staff=True))

        assert WHY not in nobody.get(reverse("admin:index")).text

    def test_say_on_a_text_that_it_waits(self, ann, campaign):
        message = MessageFactory(scopes=[switches.scope_of(campaign)])
        switches.pause(campaign, WHY, "olive")

        page = logged_in(ann).get(reverse("admin:sms_message_change", args=[message.pk])).text

        assert f"It waits for a pause: The campaign “{campaign}” is paused by olive: {WHY}" in page

    def test_let_an_ops_pause_their_own_and_end_what_no_admin_paused(self, ann, campaign):
        olive, bob = campaign.owner, factories.UserFactory(username="bob", role="Ops")
        olive.groups.add(bob.groups.get())
        olive.is_staff = True
        olive.save()
        theirs = reverse("admin:sms_pause_thing", args=["campaign", campaign.pk])

        assert logged_in(bob).post(theirs, {"because": WHY}).status_code == 403
        assert logged_in(olive).post(theirs, {"because": WHY}).status_code == 302
        mine = reverse("admin:sms_pause_resume", args=[Pause.objects.get().pk])
        assert logged_in(bob).post(mine).status_code == 403
        assert logged_in(olive).post(mine).status_code == 302

        by_ann = switches.pause(campaign, WHY, "ann")
        assert logged_in(olive).post(reverse("admin:sms_pause_resume", args=[by_ann.pk])).status_code == 403
        switches.resume(by_ann, "ann")
        by_itself = switches.pause(campaign, WHY, "")
        assert (
            logged_in(olive).post(reverse("admin:sms_pause_resume", args=[by_itself.pk])).status_code == 302
        )

        everything = reverse("admin:sms_pause_everything")
        assert logged_in(olive).post(everything, {"because": WHY}).status_code == 403
        assert logged_in(ann).post(everything, {"because": WHY}).status_code == 302

    def test_know_a_campaign_by_one_switch(self, ann, campaign):
        client = logged_in(ann)
        page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        assert 'name="is_active"' not in client.get(page).text
        assert "Pause this campaign…" in client.get(page).text

        switches.pause(campaign, WHY, "ann")
        assert "Pause this campaign…" not in client.get(page).text
        assert "paused" in client.get(reverse("admin:campaigns_campaign_changelist")).text

    def test_offer_to_pause_everything_until_it_is(self, ann, campaign):
        client = logged_in(ann)
        everything, listed = reverse("admin:sms_pause_everything"), reverse("admin:sms_pause_changelist")
        rules = reverse("admin:campaigns_campaign_safeguards", args=[campaign.pk])
        assert everything in client.get(listed).text
        assert '<span class="mc-end">Paused</span>' not in client.get(rules).text

        client.post(everything, {"because": WHY})

        assert everything not in client.get(listed).text
        assert '<span class="mc-end">Paused</span>' in client.get(rules).text

    def test_pause_something_once(self, ann, campaign):
        switches.pause(campaign, WHY, "olive")

        again = logged_in(ann).post(
            reverse("admin:sms_pause_thing", args=["campaign", campaign.pk]),
            {"because": "Another reason"},
            follow=True,
        )

        assert "It was paused already" in again.text
        assert [pause.because for pause in Pause.objects.all()] == [WHY]

    @pytest.mark.parametrize("kind", ["user", "account", "everything", "everythin"])
    def test_know_nothing_else_that_could_be_paused(self, kind, ann):
        assert logged_in(ann).post(f"/admin/sms/pause/{kind}/1/", {"because": WHY}).status_code in (302, 404)
        assert not Pause.objects.exists()

    def test_try_nothing_out_while_the_sender_is_paused(self, ann):
        template = factories.TemplateFactory(name="price", body="Nine.", owner=ann)
        switches.pause(None, WHY, "ann")

        page = logged_in(ann).get(reverse("admin:sms_smstemplate_try", args=[template.pk])).text

        assert f"No test can be sent yet. All texts are paused by ann: {WHY}" in page


def command(*words: str) -> str:
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


class TestTheCommandLine:
    def test_pauses_all_and_lets_all_go_on(self, door, campaign):
        assert command("pause_all", "--reason", "Wrong texts").startswith("All texts are paused; 0 wait.")
        assert "Nothing is changed. All texts are paused by the command line: Wrong texts" in command(
            "pause_all", "--reason", "Again"
        )
        assert door().json()["code"] == "paused"

        switches.pause(campaign, WHY, "olive")
        said = command("resume_all")
        assert said.splitlines() == [
            "Texts are sent again, with what has waited.",
            f"Still paused: The campaign “{campaign}” is paused by olive: {WHY}",
        ]
        assert command("resume_all").startswith("Not everything was paused")

    def test_asks_for_a_reason(self, db):
        with pytest.raises(CommandError):
            command("pause_all", "--reason", " ")
        assert not Pause.objects.exists()


def test_a_template_that_is_deleted_leaves_no_switch(db):
    template = factories.TemplateFactory(is_active=False)
    pk = template.pk

    template.delete()

    assert SmsTemplate.objects.filter(pk=pk).count() == 0
    assert switches.scope_of(SmsTemplate(pk=pk)) not in _switched_off()


def _switched_off() -> set[str]:
    return set(SwitchedOff.objects.values_list("scope", flat=True))
