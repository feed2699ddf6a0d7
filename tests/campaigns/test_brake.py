"""The brake trips on a jump in texts, in failures and to one country, and not on ordinary growth."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import alarms, brake, switches
from campaigns.models import Alarm, Brake, Notice, Span
from sms import outbox
from sms.models import Message, Pause, State
from tests import factories
from tests.factories import ACCOUNT_SID, PromiseFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def quick(campaign):
    """A campaign whose brake counts in tens, so that a test need not promise hundreds."""
    Brake.objects.create(campaign=campaign, texts=20, texts_abroad=4, failed=6, failed_percent=50)
    return campaign


def promised(campaign, texts, age=timedelta(0), **fields):
    """Texts that a campaign promised so long ago; `fields` are what became of them."""
    scopes = [switches.scope_of(campaign), "action:1"]
    country = fields.pop("country", "US")
    account_sid = fields.pop("account_sid", ACCOUNT_SID)
    found = []
    for _ in range(texts):
        promise = PromiseFactory(scopes=scopes, country=country, account_sid=account_sid)
        outbox.accept(promise)
        found.append(promise.id)
    Message.objects.filter(pk__in=found).update(created_at=timezone.now() - age, **fields)


def usually(campaign, texts, country="US", spans=6):
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number in range(1, spans + 1):
        begins = now - timedelta(hours=number)
        Span.objects.create(campaign=campaign, begins=begins, country=country, texts=texts)


def reasons():
    return [pause.because for pause in brake.watch()]


class TestAJump:
    def test_in_texts_trips_it_with_the_figures_in_words(self, quick):
        usually(quick, 3)
        promised(quick, 21)

        assert reasons() == ["21 texts in 10 minutes, usual is 3."]
        pause = Pause.objects.get()
        assert (pause.scope, pause.by, pause.who) == (switches.scope_of(quick), "", "the automatic brake")

    def test_is_not_usual_because_the_clock_shows_the_next_ten_minutes(self, quick):
        promised(quick, 21)
        Span.objects.create(
            campaign=quick, begins=timezone.now() - timedelta(minutes=10), country="US", texts=21
        )

        assert reasons() == ["21 texts in 10 minutes, and none is usual yet."]

    def test_to_one_other_country_trips_it(self, quick):
        promised(quick, 10)
        promised(quick, 5, country="JM")

        assert reasons() == ["5 texts to JM in 10 minutes, and none is usual yet."]

    def test_in_failures_trips_it(self, quick):
        promised(quick, 5, state=State.DELIVERED)
        promised(quick, 4, state=State.FAILED)
        promised(quick, 2, state=State.UNDELIVERED)

        assert reasons() == ["6 of 11 texts failed in 10 minutes."]

    def test_in_failures_of_an_account_pauses_that_account_whichever_campaigns_it_sends_for(self, quick):
        Alarm.objects.create(pk=1, failed=8, failed_percent=50)
        other = factories.CampaignFactory(owner=quick.owner)
        promised(quick, 4, state=State.FAILED)
        promised(other, 4, state=State.FAILED)
        promised(other, 9, account_sid="AC" + "9" * 32)

        assert reasons() == ["8 of 8 texts failed in 10 minutes."]
        assert Pause.objects.get().scope == f"account:{ACCOUNT_SID}"

    def test_is_noticed_in_one_campaign_and_stops_no_other(self, quick):
        promised(quick, 21)
        promised(factories.CampaignFactory(), 21)

        assert len(brake.watch()) == 1

    def test_stops_the_next_call(self, quick, connection, action, door):
        promised(quick, 21)
        brake.watch()

        assert door().json()["code"] == "paused"


class TestOrdinaryGrowth:
    def test_does_not_trip_it(self, quick):
        usually(quick, 10)
        usually(quick, 2, country="JM")
        promised(quick, 40)
        promised(quick, 9, country="JM")
        promised(quick, 5, state=State.FAILED)

        assert reasons() == []

    def test_of_a_small_shop_is_no_jump(self, campaign):
        usually(campaign, 1)
        promised(campaign, 15)
        promised(campaign, 15, country="MX")
        promised(campaign, 5, state=State.FAILED)

        assert reasons() == []

    def test_is_counted_in_ten_minutes_and_not_in_tests(self, quick):
        promised(quick, 30, age=timedelta(minutes=11))
        promised(quick, 30, tested_by="olive")

        assert reasons() == []

    def test_does_not_trip_one_that_is_off(self, quick):
        Brake.objects.update(is_on=False)
        Alarm.objects.create(pk=1, is_on=False)
        promised(quick, 60, state=State.FAILED)

        assert reasons() == []


class TestOnceItHasTripped:
    def test_it_does_not_trip_again_while_the_pause_lasts(self, quick):
        promised(quick, 21)

        assert len(brake.watch()) == 1
        assert brake.watch() == []
        assert Notice.objects.count() == 1

    def test_a_person_resets_it_and_the_same_figures_do_not_trip_it_again(self, quick):
        promised(quick, 21, age=timedelta(minutes=1))
        [pause] = brake.watch()
        switches.resume(pause, "olive")

        assert brake.watch() == []

        # As many are usual from now on, since a person let them go on.
        promised(quick, 60)
        assert brake.watch() == []
        promised(quick, 46)
        assert reasons() == ["106 texts in 10 minutes, usual is 21."]

    def test_what_is_usual_is_counted_once_for_each_ten_minutes(self, quick):
        now = timezone.now()
        begins = now - timedelta(
            minutes=10 + now.minute % 10, seconds=now.second, microseconds=now.microsecond
        )
        promised(quick, 3)
        promised(quick, 2, country="JM")
        Message.objects.update(created_at=begins + timedelta(minutes=1))

        brake.watch()
        promised(quick, 3)
        Message.objects.update(created_at=begins + timedelta(minutes=1))
        brake.watch()

        assert sorted(Span.objects.values_list("begins", "country", "texts")) == [
            (begins, "JM", 2),
            (begins, "US", 3),
        ]


class TestPeople:
    @pytest.fixture
    def tripped(self, quick):
        factories.UserFactory(username="ann", role="Admin", email="ann@example.com")
        factories.UserFactory(username="bob", role="Ops", email="bob@example.com")
        quick.owner.email = "olive@example.com"
        quick.owner.save()
        promised(quick, 21)
        [pause] = brake.watch()
        return pause

    def test_are_told_once_whose_it_is_and_all_admins(self, tripped, mailoutbox):
        for _ in range(3):
            brake.watch()
            alarms.tell()

        [mail] = mailoutbox
        assert sorted(mail.to) == ["ann@example.com", "olive@example.com"]
        assert "21 texts in 10 minutes" in mail.body
        assert f"/admin/sms/pause/{tripped.pk}/change/" in mail.body

    def test_see_where_nobody_would_be_told(self, tripped, quick, settings):
        client = Client()
        client.force_login(User.objects.get(username="ann"))
        pages = [
            reverse("admin:campaigns_campaign_brake", args=[quick.pk]),
            reverse("admin:sms_pause_change", args=[tripped.pk]),
            reverse("admin:campaigns_alarm_change", args=[1]),
        ]

        def shown(words):
            return [words in client.get(page).text for page in pages]

        nobody = "Nobody who would be told has an e-mail address"
        assert shown(nobody) == [False, False, False]
        User.objects.filter(username="ann").update(email="")
        assert shown(nobody) == [False, False, True]
        User.objects.update(email="")
        assert shown(nobody) == [True, True, True]
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        assert shown("has not set EMAIL_URL") == [True, True, True]

    def test_see_the_figures_on_the_campaigns_page(self, quick):
        usually(quick, 3)
        promised(quick, 7)
        promised(quick, 2, country="JM")
        client = Client()
        client.force_login(factories.UserFactory(role="Viewer"))

        shown = client.get(reverse("admin:campaigns_campaign_change", args=[quick.pk])).text
        assert "Texts, last 10 minutes" in shown and "<strong>9</strong>, usual is 3" in shown
        page = client.get(reverse("admin:campaigns_campaign_brake", args=[quick.pk])).text
        assert "Pauses the campaign at more than 20." in page
        assert "Texts to JM" in page
        assert "Only olive and Admins change this." in page

    def test_change_the_thresholds_and_switch_it_off(self, quick):
        client = Client()
        client.force_login(factories.UserFactory(role="Admin"))
        url = reverse("admin:campaigns_campaign_brake", args=[quick.pk])
        wanted = {"times_usual": 3, "texts": 50, "texts_abroad": 5, "failed_percent": 40, "failed": 9}

        refused = client.post(url, {**wanted, "failed_percent": 101, "texts": 0})
        assert refused.status_code == 200 and "less than or equal to 100" in refused.text
        assert client.post(url, wanted).status_code == 302

        stored = Brake.objects.get()
        assert {name: getattr(stored, name) for name in wanted} == wanted
        assert not stored.is_on
        history = client.get(reverse("admin:campaigns_campaign_history", args=[quick.pk])).text
        assert "Automatic brake" in history
