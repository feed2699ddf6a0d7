"""Handing over what somebody owns: said before, done once, and nobody's account begins to send unawares."""

from __future__ import annotations

import re
import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from builder.models import SmsAction, Topic
from campaigns import ownership, tools
from campaigns.models import Campaign
from sms.models import SmsTemplate, UserProfile
from tests import factories
from tests.factories import MessageFactory


@pytest.fixture
def olive(db):
    return factories.UserFactory(username="olive", role="Ops")


@pytest.fixture
def bob(db):
    bob = factories.UserFactory(username="bob", role="Ops")
    UserProfile.objects.filter(user=bob).update(
        twilio_account_sid="AC" + "b" * 32,
        twilio_from="+13125550177",
        senders={"+13125550177": "", "+13125550178": ""},
    )
    return User.objects.get(pk=bob.pk)


@pytest.fixture
def ann(db):
    return factories.UserFactory(username="ann", role="Admin")


@pytest.fixture
def way(olive):
    return factories.TemplateFactory(name="way", body="48 Mill Lane.", owner=olive, is_shared=True)


@pytest.fixture
def world(olive, way):
    """All that Olive owns."""
    action = factories.ActionFactory(name="note", owner=olive)
    topic = factories.TopicFactory(name="Finding us", actions="Call {{way}}.", owner=olive)
    campaign = factories.CampaignFactory(name="Day line", owner=olive)
    campaign.topics.add(topic)
    factories.AttachmentFactory(campaign=campaign, action=action)
    return [way, action, topic, campaign]


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(owner) -> str:
    return reverse("admin:auth_user_hand_over", args=[owner.pk])


def keys(*things) -> list[str]:
    return [ownership.key(thing) for thing in things]


def hand_over(user, owner, to, *things):
    """Look at what changes, and do it."""
    client, data = logged_in(user), {"to": to.pk, "things": keys(*things)}
    page = client.post(url(owner), data)
    assert page.status_code == 200, page
    digest = re.search(r'name="_digest" value="([0-9a-f]{64})"', page.text)
    return page.text, client.post(url(owner), {**data, "_digest": digest[1]}) if digest else None


def owners() -> set[str]:
    return {
        str(thing.owner)
        for kind in (SmsTemplate, SmsAction, Topic, Campaign)
        for thing in kind.objects.select_related("owner")
    }


def sent(campaign) -> dict[str, str]:
    return {tool.name: tool.obstacle for tool in tools.of(Campaign.objects.get(pk=campaign.pk))}


class TestAnAdmin:
    def test_hands_over_all_that_somebody_owns_and_it_goes_on(self, ann, bob, olive, world):
        User.objects.filter(pk=olive.pk).update(is_active=False)
        assert "olive is deactivated" in sent(world[3])["way"]

        page, response = hand_over(ann, olive, bob, *world)

        assert "“way” is sent again." in page and "“note” is sent again." in page
        assert response.status_code == 302
        assert owners() == {"bob"}
        assert sent(world[3]) == {"way": "", "note": ""}

    def test_sees_whose_account_sends_it_from_where_before_anything_changes(self, ann, bob, olive, way):
        page = logged_in(ann).post(url(olive), {"to": bob.pk, "things": keys(way)}).text

        assert "Sent by bob&#x27;s Twilio account, in place of olive&#x27;s." in page
        assert "From +13125550177, in place of +13125550142." in page
        assert owners() == {"olive"}

    def test_resets_a_from_that_the_new_account_does_not_have_and_says_so(self, ann, bob, olive, way):
        SmsTemplate.objects.update(sender="+13125550150")

        page, _ = hand_over(ann, olive, bob, way)

        assert "The account is not known to have +13125550150, so the default is used." in page
        assert SmsTemplate.objects.get().sender == ""

    @pytest.mark.parametrize("sender", ["+13125550178", "Midcall"])
    def test_keeps_one_that_it_has_or_that_belongs_to_no_account(self, ann, bob, olive, way, sender):
        SmsTemplate.objects.update(sender=sender)

        hand_over(ann, olive, bob, way)

        assert SmsTemplate.objects.get().sender == sender

    def test_sees_that_it_could_not_be_sent_then(self, ann, bob, olive, way):
        UserProfile.objects.filter(user=bob).update(twilio_auth_token=None)

        page = logged_in(ann).post(url(olive), {"to": bob.pk, "things": keys(way)}).text

        assert "cannot be sent then" in page and "has no Twilio credentials on their profile" in page

    def test_sees_where_it_stops(self, ann, bob, olive, world):
        page = logged_in(ann).post(url(olive), {"to": bob.pk, "things": keys(world[1])}).text

        assert "Day line" in page and "“note” stops: “note” belongs to bob, who does not share it" in page

    def test_is_told_of_a_name_that_is_taken(self, ann, bob, olive, world):
        factories.ActionFactory(name="note", owner=bob)

        page, response = hand_over(ann, olive, bob, *world)

        assert "bob has an SMS action called “note” already. Rename one of the two first." in page
        assert response is None and "olive" in owners()

    def test_does_what_was_shown_or_shows_it_anew(self, ann, bob, olive, way):
        client, data = logged_in(ann), {"to": bob.pk, "things": keys(way)}
        digest = re.search(r'"_digest" value="(\w+)"', client.post(url(olive), data).text)[1]
        UserProfile.objects.filter(user=bob).update(twilio_from="+13125550178")

        page = client.post(url(olive), {**data, "_digest": digest}).text

        assert "Something changed meanwhile. This is what would happen now." in page
        assert "From +13125550178, in place of" in page and owners() == {"olive"}

    def test_is_told_that_somebody_was_faster(self, ann, bob, olive, way):
        stale = SmsTemplate.objects.select_related("owner").get()
        SmsTemplate.objects.update(owner=ann)

        plan = ownership.hand_over([stale], bob, ann, lambda plan: True)

        assert plan.errors == ["“way” does not belong to olive any more: somebody was faster."]
        assert not plan.is_done and owners() == {"ann"}

    def test_hands_nothing_to_whoever_could_not_have_added_it(self, ann, olive, way):
        viewer = factories.UserFactory(role="Viewer")
        gone = factories.UserFactory(role="Ops", is_active=False)

        for user in (viewer, gone, olive):
            page = logged_in(ann).post(url(olive), {"to": user.pk, "things": keys(way)}).text
            assert "Select a valid choice" in page
        assert owners() == {"olive"}


class TestAnOwner:
    def test_gives_away_what_is_theirs_and_it_arrives_switched_off(self, olive, bob, way):
        page, response = hand_over(olive, olive, bob, way)

        assert (
            "It arrives switched off, until bob switches it on." in page
            and "It is not shared any more." in page
        )
        assert response.status_code == 302
        given = SmsTemplate.objects.get()
        assert (given.owner, given.is_active, given.is_shared) == (bob, False, False)

    def test_does_not_give_away_a_campaign_with_all_that_it_may_send(self, olive, bob, world):
        page = logged_in(olive).post(url(olive), {"to": bob.pk, "things": keys(world[3])}).text

        assert "Select a valid choice" in page and owners() == {"olive"}

    def test_hands_over_nothing_of_others(self, olive, bob, way):
        client = logged_in(bob)

        assert client.get(url(olive)).status_code == 403
        assert client.post(url(olive), {"to": bob.pk, "things": keys(way)}).status_code == 403
        page = client.post(url(bob), {"to": olive.pk, "things": keys(way)}).text
        assert "Hand over to" not in page and owners() == {"olive"}

    def test_finds_the_way_on_the_page_of_the_thing(self, olive, bob, ann, world):
        for thing, may in zip(world, (True, True, True, False), strict=True):
            page = reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
            way = f"{url(olive)}?thing={ownership.key(thing)}"
            assert (way in logged_in(olive).get(page).text) is may
            assert way in logged_in(ann).get(page).text
            assert way not in logged_in(bob).get(page).text
            assert "It belongs to olive." in logged_in(bob).get(page).text


class TestAUserWhoLeaves:
    def test_is_shown_with_what_they_own(self, ann, olive, world):
        page = reverse("admin:auth_user_change", args=[olive.pk])

        assert (
            "olive owns 1 SMS template, 1 SMS action, 1 managed topic, 1 campaign."
            in logged_in(ann).get(page).text
        )
        data = {"username": "olive", "role": "Ops"}
        saved = logged_in(ann).post(page, data, follow=True).text
        assert "Nothing is sent for olive any more, and what they own waits: 1 SMS template" in saved
        assert url(olive) in saved

    def test_is_not_deleted_while_they_own_something(self, ann, olive, world):
        page = reverse("admin:auth_user_delete", args=[olive.pk])

        shown = logged_in(ann).get(page).text
        assert "olive cannot be deleted" in shown and url(olive) in shown
        logged_in(ann).post(page, {"post": "yes"})
        assert User.objects.filter(pk=olive.pk).exists()

    def test_nor_once_texts_were_sent_for_them(self, ann, olive, django_assert_max_num_queries):
        MessageFactory.create_batch(3, profile=olive.sms_profile)
        client, page = logged_in(ann), reverse("admin:auth_user_delete", args=[olive.pk])

        with django_assert_max_num_queries(30):
            shown = client.get(page).text

        assert "Texts were sent for olive, and stay on record: deactivate them instead." in shown

    def test_is_deleted_if_they_never_did_anything(self, ann):
        carol = factories.UserFactory(username="carol", profile=None)

        logged_in(ann).post(reverse("admin:auth_user_delete", args=[carol.pk]), {"post": "yes"})

        assert not User.objects.filter(username="carol").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_hands_it_over():
    olive, ann, first, second = (
        factories.UserFactory(username=name, role=role)
        for name, role in (("olive", "Ops"), ("ann", "Admin"), ("bob", "Ops"), ("carol", "Ops"))
    )
    factories.TemplateFactory(name="way", body="48 Mill Lane.", owner=olive)
    things = {user: SmsTemplate.objects.select_related("owner").get() for user in (first, second)}
    start = threading.Barrier(2)
    plans = {}

    def work(to) -> None:
        try:
            start.wait()
            plans[to] = ownership.hand_over([things[to]], to, ann, lambda plan: True)
        finally:
            database.close()

    threads = [threading.Thread(target=work, args=[to]) for to in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    [winner] = [to for to, plan in plans.items() if plan.is_done]
    assert SmsTemplate.objects.get().owner == winner
