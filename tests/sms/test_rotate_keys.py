"""A new key for all secrets: while people work, broken off at any point, and never at the cost of one."""

from __future__ import annotations

import io
import os
import re
import secrets
import signal
import subprocess
import sys
from urllib.parse import quote

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from sms import envelope, rotation
from sms.models import UserProfile
from sms.rotation import Column
from tests import factories
from tests.factories import AUTH_TOKEN
from tests.processes import ROOT, eventually

TOKENS = Column(UserProfile, UserProfile._meta.get_field("twilio_auth_token"))
SECONDARY = Column(UserProfile, UserProfile._meta.get_field("twilio_secondary_token"))


def new_key() -> str:
    return Fernet.generate_key().decode()


def profile_of(name: str, **values: object) -> UserProfile:
    return factories.ProfileFactory(user=factories.UserFactory(username=name, profile=None), **values)


def token(profile: UserProfile) -> str:
    return UserProfile.objects.get(pk=profile.pk).twilio_auth_token.reveal()


def store(profile: UserProfile, sealed: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sms_userprofile SET twilio_auth_token = %s WHERE id = %s", [sealed, profile.pk]
        )


def rotate_keys(*words: str) -> tuple[int, str, str]:
    """Its exit code, what it said, and what it complained of."""
    said, complained = io.StringIO(), io.StringIO()
    try:
        call_command("rotate_keys", *words, stdout=said, stderr=complained)
        code = 0
    except SystemExit as end:
        code = end.code
    return code, said.getvalue(), complained.getvalue()


@pytest.fixture
def old(settings):
    """The key of until now."""
    settings.FIELD_ENCRYPTION_KEY = [new_key()]
    return settings.FIELD_ENCRYPTION_KEY[0]


@pytest.fixture
def new(settings, old, ann, pete):
    """The key from now on, in front of the old one."""
    settings.FIELD_ENCRYPTION_KEY = [new_key(), old]
    return settings.FIELD_ENCRYPTION_KEY[0]


@pytest.fixture
def ann(db, old):
    return profile_of("ann", twilio_secondary_token="1" * 32)


@pytest.fixture
def pete(db, old):
    return profile_of("pete", twilio_auth_token="2" * 32)


class TestRotating:
    def test_afterwards_the_new_key_alone_opens_everything(self, new, ann, pete, settings):
        code, said, complained = rotate_keys()
        settings.FIELD_ENCRYPTION_KEY = [new]

        assert (code, complained) == (0, "")
        assert "sms.UserProfile.twilio_auth_token: 2 stored with the first key" in said
        assert "sms.UserProfile.twilio_secondary_token: 1 stored with the first key" in said
        assert "The others may be removed" in said
        assert (token(ann), token(pete)) == (AUTH_TOKEN, "2" * 32)
        assert UserProfile.objects.get(pk=ann.pk).twilio_secondary_token.reveal() == "1" * 32

    def test_it_says_no_secret_and_no_key(self, new, old, ann):
        told = "".join(map(str, (*rotate_keys("--dry-run"), *rotate_keys())))

        assert not [each for each in (AUTH_TOKEN, "1" * 32, new, old) if each in told]

    def test_what_stands_with_the_first_key_is_left_alone(self, new, ann):
        rotate_keys()
        before = TOKENS.per_key(), UserProfile.objects.get(pk=ann.pk).twilio_auth_token

        code, said, _ = rotate_keys()

        assert code == 0
        assert (TOKENS.per_key(), UserProfile.objects.get(pk=ann.pk).twilio_auth_token) == before
        assert "stored with the first key" not in said

    def test_what_was_stored_before_envelopes_gets_one(self, old, ann):
        store(ann, Fernet(old).encrypt(b"from last year").decode())
        assert TOKENS.per_key()[""] == 1

        code, said, _ = rotate_keys()

        assert code == 0
        assert "stored by an earlier version, which did not note the key: 1" in said
        assert TOKENS.per_key() == {envelope.first_key_id(): 1}
        assert token(ann) == "from last year"

    def test_nothing_else_of_a_row_changes(self, new, ann):
        before = UserProfile.objects.values("updated_at", "twilio_from").get(pk=ann.pk)

        rotate_keys()

        assert UserProfile.objects.values("updated_at", "twilio_from").get(pk=ann.pk) == before

    def test_every_secret_of_every_model_is_found(self):
        assert {str(column) for column in rotation.columns()} >= {str(TOKENS), str(SECONDARY)}

    def test_there_may_be_more_rows_than_are_read_at_once(self, old, settings, django_user_model):
        count = rotation.PORTION + 3
        users = django_user_model.objects.bulk_create(
            [django_user_model(username=f"user {n}") for n in range(count)]
        )
        UserProfile.objects.bulk_create([UserProfile(user=user, twilio_auth_token="1") for user in users])
        settings.FIELD_ENCRYPTION_KEY = [new_key(), old]

        code, _, _ = rotate_keys()

        assert code == 0
        assert TOKENS.per_key() == {envelope.first_key_id(): count}


class TestDryRun:
    def test_it_counts_by_key_and_changes_nothing(self, new, old, ann, pete):
        pete.twilio_auth_token = "3" * 32
        pete.save()
        before = TOKENS.per_key()

        code, said, _ = rotate_keys("--dry-run")

        first, second = envelope.key_ids()
        assert code == 0
        assert f"key {first} (the first, which encrypts): 1" in said
        assert f"key {second} (number 2): 1" in said
        assert "2 secrets would be stored with the first key; nothing was changed." in said
        assert TOKENS.per_key() == before

    def test_it_reads_what_stands_with_the_first_key_too(self, old, ann, pete):
        store(ann, UserProfile.objects.get(pk=pete.pk).twilio_auth_token._sealed)

        code, _, complained = rotate_keys("--dry-run")

        assert code == 1
        assert f"of the rows with id {ann.pk}." in complained
        assert "another row or column" in complained


class TestUnreadable:
    def test_what_no_key_opens_is_named_and_stays_and_the_rest_is_done(self, ann, pete, settings):
        settings.FIELD_ENCRYPTION_KEY = [between := new_key()]
        pete.twilio_auth_token = "3" * 32
        pete.save()
        lost = UserProfile.objects.get(pk=ann.pk).twilio_auth_token
        settings.FIELD_ENCRYPTION_KEY = [new_key(), between]

        code, said, complained = rotate_keys()

        assert code == 1
        assert (
            f"sms.UserProfile.twilio_auth_token: 1 secret cannot be read, of the rows with id {ann.pk}."
        ) in complained
        assert "2 secrets cannot be read, and stay as they are" in complained
        assert f"key {envelope.key_id(lost._sealed)} (NOT in FIELD_ENCRYPTION_KEY): 1" in said
        assert "may be removed" not in said
        assert UserProfile.objects.get(pk=ann.pk).twilio_auth_token == lost
        assert token(pete) == "3" * 32
        assert TOKENS.per_key()[envelope.first_key_id()] == 1

    def test_once_the_key_is_back_a_second_run_does_the_rest(self, ann, old, settings):
        settings.FIELD_ENCRYPTION_KEY = [fresh := new_key()]
        assert rotate_keys()[0] == 1

        settings.FIELD_ENCRYPTION_KEY = [fresh, old]
        assert rotate_keys()[0] == 0

        settings.FIELD_ENCRYPTION_KEY = [fresh]
        assert token(ann) == AUTH_TOKEN


class TestMeanwhile:
    def test_who_enters_a_new_token_meanwhile_wins(self, new, ann, pete):
        [rows] = TOKENS.rows(but_key=envelope.first_key_id())
        sealed = [(row, TOKENS.sealed_anew(row)) for row in rows]
        ann.twilio_auth_token = "entered meanwhile"
        ann.save()

        assert TOKENS.replace(sealed) == 1
        assert token(ann) == "entered meanwhile"
        assert token(pete) == "2" * 32

    def test_what_an_old_process_stored_behind_its_back_is_told(self, new, old, ann, pete, settings):
        both = settings.FIELD_ENCRYPTION_KEY
        work = rotation.rotate(TOKENS)
        next(work)
        settings.FIELD_ENCRYPTION_KEY = [old]
        ann.twilio_auth_token = "entered meanwhile"
        ann.save()
        settings.FIELD_ENCRYPTION_KEY = both

        assert list(work) == []
        assert TOKENS.per_key()[envelope.key_ids()[1]] == 1
        assert rotate_keys()[0] == 0
        assert token(ann) == "entered meanwhile"


def address() -> str:
    """Of the tests' own database."""
    found = connection.settings_dict
    login = f"{quote(found['USER'])}:{quote(found['PASSWORD'] or '')}"
    port = f"&port={found['PORT']}" if found["PORT"] else ""
    return f"postgresql://{login}@/{found['NAME']}?host={quote(found['HOST'] or '', safe='')}{port}"


class TestKilled:
    @pytest.mark.django_db(transaction=True)
    def test_broken_off_by_kill_9_it_goes_on_where_it_was(self, settings, tmp_path):
        settings.FIELD_ENCRYPTION_KEY = [old := new_key()]
        count, users = 3 * rotation.PORTION, get_user_model().objects
        made = users.bulk_create([users.model(username=f"user {n}") for n in range(count)])
        profiles = UserProfile.objects.bulk_create(
            [UserProfile(user=user, twilio_auth_token=f"token {user.pk}") for user in made]
        )
        settings.FIELD_ENCRYPTION_KEY = [new := new_key(), old]
        first = envelope.first_key_id()
        command = [sys.executable, "manage.py", "rotate_keys"]
        environment = {
            **os.environ,
            "DATABASE_URL": address(),
            "DATA_DIR": str(tmp_path),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEY": f"{new},{old}",
            "PUBLIC_URL": "http://127.0.0.1",
        }

        # Somebody is at work on a row of the second portion, so that it waits there for as long as we look.
        with psycopg.connect(address()) as somebody:
            somebody.execute(
                "SELECT FROM sms_userprofile WHERE id = %s FOR UPDATE", [profiles[rotation.PORTION + 9].pk]
            )
            with (tmp_path / "log").open("wb") as log:
                process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            try:
                eventually(lambda: TOKENS.per_key().get(first) == rotation.PORTION)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
        half_way = TOKENS.per_key()
        again = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True)

        assert half_way == {first: rotation.PORTION, envelope.key_ids()[1]: 2 * rotation.PORTION}
        assert again.returncode == 0, again.stdout + again.stderr
        assert re.search(
            rf"twilio_auth_token: {2 * rotation.PORTION:,} stored with the first key", again.stdout
        )
        settings.FIELD_ENCRYPTION_KEY = [new]
        for profile in UserProfile.objects.all():
            assert profile.twilio_auth_token.reveal() == f"token {profile.user_id}"
