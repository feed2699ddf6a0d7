"""A secret is read in its own row and column, with a configured key, on purpose; and in no other way."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.checks import Error, Warning, run_checks
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, models, transaction
from django.test.utils import isolate_apps
from encrypted_model_fields.fields import CRYPTER

from sms import envelope
from sms.fields import MovedSecret, Secret, SecretField, WrongEncryptionKey
from sms.models import UserProfile
from tests import factories
from tests.factories import AUTH_TOKEN

pytestmark = pytest.mark.django_db


def stored(profile: UserProfile, column: str = "twilio_auth_token") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM sms_userprofile WHERE id = %s", [profile.pk])
        return cursor.fetchone()[0]


def store(profile: UserProfile, sealed: str, column: str = "twilio_auth_token") -> None:
    """By a hand on the database."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE sms_userprofile SET {column} = %s WHERE id = %s", [sealed, profile.pk])


def loaded(profile: UserProfile) -> UserProfile:
    return UserProfile.objects.get(pk=profile.pk)


def new_key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def profile(olive):
    return UserProfile.objects.get(user=olive)


@pytest.fixture
def other(db):
    return UserProfile.objects.get(user=factories.UserFactory(username="pete"))


class TestAtRest:
    def test_a_token_is_encrypted(self, profile):
        assert AUTH_TOKEN not in stored(profile)
        assert profile.twilio_auth_token.reveal() == AUTH_TOKEN

    def test_the_same_token_is_stored_otherwise_each_time(self, profile, other):
        assert stored(profile) != stored(other)

    def test_it_is_said_with_which_key(self, profile, settings):
        assert envelope.key_id(stored(profile)) == envelope.first_key_id()

        settings.FIELD_ENCRYPTION_KEY = [new_key(), *settings.FIELD_ENCRYPTION_KEY]
        assert envelope.key_id(stored(profile)) == envelope.key_ids()[1]

    def test_saving_a_profile_leaves_it_as_it_is(self, profile):
        before = stored(profile)

        profile.twilio_from = "+13125550199"
        profile.save()

        assert stored(profile) == before

    def test_what_was_entered_is_not_kept_in_the_object_once_it_is_stored(self, profile):
        profile.twilio_auth_token = "1" * 32
        profile.save()

        assert profile.twilio_auth_token == loaded(profile).twilio_auth_token

    def test_what_was_entered_can_be_tried_before_it_is_stored(self):
        assert UserProfile(twilio_auth_token="1" * 32).twilio_auth_token.reveal() == "1" * 32

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_nothing_is_stored_as_nothing(self, profile, nothing):
        profile.twilio_auth_token = nothing
        profile.save()

        assert stored(profile) is None
        assert loaded(profile).twilio_auth_token is None

    def test_it_is_found_however_the_object_was_loaded(self, profile):
        for found in (
            UserProfile.objects.only("twilio_auth_token").get(pk=profile.pk),
            UserProfile.objects.defer("twilio_auth_token").get(pk=profile.pk),
            UserProfile.objects.raw("SELECT * FROM sms_userprofile WHERE id = %s", [profile.pk])[0],
        ):
            assert found.twilio_auth_token.reveal() == AUTH_TOKEN

    def test_it_is_stored_in_bulk_too(self, profile, other):
        profile.twilio_auth_token, other.twilio_auth_token = "1" * 32, "2" * 32
        UserProfile.objects.bulk_update([profile, other], ["twilio_auth_token"])

        assert loaded(profile).twilio_auth_token.reveal() == "1" * 32
        assert loaded(other).twilio_auth_token.reveal() == "2" * 32

    def test_one_of_before_envelopes_is_read(self, profile):
        store(profile, CRYPTER.encrypt(b"from last year").decode())

        assert loaded(profile).twilio_auth_token.reveal() == "from last year"


class TestWrongKeys:
    def test_a_wrong_key_is_a_loud_error_and_harms_nothing(self, profile, settings):
        before = stored(profile)
        settings.FIELD_ENCRYPTION_KEY = [new_key()]

        again = loaded(profile)
        with pytest.raises(WrongEncryptionKey, match="FIELD_ENCRYPTION_KEY") as error:
            again.twilio_auth_token.reveal()
        again.save()

        assert envelope.key_id(before) in str(error.value)
        assert f"sms.userprofile.twilio_auth_token of user {profile.user_id}" in str(error.value)
        assert stored(profile) == before

    def test_a_wrong_key_is_told_for_secrets_of_before_envelopes_too(self, profile, settings):
        before = CRYPTER.encrypt(b"from last year").decode()
        store(profile, before)
        settings.FIELD_ENCRYPTION_KEY = [new_key()]

        again = loaded(profile)
        with pytest.raises(WrongEncryptionKey, match="FIELD_ENCRYPTION_KEY"):
            again.twilio_auth_token.reveal()
        again.save()

        assert stored(profile) == before

    def test_the_error_fits_where_it_is_shown(self, profile, settings):
        settings.FIELD_ENCRYPTION_KEY = [new_key()]

        with pytest.raises(WrongEncryptionKey) as error:
            loaded(profile).twilio_auth_token.reveal()

        # A message's reason.
        assert len(str(error.value)) <= 300

    def test_any_configured_key_opens_and_the_first_one_seals(self, profile, settings):
        [old] = settings.FIELD_ENCRYPTION_KEY
        settings.FIELD_ENCRYPTION_KEY = [new_key(), old]

        assert loaded(profile).twilio_auth_token.reveal() == AUTH_TOKEN
        profile.twilio_secondary_token = "1" * 32
        profile.save()
        settings.FIELD_ENCRYPTION_KEY = settings.FIELD_ENCRYPTION_KEY[:1]
        assert loaded(profile).twilio_secondary_token.reveal() == "1" * 32

    def test_what_was_altered_is_not_read(self, profile):
        before = stored(profile)
        store(profile, before[:-8] + "AAAAAAA=")

        with pytest.raises(MovedSecret, match="altered"):
            loaded(profile).twilio_auth_token.reveal()


class TestElsewhere:
    def test_ciphertext_that_someone_types_in_is_not_decrypted(self, profile, other):
        for stolen in (stored(other), stored(other).rpartition(":")[2], CRYPTER.encrypt(b"x").decode()):
            profile.twilio_auth_token = stolen
            profile.save()

            assert loaded(profile).twilio_auth_token.reveal() == stolen

    def test_ciphertext_of_another_row_does_not_open(self, profile, other):
        store(profile, stored(other))

        with pytest.raises(MovedSecret, match="another row or column"):
            loaded(profile).twilio_auth_token.reveal()

    def test_ciphertext_of_another_column_does_not_open(self, profile):
        store(profile, stored(profile), "twilio_secondary_token")

        with pytest.raises(MovedSecret):
            loaded(profile).twilio_secondary_token.reveal()

    def test_nor_does_it_dressed_up_as_one_of_before_envelopes(self, profile, other):
        store(profile, stored(other).rpartition(":")[2])

        with pytest.raises(MovedSecret):
            loaded(profile).twilio_auth_token.reveal()

    def test_a_secret_is_not_saved_in_another_row(self, profile, other):
        before = stored(other)
        other.twilio_auth_token = profile.twilio_auth_token

        with pytest.raises(MovedSecret, match="enter it there again"), transaction.atomic():
            other.save()
        assert stored(other) == before

    def test_a_row_that_gets_another_owner_does_not_take_its_secret_along(self, profile):
        profile.user = factories.UserFactory(username="pete", profile=None)

        with pytest.raises(MovedSecret, match="enter it there again"):
            profile.save()

    def test_a_copied_row_does_not_take_its_secret_along(self, profile):
        copied = copy.copy(profile)
        copied.pk, copied._state.adding = None, True
        copied.user = factories.UserFactory(username="pete", profile=None)

        with pytest.raises(MovedSecret):
            copied.save()

    def test_it_is_not_set_past_its_row(self, profile):
        with pytest.raises(TypeError, match="bound to its row"), transaction.atomic():
            UserProfile.objects.update(twilio_auth_token="1" * 32)
        UserProfile.objects.update(twilio_secondary_token=None)

    def test_it_is_not_read_off_values(self, profile):
        [secret] = UserProfile.objects.values_list("twilio_auth_token", flat=True)

        with pytest.raises(TypeError, match="load the object"):
            secret.reveal()

    def test_it_is_not_stored_before_it_is_known_whose_it_is(self):
        with pytest.raises(TypeError, match="set its owner first"):
            UserProfile(twilio_auth_token="1" * 32).save()

    def test_what_is_no_text_is_refused(self, profile):
        with pytest.raises(TypeError, match="takes text"):
            profile.twilio_auth_token = 17

    @isolate_apps("sms")
    def test_a_field_must_be_bound_to_what_tells_rows_apart(self):
        class Account(models.Model):
            label = models.CharField(max_length=10)
            number = models.CharField(max_length=10, unique=True)
            token = SecretField()
            secret = SecretField(bound_to="label")
            key = SecretField(bound_to="number")

            class Meta:
                app_label = "sms"

            def __str__(self):
                return self.label

        found = [error.obj.name for error in Account.check() if error.id == "midcall.E019"]
        assert found == ["token", "secret"]
        assert Account._meta.get_field("key").deconstruct()[3] == {"bound_to": "number"}


class TestShowing:
    def test_it_prints_as_dots(self, profile):
        profile.twilio_secondary_token = "1" * 32
        for secret in (profile.twilio_auth_token, profile.twilio_secondary_token):
            shown = f"{secret} {secret!r} {[secret]} {'%s' % secret} {vars(profile)} {profile!r}"  # noqa: UP031

            assert AUTH_TOKEN not in shown
            assert "1" * 32 not in shown
            assert stored(profile) not in shown
            assert not hasattr(secret, "__dict__")

    def test_it_goes_into_no_json_and_no_pickle(self, profile):
        for secret in (profile.twilio_auth_token, Secret(entered="1" * 32)):
            with pytest.raises(TypeError, match="not JSON serializable"):
                json.dumps({"token": secret})
            with pytest.raises(TypeError, match="pass the id of its row"):
                pickle.dumps(secret)
        with pytest.raises(TypeError, match="pass the id of its row"):
            pickle.dumps(profile)

    def test_copies_of_it_show_as_little(self, profile):
        copied = copy.deepcopy(profile)

        assert copied.twilio_auth_token == profile.twilio_auth_token
        assert AUTH_TOKEN not in repr(vars(copied))
        assert copy.copy(copied.twilio_auth_token).reveal() == AUTH_TOKEN

    @pytest.mark.parametrize("form", ["json", "jsonl", "xml", "yaml", "python"])
    def test_a_dump_carries_none(self, profile, form):
        dumped = str(serializers.serialize(form, UserProfile.objects.all()))

        assert AUTH_TOKEN not in dumped
        assert stored(profile) not in dumped

    def test_a_dump_can_be_loaded(self, profile):
        dumped = serializers.serialize("json", UserProfile.objects.all())
        profile.delete()

        for thing in serializers.deserialize("json", dumped):
            thing.save()

        assert UserProfile.objects.get().twilio_auth_token is None

    def test_secrets_compare_without_being_read(self):
        assert Secret("a") == Secret("a")
        assert len({Secret("a"), Secret("a"), Secret("b"), Secret(entered="a")}) == 3

    @pytest.mark.parametrize("lookup", ["", "__exact", "__startswith", "__gt", "__in", "__regex", "__length"])
    def test_it_cannot_be_searched_for(self, profile, lookup):
        with pytest.raises(FieldError, match="twilio_auth_token"):
            list(UserProfile.objects.filter(**{f"twilio_auth_token{lookup}": "gAAAA"}))

    def test_it_can_be_asked_for_being_there(self, profile):
        assert UserProfile.objects.filter(twilio_auth_token__isnull=False).get() == profile
        assert not UserProfile.objects.exclude(twilio_auth_token__isnull=False)


class TestChecks:
    def look(self) -> list[Error | Warning]:
        return [message for message in run_checks(databases=["default"]) if "secrets" in message.msg]

    def test_readable_secrets_are_no_news(self, profile):
        assert self.look() == []

    def test_a_key_that_opens_nothing_is_an_error(self, profile, other, settings):
        settings.FIELD_ENCRYPTION_KEY = [new_key()]

        [error] = self.look()

        assert (error.id, error.level) == ("midcall.E017", Error("").level)
        assert "2 of 2 stored secrets" in error.msg
        assert "sms.UserProfile.twilio_auth_token" in error.msg
        assert "FIELD_ENCRYPTION_KEY" in error.hint

    def test_one_that_is_lost_is_a_warning(self, profile, other, settings):
        settings.FIELD_ENCRYPTION_KEY = [new_key()]
        other.twilio_auth_token = "1" * 32
        other.save()

        [warning] = self.look()

        assert (warning.id, warning.level) == ("midcall.W018", Warning("").level)
        assert warning.msg.endswith(f"cannot be read: sms.UserProfile.twilio_auth_token, rows {profile.pk}.")

    def test_no_database_is_asked_unless_it_is_named(self, profile, settings, django_assert_num_queries):
        settings.FIELD_ENCRYPTION_KEY = [new_key()]

        with django_assert_num_queries(0):
            call_command("check")
        with pytest.raises(SystemCheckError, match="E017"):
            call_command("check", databases=["default"])

    def test_a_column_that_is_not_there_yet_is_passed_over(self, profile):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE sms_userprofile DROP COLUMN twilio_secondary_token CASCADE")

        assert self.look() == []
