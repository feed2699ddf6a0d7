"""Manage Tools: attaching and detaching, what is said before and after, and who did it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import ProgrammingError, connection, transaction

from campaigns.models import ToolAttachment, ToolChange
from tests import factories
from tests.campaigns.managing import (
    allow,
    attached,
    change_url,
    logged_in,
    opened,
    save,
    url,
    words_of,
)

WHY_HELD = "The A2P 10DLC registration is missing: US carriers refuse this number."


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob manages campaigns and sees SMS actions; each test says what else he may do."""
    bob = factories.UserFactory(username="bob", is_staff=True)
    allow(bob, "view_campaign", "change_campaign", "view_smsaction")
    return bob


@pytest.fixture
def line(ann):
    """Ann's campaign, with one action attached."""
    campaign = factories.CampaignFactory(name="Booking line", owner=ann)
    ToolAttachment.attach(campaign, [factories.ActionFactory(name="booking_link", owner=ann)], ann)
    return campaign


@pytest.fixture
def booking_link(line):
    return line.actions.get()


@pytest.fixture
def receipt(ann):
    return factories.ActionFactory(name="receipt", owner=ann)


class TestSaving:
    def test_attaches_at_once_and_says_so(self, ann, line, booking_link, receipt):
        page = save(ann, line, [booking_link, receipt], shown=[booking_link]).text

        assert attached(line) == {"booking_link", "receipt"}
        assert "receipt attached. Agents see it from their next call of the tools list" in page

    def test_says_that_nothing_goes_where_the_campaign_is_off(self, ann, line, booking_link, receipt):
        line.is_active = False
        line.save()

        page = save(ann, line, [booking_link, receipt], shown=[booking_link]).text

        assert "The campaign is switched off: until it is on, nothing is sent." in page

    def test_of_nothing_new_changes_nothing(self, ann, line, booking_link):
        before = ToolChange.objects.count()

        assert "Nothing was changed." in save(ann, line, [booking_link], shown=[booking_link]).text
        assert ToolChange.objects.count() == before

    def test_asks_before_it_detaches(self, ann, line, booking_link, receipt):
        page = save(ann, line, [receipt], shown=[booking_link]).text

        assert "Save these changes?" in page
        assert attached(line) == {"booking_link"}

        page = save(ann, line, [receipt], shown=[booking_link], _confirmed="1").text

        assert attached(line) == {"receipt"}
        assert "receipt attached; booking_link detached." in page

    def test_goes_back_to_the_selection_with_all_that_was_chosen(self, ann, line, booking_link, receipt):
        page = save(ann, line, [receipt], shown=[booking_link], _back="1", q="rec").text

        assert f'id="action-{receipt.pk}" aria-labelledby="name-{receipt.pk}"' in page
        assert re.search(rf'value="{receipt.pk}" id="action-\d+"[^>]* checked>', page)
        assert not re.search(rf'value="{booking_link.pk}" id="action-\d+"[^>]* checked>', page)
        assert attached(line) == {"booking_link"}

    def test_refuses_two_of_one_name_before_it_asks(self, ann, line, booking_link, bob):
        theirs = factories.ActionFactory(name="Receipt", owner=bob, is_shared=True)
        mine = factories.ActionFactory(name="receipt", owner=ann)

        page = save(ann, line, [mine, theirs], shown=[booking_link]).text

        assert "the SMS action “Receipt” of bob and the SMS action “receipt” of ann" in page
        assert attached(line) == {"booking_link"}

    @pytest.mark.parametrize("nonsense", ["x", "9" * 30, "-1"])
    def test_of_ids_that_are_none_changes_nothing(self, ann, line, nonsense):
        response = logged_in(ann).post(url(line), {"actions": [nonsense], "shown": nonsense})

        assert response.status_code == 200
        assert attached(line) == {"booking_link"}

    def test_what_is_gone_meanwhile_is_said_and_the_rest_stays_chosen(self, ann, line, booking_link, receipt):
        other = factories.ActionFactory(name="other", owner=ann)
        gone = other.pk
        other.delete()

        response = logged_in(ann).post(
            url(line), {"actions": [booking_link.pk, receipt.pk, gone], "shown": booking_link.pk}
        )

        assert f"{gone} is not one of the available choices: it was deleted" in response.text
        assert response.text.count(" checked>") == 2
        assert attached(line) == {"booking_link"}


class TestDetaching:
    @pytest.fixture
    def mentioned(self, line):
        line.instructions = "You are warm and brief.\nOffer booking_link to everybody who asks."
        line.save()
        finding = factories.TopicFactory(
            name="Finding us", content="Mill Lane 48.", actions="If they agree, call {{booking_link}}."
        )
        closed = factories.TopicFactory(
            name="Closed", content="Booking_Link works then, too.", is_active=False
        )
        other = factories.TopicFactory(name="Other", content="a_booking_link, booking_links, my-booking_link")
        line.topics.add(finding, closed, other)
        factories.TopicFactory(name="Elsewhere", content="booking_link")
        return line

    def test_says_what_still_mentions_it_and_where(self, ann, mentioned, booking_link):
        page = save(ann, mentioned, [], shown=[booking_link]).text

        words = words_of(page)
        assert "The campaign's instructions" in words
        assert "Offer booking_link to everybody who asks." in words
        assert "The Actions of the topic “Finding us”" in words
        assert "If they agree, call {{booking_link}}." in words
        assert "The Content of the topic “Closed”, which is switched off" in words
        assert "“Other”" not in words and "Elsewhere" not in words
        for topic in mentioned.topics.exclude(name="Other"):
            assert f'href="{change_url(topic)}"' in page

    def test_counts_topics_that_somebody_may_not_see(self, bob, mentioned, booking_link):
        page = save(bob, mentioned, [], shown=[booking_link]).text

        assert "2 managed topics that you may not see" in page
        assert "Finding us" not in page and "Mill Lane" not in page

    def test_says_too_that_nothing_mentions_it(self, ann, line, booking_link):
        assert "No topic of this campaign mentions it" in save(ann, line, [], shown=[booking_link]).text

    def test_tells_whoever_could_not_attach_it_again(self, ann, bob, line, booking_link):
        assert "you cannot attach it again" in save(bob, line, [], shown=[booking_link]).text
        assert "you cannot attach it again" not in save(ann, line, [], shown=[booking_link]).text


class TestTwoAtOnce:
    def test_the_later_one_is_told_and_undoes_nothing(self, ann, bob, line, booking_link, receipt):
        survey = factories.ActionFactory(name="survey", owner=bob, is_shared=True)
        save(bob, line, [survey], shown=[booking_link], _confirmed="1")

        page = save(ann, line, [booking_link, receipt], shown=[booking_link], _confirmed="1").text

        assert "bob detached “booking_link” and bob attached “survey”" in page
        assert attached(line) == {"survey"}
        checked = re.findall(r'value="(\d+)" id="action-\d+"[^>]* checked>', page)
        assert set(map(int, checked)) == {survey.pk, receipt.pk}

        save(ann, line, [survey, receipt], shown=[survey])

        assert attached(line) == {"survey", "receipt"}

    def test_what_was_changed_by_other_means_is_found_too(self, ann, line, booking_link):
        ToolAttachment.objects.all().delete()

        page = save(ann, line, [booking_link], shown=[booking_link]).text

        assert "somebody detached “booking_link”" in page and not attached(line)

    @pytest.mark.django_db(transaction=True)
    def test_of_many_in_one_instant_one_is_saved(self, ann, line, booking_link):
        actions = [factories.ActionFactory(name=f"a{number}", owner=ann) for number in range(6)]
        clients = [logged_in(ann) for _ in actions]

        def press(number: int) -> int:
            try:
                chosen = {"actions": [booking_link.pk, actions[number].pk], "shown": booking_link.pk}
                return clients[number].post(url(line), chosen).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(len(actions)) as pool:
            answers = list(pool.map(press, range(len(actions))))

        assert sorted(answers) == [200] * 5 + [302]
        assert line.actions.count() == 2


class TestChanges:
    def test_say_who_did_what_the_newest_first(self, ann, bob, line, booking_link, receipt):
        save(ann, line, [booking_link, receipt], shown=[booking_link])
        save(bob, line, [booking_link], shown=[booking_link, receipt], _confirmed="1")

        page = words_of(opened(ann, line))

        places = [page.index(words) for words in ("bob detached receipt of ann", "ann attached receipt")]
        assert places == sorted(places)

    def test_stay_when_their_author_and_their_action_are_gone(self, ann, bob, line, booking_link):
        theirs = factories.ActionFactory(name="survey", owner=ann)
        save(bob, line, [booking_link, theirs], shown=[booking_link])
        ToolAttachment.detach(line, [theirs], bob)
        theirs.delete()
        bob.sms_profile.delete()
        bob.delete()

        page = words_of(opened(ann, line))

        assert "bob detached survey of ann" in page

    def test_are_paged(self, ann, line, booking_link):
        for _ in range(6):
            ToolAttachment.detach(line, [booking_link], ann)
            ToolAttachment.attach(line, [booking_link], ann)

        assert "Page 1 of 2" in opened(ann, line)
        assert "Page 2 of 2" in opened(ann, line, changes=2)

    def test_are_changed_by_nobody(self, line):
        with pytest.raises(ProgrammingError, match="never changed"), transaction.atomic():
            ToolChange.objects.update(by="somebody else")
