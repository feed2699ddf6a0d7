"""Credentials that were entered while the provider did not answer are verified by themselves."""

from __future__ import annotations

import pytest

from sms.models import UserProfile
from sms.tasks import verify
from tests import factories
from tests.factories import AUTH_TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def profile(db):
    return factories.UserFactory(username="bob").sms_profile


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

    assert (stored(profile).verified_at, stored(profile).account_status) == (None, "")


def test_nobody_is_asked_about_a_profile_without_credentials(carrier):
    profile = factories.ProfileFactory(
        user=factories.UserFactory(profile=None), twilio_account_sid="", twilio_auth_token=None
    )

    verify()

    assert stored(profile).verified_at is None
