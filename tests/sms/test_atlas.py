"""The page of Atlas: what is configured, whether it works, and who may send with it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from sms.models import AtlasCheck, AtlasDay, UserProfile
from tests import factories
from tests.conftest import ATLAS_SID, ATLAS_TOKEN
from tests.processes import request as ask

PAGE = reverse("admin:sms_userprofile_atlas")
CHECK = reverse("admin:sms_userprofile_atlas_check")

pytestmark = pytest.mark.django_db


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ada(db):
    """Ada looks after what belongs to others."""
    return factories.UserFactory(username="ada", role="Admin")


@pytest.fixture
def pete(db):
    """Pete writes texts."""
    return factories.UserFactory(username="pete", role="Ops")


@pytest.fixture
def account(carrier):
    """The operator's account at the carrier, as a function that changes it."""

    def change(**fields) -> None:
        status, answer = ask(f"{carrier.url}/simulator/accounts", "POST", {"sid": ATLAS_SID, **fields})
        assert status == 200, answer

    accounts = ask(f"{carrier.url}/simulator/accounts")[1]
    [found] = [each for each in accounts if each["sid"] == ATLAS_SID]
    yield change
    change(**{name: found[name] for name in ("friendly_name", "numbers", "services", "status")})


class TestWithoutAtlas:
    def test_an_admin_reads_what_to_put_into_the_environment(self, ada, settings):
        settings.ATLAS_ACCOUNT_SID = ""

        page = logged_in(ada).get(PAGE).text

        assert "Atlas is not set up" in page and "ATLAS_AUTH_TOKEN=" in page and "Check now" not in page

    def test_others_read_whom_to_ask(self, pete, settings):
        settings.ATLAS_ACCOUNT_SID = ""

        page = logged_in(pete).get(PAGE).text

        assert "ask whoever runs this installation" in page and "ATLAS_AUTH_TOKEN" not in page

    def test_a_check_asks_nobody(self, ada, settings):
        settings.ATLAS_ACCOUNT_SID = ""

        logged_in(ada).post(CHECK)

        assert not AtlasCheck.objects.exists()


class TestChecking:
    def test_says_that_it_works_with_when_and_who(self, ada, account):
        account(numbers=[{"phone_number": "+13125550100"}])

        page = logged_in(ada).post(CHECK, follow=True).text

        assert "Atlas works." in page and "by ada" in page and "not checked yet" not in page
        assert "The account may text from +13125550100." in page
        assert "can be looked up" in page
        assert ATLAS_SID in page and ATLAS_TOKEN not in page

    def test_names_the_variable_that_is_wrong(self, ada, carrier, settings):
        settings.ATLAS_AUTH_TOKEN = "0" * 32

        page = logged_in(ada).post(CHECK, follow=True).text

        assert "ATLAS_AUTH_TOKEN" in page and "does not accept this token" in page
        assert not AtlasCheck.last().works

    def test_says_that_an_account_is_suspended(self, ada, account):
        account(status="suspended")

        assert "sends nothing" in logged_in(ada).post(CHECK, follow=True).text

    def test_says_that_the_from_is_not_the_accounts(self, ada, account):
        account(numbers=[{"phone_number": "+13125550199"}], services=[])

        page = logged_in(ada).post(CHECK, follow=True).text

        assert "The account may not text from +13125550100: set ATLAS_FROM" in page

    def test_a_carrier_that_does_not_answer_is_no_wrong_setting(self, ada, carrier, settings):
        settings.TWILIO_API_URL = "http://127.0.0.1:9"

        page = logged_in(ada).post(CHECK, follow=True).text

        assert "could not be reached" in page and "not known" in page

    def test_what_was_found_is_forgotten_with_another_setting(self, ada, account, settings):
        logged_in(ada).post(CHECK)
        settings.ATLAS_FROM = "+13125550111"

        assert "not checked yet" in logged_in(ada).get(PAGE).text

    def test_is_for_admins(self, pete, carrier):
        assert logged_in(pete).post(CHECK).status_code == 403
        assert not AtlasCheck.objects.exists()


class TestWhoMaySend:
    def test_others_read_whether_it_is_enabled_for_them_and_of_nobody_else(self, ada, pete, carrier):
        page = logged_in(pete).get(PAGE).text
        assert "Atlas is enabled for you" in page
        assert "ada" not in page and ATLAS_SID not in page

        UserProfile.objects.filter(user=pete).update(atlas_enabled=False)
        assert "Atlas is not enabled for you" in logged_in(pete).get(PAGE).text

    def test_it_is_offered_to_nobody_who_sends_nothing(self, carrier):
        viewer = factories.UserFactory(role="Viewer")

        assert "enabled for you" not in logged_in(viewer).get(PAGE).text

    def test_who_may_do_nothing_sees_nothing(self, carrier):
        nobody = factories.UserFactory(username="nobody", is_staff=True)

        assert logged_in(nobody).get(PAGE).status_code == 403

    def test_an_admin_enables_and_disables(self, ada, pete, carrier):
        url = reverse("admin:sms_userprofile_atlas_enable", args=[pete.pk])

        page = logged_in(ada).post(url, {"enable": "no"}, follow=True).text
        assert "pete may no longer send with Atlas" in page
        assert not UserProfile.objects.get(user=pete).atlas_enabled
        logged_in(ada).post(url, {"enable": "yes"})
        assert UserProfile.objects.get(user=pete).atlas_enabled

    def test_each_stands_there_with_their_role(self, ada, pete, carrier):
        factories.UserFactory(username="vera", role="Viewer")

        page = " ".join(re.sub(r"<[^>]*>", " ", logged_in(ada).get(PAGE).text).split())

        assert "vera enabled Viewer" in page

    def test_a_user_without_a_profile_gets_one(self, ada, carrier):
        new = User.objects.create_user("new", is_staff=True)

        logged_in(ada).post(reverse("admin:sms_userprofile_atlas_enable", args=[new.pk]), {"enable": "no"})

        assert not UserProfile.objects.get(user=new).atlas_enabled

    def test_nobody_else_decides_and_an_admin_not_on_a_superuser(self, ada, pete, carrier):
        root = factories.UserFactory(username="root", is_staff=True, is_superuser=True)

        for who, whom in ((pete, pete), (pete, ada), (ada, root)):
            url = reverse("admin:sms_userprofile_atlas_enable", args=[whom.pk])
            assert logged_in(who).post(url, {"enable": "no"}).status_code == 403
        assert UserProfile.objects.filter(atlas_enabled=False).count() == 0

    def test_a_look_changes_nothing(self, ada, pete, carrier):
        logged_in(ada).get(reverse("admin:sms_userprofile_atlas_enable", args=[pete.pk]))
        logged_in(ada).get(CHECK)

        assert UserProfile.objects.get(user=pete).atlas_enabled and not AtlasCheck.objects.exists()

    def test_the_cap_stands_beside_what_is_used_of_it_today(self, ada, pete, carrier, settings):
        settings.ATLAS_MAX_PER_DAY = 3
        AtlasDay.take(pete.pk)
        AtlasDay.take(pete.pk)

        assert "2 of 3 today" in logged_in(ada).get(PAGE).text
        assert "<dd>2 of 3</dd>" in logged_in(pete).get(PAGE).text
