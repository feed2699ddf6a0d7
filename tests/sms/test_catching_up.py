"""Credentials that were entered while the provider did not answer are verified by themselves."""

from __future__ import annotations

import pytest

from sms.models import UserProfile
from sms.tasks import verify
from tests import factories
from tests.factories import AUTH_TOKEN
from tests.sms.test_admin import allow, logged_in, profile_data, profile_url

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(db):
    bob = factories.UserFactory(username="bob", is_staff=True)
    allow(bob, "change_userprofile")
    return bob.sms_profile


def stored(profile) -> UserProfile:
    return UserProfile.objects.get(pk=profile.pk)


def test_they_are_once_the_carrier_answers(profile, carrier):
    verify()

    found = stored(profile)
    assert found.verified_at is not None
    assert (found.account_status, found.may_list) == ("active", True)
    assert found.twilio_auth_token.reveal() == AUTH_TOKEN
    verify()
    assert stored(profile).verified_at == found.verified_at


def test_nothing_is_said_of_them_while_it_does_not(profile):
    verify()

    assert stored(profile).verified_at is None


def test_what_is_wrong_stays_unverified(profile, carrier):
    profile.twilio_auth_token = "0" * 32
    profile.save()

    verify()

    found = stored(profile)
    assert (found.verified_at, found.account_status) == (None, "")
    assert found.refused_because.startswith("Twilio does not accept this token for this account.")
    page = logged_in(profile.user).get(profile_url(profile.user)).text
    assert "not accepted by Twilio" in page and found.refused_because[:50] in page


def test_what_was_wrong_is_forgotten_once_the_carrier_accepts_it_or_another_is_entered(profile, carrier):
    wrong = UserProfile.objects.filter(pk=profile.pk)
    wrong.update(refused_because="The account is suspended at Twilio.")

    verify()

    assert stored(profile).refused_because == "" and stored(profile).verified_at

    wrong.update(refused_because="The account is suspended at Twilio.", verified_at=None)
    data = profile_data(profile.user, auth_token=AUTH_TOKEN)
    logged_in(profile.user).post(profile_url(profile.user), data)

    assert stored(profile).refused_because == "" and stored(profile).verified_at


def test_what_was_found_wrong_stays_said_while_the_carrier_does_not_answer(profile, settings):
    UserProfile.objects.update(refused_because="The account is suspended at Twilio.")

    verify()

    assert stored(profile).refused_because == "The account is suspended at Twilio."


def test_nobody_is_asked_about_a_profile_without_credentials(carrier):
    profile = factories.ProfileFactory(
        user=factories.UserFactory(profile=None), twilio_account_sid="", twilio_auth_token=None
    )

    verify()

    assert stored(profile).verified_at is None
