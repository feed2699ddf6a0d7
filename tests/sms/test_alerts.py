"""Who is told when a sender is held back."""

from __future__ import annotations

import pytest

from sms import outbox
from sms.alerts import tell_owners_of_held_senders
from sms.models import UserProfile
from sms.providers import codes
from tests.factories import ACCOUNT_SID, MessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def held():
    message = MessageFactory()
    owner = UserProfile.objects.get(pk=message.profile_id).user
    owner.email = "olive@example.com"
    owner.save()
    outbox.hold(ACCOUNT_SID, None, codes.meaning(20003).plain, 20003)
    return owner


def test_the_owner_is_told_once_what_is_wrong_and_how_to_mend_it(held, mailoutbox):
    tell_owners_of_held_senders()
    tell_owners_of_held_senders()

    [mail] = mailoutbox
    assert mail.to == ["olive@example.com"]
    assert "Twilio does not accept the Account SID and Auth Token." in mail.body
    assert "Enter the credentials again under Account > My profile." in mail.body


def test_a_sender_that_is_held_again_is_told_again(held, mailoutbox):
    tell_owners_of_held_senders()
    outbox.release(ACCOUNT_SID)
    outbox.hold(ACCOUNT_SID, None, codes.meaning(20003).plain, 20003)

    tell_owners_of_held_senders()

    assert len(mailoutbox) == 2


def test_an_owner_without_an_address_is_in_the_log(held, mailoutbox, caplog):
    held.email = ""
    held.save()

    tell_owners_of_held_senders()

    assert mailoutbox == []
    assert "have no e-mail address" in caplog.text


def test_a_mail_server_that_is_down_stops_nothing(held, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    tell_owners_of_held_senders()
