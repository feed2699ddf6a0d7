"""Credentials are verified with the carrier before they are stored; what it says is told in plain words."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from datetime import timedelta
from threading import Thread

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from sms import providers, verification
from sms.models import SmsTemplate, UserProfile
from sms.providers.base import VERIFY_SECONDS, Credential
from tests import factories
from tests.factories import ACCOUNT_SID, AUTH_TOKEN
from tests.processes import PATIENCE_SECONDS
from tests.processes import request as ask
from tests.sms.test_admin import allow, logged_in, profile_data, profile_url

KEY, SECRET = "SK" + "5" * 32, "the-secret-of-a-key"
SERVICE = "MG" + "1" * 32
OWNED, VOICE_ONLY, FOREIGN = "+13125550142", "+13125550188", "+13125550150"


@pytest.fixture
def account(carrier):
    """The carrier's account with two numbers and a Messaging Service, as a function that changes it."""

    def change(**fields) -> None:
        status, answer = ask(f"{carrier.url}/simulator/accounts", "POST", {"sid": ACCOUNT_SID, **fields})
        assert status == 200, answer

    accounts = ask(f"{carrier.url}/simulator/accounts")[1]
    [found] = [each for each in accounts if each["sid"] == ACCOUNT_SID]
    numbers = [
        {"phone_number": OWNED, "friendly_name": "(312) 555-0142"},
        {"phone_number": "+13125550177", "friendly_name": "Evenings"},
        {"phone_number": VOICE_ONLY, "friendly_name": "Voice only", "sms": False},
    ]
    services = [{"sid": SERVICE, "friendly_name": "Booking line"}]
    change(friendly_name="Olive & Thyme", numbers=numbers, services=services)
    yield change
    kept = {name: found[name] for name in ("friendly_name", "numbers", "services", "status")}
    change(**kept, keys=[], secondary_token=None)


@pytest.fixture
def bob(db):
    """Bob is staff, with credentials that nobody has verified."""
    bob = factories.UserFactory(username="bob", is_staff=True)
    allow(bob, "change_userprofile")
    return bob


def save(user, **changes):
    return logged_in(user).post(profile_url(user), profile_data(user, **changes), follow=True)


def stored(user) -> UserProfile:
    return UserProfile.objects.get(user=user)


def save_and_close(user, **changes) -> None:
    save(user, **changes)
    connection.close()


def open_transactions() -> int:
    """How many other connections to the database are in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return int(cursor.fetchone()[0])


class TestWhatIsVerified:
    def test_a_good_token_is_stored_with_what_was_found(self, bob, account):
        page = save(bob, auth_token=AUTH_TOKEN, twilio_from=OWNED)

        profile = stored(bob)
        assert timezone.now() - profile.verified_at < timedelta(minutes=1)
        assert (profile.account_name, profile.account_status) == ("Olive & Thyme", "active")
        assert profile.may_list
        assert profile.senders == {
            SERVICE: "Booking line",
            OWNED: "(312) 555-0142",
            "+13125550177": "Evenings",
        }
        assert "Verified with Twilio: “Olive &amp; Thyme” is active, with" in page.text
        assert "2 numbers and 1 Messaging Service to text from" in page.text
        assert "verified just now" in page.text

    def test_what_was_found_is_said_with_its_age(self, bob, account):
        save(bob, auth_token=AUTH_TOKEN)
        UserProfile.objects.update(verified_at=timezone.now() - timedelta(days=3))

        page = logged_in(bob).get(profile_url(bob)).text

        assert "A token is stored, verified 3 days ago; it is never shown." in page

    def test_a_profile_saved_without_a_change_of_credentials_asks_nobody(self, bob, settings):
        settings.TWILIO_API_URL = "http://127.0.0.1:1"

        page = save(bob)

        assert "The profile is saved." in page.text
        assert "could not be reached" not in page.text

    @pytest.mark.django_db(transaction=True)
    def test_no_transaction_waits_for_the_carrier(self, bob, settings):
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            settings.TWILIO_API_URL = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            saving = Thread(target=save_and_close, args=[bob], kwargs={"auth_token": "1" * 32})
            saving.start()
            deaf.settimeout(PATIENCE_SECONDS)
            asked, _ = deaf.accept()

            assert open_transactions() == 0
            asked.close()
            saving.join()

    def test_a_person_can_have_it_verified_again(self, bob, account):
        save(bob, _verify="")

        assert stored(bob).account_name == "Olive & Thyme"

    def test_what_is_not_accepted_any_more_is_no_longer_said_to_be_verified(self, bob, account):
        save(bob, auth_token=AUTH_TOKEN)
        account(status="suspended")

        page = save(bob, _verify="1").text

        assert "not accepted by Twilio" in page and "verified just now" not in page
        assert stored(bob).refused_because.startswith("The account is suspended at Twilio")
        assert (stored(bob).verified_at, stored(bob).senders) == (None, None)
        assert stored(bob).twilio_auth_token.reveal() == AUTH_TOKEN

    def test_what_was_found_of_other_credentials_is_forgotten(self, bob, account):
        save(bob, auth_token=AUTH_TOKEN)

        save(bob, remove_token="on")

        profile = stored(bob)
        assert (profile.verified_at, profile.senders, profile.account_name) == (None, None, "")


class TestWhatIsRefused:
    def test_a_wrong_token_is_not_stored(self, bob, account):
        page = save(bob, auth_token="0" * 32)

        assert "Twilio does not accept this token for this account." in page.text
        assert stored(bob).twilio_auth_token.reveal() == AUTH_TOKEN
        assert "0" * 32 not in page.text
        assert not LogEntry.objects.exists()

    def test_an_account_that_twilio_does_not_know(self, bob, account):
        page = save(bob, twilio_account_sid="AC" + "9" * 32)

        assert "Twilio does not accept this token for this account." in page.text
        assert stored(bob).twilio_account_sid == ACCOUNT_SID

    @pytest.mark.parametrize("status", ["suspended", "closed"])
    def test_an_account_that_does_not_send(self, bob, account, status):
        account(status=status)

        page = save(bob, auth_token=AUTH_TOKEN)

        assert f"The account is {status} at Twilio: it sends nothing." in page.text
        assert stored(bob).verified_at is None

    def test_a_wrong_secondary_token(self, bob, account):
        page = save(bob, secondary_token="0" * 32)

        assert "Twilio does not accept this secondary token." in page.text
        assert stored(bob).twilio_secondary_token is None

    def test_a_secondary_token_that_twilio_knows_is_stored(self, bob, account):
        account(secondary_token="second" * 5)

        save(bob, secondary_token="second" * 5)

        assert stored(bob).twilio_secondary_token.reveal() == "second" * 5

    def test_the_platforms_own_account_is_refused_as_ever(self, bob, account, settings):
        page = save(bob, twilio_account_sid=settings.ATLAS_ACCOUNT_SID, auth_token=settings.ATLAS_AUTH_TOKEN)

        assert "the platform&#x27;s own account" in page.text
        assert stored(bob).twilio_account_sid == ACCOUNT_SID


class TestACarrierThatDoesNotSay:
    def test_one_that_cannot_be_reached_keeps_nobody_from_storing(self, bob, settings):
        settings.TWILIO_API_URL = "http://127.0.0.1:1"

        page = save(bob, auth_token="1" * 32)

        assert "could not be reached" in page.text
        assert "stored, but not verified" in page.text
        assert stored(bob).twilio_auth_token.reveal() == "1" * 32
        assert "not verified yet" in logged_in(bob).get(profile_url(bob)).text

    def test_one_that_never_answers_is_waited_for_so_long_and_no_longer(self, bob, settings):
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            settings.TWILIO_API_URL = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            started = time.monotonic()

            page = save(bob, auth_token="1" * 32)

        assert "did not answer in time" in page.text
        assert time.monotonic() - started < VERIFY_SECONDS + 5

    def test_what_was_found_of_the_same_credentials_stays(self, bob, account, settings):
        save(bob, auth_token=AUTH_TOKEN)
        settings.TWILIO_API_URL = "http://127.0.0.1:1"

        save(bob, _verify="")

        assert stored(bob).account_name == "Olive & Thyme"

    def test_an_answer_that_is_no_json_is_none(self, bob, carrier, settings):
        settings.TWILIO_API_URL = f"{carrier.url}/healthz?"

        assert "could not be reached" in save(bob, auth_token="1" * 32).text


class TestFrom:
    @pytest.mark.parametrize("sender", [FOREIGN, VOICE_ONLY, "MG" + "2" * 32])
    def test_one_that_the_account_does_not_have_is_refused_with_those_it_has(self, bob, account, sender):
        page = save(bob, twilio_from=sender)

        assert f"The account cannot text from {sender}." in page.text
        assert f"Booking line ({SERVICE}), {OWNED}, +13125550177 (Evenings)." in page.text
        assert stored(bob).twilio_from == OWNED

    @pytest.mark.parametrize("sender", [OWNED, SERVICE, "40404", "Midcall"])
    def test_one_that_it_has_or_that_stands_in_no_list_is_taken(self, bob, account, sender):
        save(bob, twilio_from=sender)

        assert stored(bob).twilio_from == sender

    def test_it_may_be_written_as_people_write_it(self, bob, account):
        save(bob, twilio_from="+1 (312) 555-0177")

        assert stored(bob).twilio_from == "+13125550177"

    def test_one_that_was_refused_is_asked_for_again_beside_those_that_there_are(self, bob, account):
        assert stored(bob).senders is None

        page = save(bob, auth_token=AUTH_TOKEN, twilio_from=FOREIGN).text

        assert f'<option value="{OWNED}">' in page and f'<option value="{SERVICE}">' in page
        assert f'value="{FOREIGN}"' in page
        assert stored(bob).senders is None

    def test_it_is_chosen_from_what_was_found(self, bob, account):
        save(bob, auth_token=AUTH_TOKEN)

        page = logged_in(bob).get(profile_url(bob)).text
        assert f'<option value="{SERVICE}">Booking line ({SERVICE})</option>' in page
        assert f'<option value="{OWNED}" selected>' in page
        assert VOICE_ONLY not in page

        data = profile_data(bob, twilio_from_choice=SERVICE, twilio_from="")
        logged_in(bob).post(profile_url(bob), data)
        assert stored(bob).twilio_from == SERVICE

    def test_what_is_typed_comes_before_what_is_chosen(self, bob, account):
        save(bob, twilio_from_choice=SERVICE, twilio_from="+13125550177")

        assert stored(bob).twilio_from == "+13125550177"

    def test_a_template_sends_from_none_but_the_owners_own(self, bob, account):
        allow(bob, "add_smstemplate", "view_smstemplate")
        save(bob, auth_token=AUTH_TOKEN)
        data = {"name": "hours", "description": "Use this.", "body": "Open.", "provider": "twilio"}
        data |= {"send_within_seconds": 900, "is_active": "on"}
        url = reverse("admin:sms_smstemplate_add")

        page = logged_in(bob).post(url, {**data, "sender": FOREIGN}).text
        assert f"The account cannot text from {FOREIGN}." in page
        assert "press “Verify again” under Account &gt; My profile" in page

        logged_in(bob).post(url, {**data, "sender": "", "sender_choice": SERVICE})
        assert SmsTemplate.objects.get().sender == SERVICE


class TestTheLiveList:
    url = "/admin/sms/userprofile/senders/"

    def test_it_is_that_of_what_has_been_typed_so_far(self, bob, account):
        UserProfile.objects.filter(user=bob).update(twilio_auth_token=None)
        typed = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": AUTH_TOKEN}

        told = logged_in(bob).post(self.url, typed).json()

        assert [each["words"] for each in told["senders"]] == [
            f"Booking line ({SERVICE})",
            OWNED,
            "+13125550177 (Evenings)",
        ]
        assert stored(bob).twilio_auth_token is None

    def test_it_is_that_of_the_stored_credentials_if_none_are_typed(self, bob, account):
        told = logged_in(bob).post(self.url, {"twilio_auth_token": ""}).json()

        assert len(told["senders"]) == 3

    def test_what_was_found_within_the_minute_is_not_asked_for_again(self, bob, account, settings):
        save(bob, auth_token=AUTH_TOKEN)
        settings.TWILIO_API_URL = "http://127.0.0.1:1"

        assert len(logged_in(bob).post(self.url, {}).json()["senders"]) == 3

    def test_what_is_wrong_is_said_in_words(self, bob, account):
        told = logged_in(bob).post(self.url, {"twilio_auth_token": "0" * 32}).json()

        assert told["senders"] is None
        assert "does not accept this token" in told["words"]

    def test_that_what_is_typed_is_right_is_said_before_it_is_stored(self, bob, account):
        typed = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": AUTH_TOKEN}

        told = logged_in(bob).post(self.url, typed).json()

        words = "“Olive & Thyme” is active, with 2 numbers and 1 Messaging Service to text from."
        assert told["words"] == f"Twilio says: {words}"
        assert stored(bob).verified_at is None

    def test_who_may_enter_no_credentials_has_none_tried(self, db, account):
        vera = factories.UserFactory(username="vera", role="Viewer")
        guessed = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": AUTH_TOKEN}

        answer = logged_in(vera).post(self.url, guessed)

        assert (answer.status_code, answer.json()) == (403, {"error": "You may not enter credentials."})

    def test_nobody_gets_another_users(self, bob, account):
        ann = factories.UserFactory(username="ann", is_staff=True, profile=None)
        allow(ann, "change_userprofile")

        assert logged_in(ann).post(self.url, {"user": bob.pk}).json() == {"senders": None, "words": ""}
        assert logged_in(factories.UserFactory()).post(self.url, {}).status_code == 302
        assert logged_in(ann).get(self.url).status_code == 405


class TestAnApiKey:
    def test_texts_are_sent_with_it_and_the_token_still_verifies_receipts(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])

        save(bob, twilio_api_key=KEY, api_secret=SECRET)

        profile = stored(bob)
        credential = Credential.of(profile)
        assert profile.verified_at is not None
        assert credential.login() == (KEY, SECRET)
        assert credential.signing_tokens() == [AUTH_TOKEN]
        assert SECRET not in logged_in(bob).get(profile_url(bob)).text

    def test_a_wrong_secret_is_refused_at_its_field(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])

        page = save(bob, twilio_api_key=KEY, api_secret="0" * 32)

        assert "Twilio does not accept the API key with this secret" in page.text
        assert stored(bob).twilio_api_key == ""

    def test_a_refused_one_leaves_what_is_stored_as_it_was_found(self, bob, account):
        save(bob, auth_token=AUTH_TOKEN)

        page = save(bob, twilio_api_key=KEY, api_secret="not-this-one").text

        assert "does not accept the API key" in page
        assert "verified just now" in page and "not verified yet" not in page

    def test_one_without_its_secret_is_refused(self, bob, account):
        page = save(bob, twilio_api_key=KEY)

        assert "Enter the secret that belongs to the key." in page.text

    def test_one_that_may_not_list_messages_is_stored_with_what_that_means(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET, "rights": ["send", "numbers", "services"]}])

        page = save(bob, twilio_api_key=KEY, api_secret=SECRET)

        assert "does not let this key list messages" in page.text
        assert stored(bob).may_list is False
        assert stored(bob).senders

    def test_one_that_may_only_send_is_not_taken_for_a_wrong_one(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET, "rights": ["send"]}])

        save(bob, twilio_api_key=KEY, api_secret=SECRET, twilio_from=FOREIGN)

        assert (stored(bob).senders, stored(bob).twilio_from) == (None, FOREIGN)

    def test_alone_it_sends_and_the_page_says_that_receipts_are_not_believed(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])

        page = save(bob, twilio_api_key=KEY, api_secret=SECRET, remove_token="on")

        assert "nothing that Twilio reports can be verified, so it is not believed" in page.text
        assert "hears of no STOP" in page.text
        assert stored(bob).has_credentials
        assert stored(bob).obstacle("twilio") == ""

    def test_alone_it_makes_every_receipt_unbelieved(self, bob, client, caplog):
        UserProfile.objects.filter(user=bob).update(twilio_auth_token=None, twilio_api_key=KEY)
        profile = stored(bob)
        profile.twilio_api_secret = SECRET
        profile.save()
        message = factories.MessageFactory(profile=profile)

        with caplog.at_level(logging.ERROR):
            answer = client.post(f"/twilio/status/{message.pk}/1", {"AccountSid": ACCOUNT_SID})

        assert answer.status_code == 403
        assert "only an API key is stored" in caplog.text

    def test_it_is_removed_with_its_secret(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])
        save(bob, twilio_api_key=KEY, api_secret=SECRET)

        save(bob, twilio_api_key=KEY, remove_key="on")

        assert (stored(bob).twilio_api_key, stored(bob).twilio_api_secret) == ("", None)
        assert Credential.of(stored(bob)).login() == (ACCOUNT_SID, AUTH_TOKEN)


class TestWhatStops:
    """What hangs on credentials is said before they are removed, and what does not go with new ones."""

    def test_what_sends_from_a_number_of_another_account_is_named(self, bob, account):
        factories.TemplateFactory(name="directions", owner=bob, sender=FOREIGN)
        factories.ActionFactory(name="note", owner=bob, sender=FOREIGN)
        factories.ActionFactory(name="receipt", owner=bob, sender=OWNED)
        factories.ActionFactory(name="reminder", owner=bob)
        factories.ActionFactory(name="of_somebody_else", sender=FOREIGN)

        page = save(bob, auth_token=AUTH_TOKEN).text

        [said] = [line for line in page.splitlines() if "The account does not have the From of" in line]
        assert "directions</a>" in said and "note</a>: choose another one there." in said
        assert not any(name in said for name in ("receipt", "reminder", "of_somebody_else"))

    def test_that_another_account_does_not_send_what_waits_is_said_where_one_is_stored(self, bob):
        words = "With another account, texts that still wait for this one are not sent."
        assert words in logged_in(bob).get(profile_url(bob)).text

        UserProfile.objects.update(twilio_auth_token=None)
        assert words not in logged_in(bob).get(profile_url(bob)).text

    def test_an_account_is_not_emptied_while_secrets_of_it_are_stored(self, bob, account):
        for changes in ({}, {"remove_token": "on", "auth_token": AUTH_TOKEN}):
            page = save(bob, twilio_account_sid="", **changes).text

            assert "remove the secrets below, which says what stops." in page
            assert stored(bob).has_credentials

        save(bob, twilio_account_sid="", remove_token="on")
        assert (stored(bob).twilio_account_sid, stored(bob).twilio_auth_token) == ("", None)

    def test_a_key_that_texts_are_sent_with_alone_is_not_emptied(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])
        save(bob, twilio_api_key=KEY, api_secret=SECRET, remove_token="on")

        page = save(bob, twilio_api_key="").text

        assert "Texts are sent with this key alone." in page
        assert stored(bob).has_credentials
        save(bob, twilio_api_key="", remove_key="on")
        assert not stored(bob).has_credentials

    def test_beside_either_of_token_and_key_it_is_said_what_stops_without_both(self, bob, account):
        account(keys=[{"sid": KEY, "secret": SECRET}])
        factories.ActionFactory(name="note", owner=bob)

        page = save(bob, twilio_api_key=KEY, api_secret=SECRET).text

        assert page.count("Without both, nothing is sent with Twilio for this user.") == 2
        assert page.count("note</a>.") == 2

    def test_what_no_from_is_left_for_is_named(self, bob, account):
        factories.ActionFactory(name="note", owner=bob)
        factories.ActionFactory(name="receipt", owner=bob, sender=OWNED)

        page = save(bob, twilio_from="").text

        [said] = [line for line in page.splitlines() if "No From is chosen" in line]
        assert "note</a>." in said and "receipt" not in said
        assert "No From is chosen" not in save(bob, twilio_from=OWNED).text

    def test_templates_actions_and_campaigns_are_named(self, bob):
        template = factories.TemplateFactory(name="directions", owner=bob)
        factories.ActionFactory(name="by_atlas", owner=bob, provider="atlas")
        topic = factories.TopicFactory(actions=f"Call {{{{{template.name}}}}}.")
        factories.CampaignFactory(name="Booking line").topics.add(topic)
        factories.TemplateFactory(name="of_somebody_else")
        allow(bob, "view_campaign")

        page = logged_in(bob).get(profile_url(bob)).text

        assert "From then on, nothing is sent with Twilio for this user." in page
        assert "directions</a>; campaigns" in page
        assert "Booking line</a>." in page
        assert "by_atlas" not in page
        assert "of_somebody_else" not in page

    def test_campaigns_are_named_to_those_who_may_see_them(self, bob):
        factories.AttachmentFactory(
            campaign=factories.CampaignFactory(name="Booking line"), action__owner=bob, action__name="note"
        )

        page = logged_in(bob).get(profile_url(bob)).text

        assert "SMS actions" in page
        assert "Booking line" not in page

    def test_credentials_that_nothing_hangs_on(self, bob):
        assert "No template and no action uses it yet." in logged_in(bob).get(profile_url(bob)).text


def test_the_platforms_own_account_can_be_verified_too(carrier, settings):
    atlas = providers.get("atlas")
    [credential] = atlas.credentials(settings.ATLAS_ACCOUNT_SID)

    assert asyncio.run(atlas.verify(credential)).status == "active"


def test_more_senders_than_anybody_chooses_from_are_not_held_against_a_from():
    verification.refuse_foreign(FOREIGN, None)
