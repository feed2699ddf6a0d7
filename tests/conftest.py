"""What all tests share: a real PostgreSQL, a simulated carrier, and people with names."""

from __future__ import annotations

import os

import pytest
from django.test import TransactionTestCase

from tests import emptying, factories
from tests.factories import ACCOUNT_SID, AUTH_TOKEN
from tests.processes import Carrier, migrated

# What takes longest to run, longest first; a folder stands for each of its files.
LONGEST = (
    "tests/e2e/test_planted_secret.py",
    "tests/campaigns/test_matrix.py",
    "tests/builder/test_environment.py",
    "tests/campaigns/test_migrations.py",
    "tests/browser/",
    "tests/e2e/",
    # It has a minute to start, so it is not among the first, while the fault rows run beside it.
    "tests/builder/test_supervise.py",
    "tests/campaigns/runtimes/test_all.py",
    "tests/campaigns/test_attacks.py",
    "tests/campaigns/test_forgetting.py",
    "tests/sms/test_simulator.py",
)
ATLAS_SID, ATLAS_TOKEN = "AC" + "5" * 32, "6" * 32


def pytest_configure(config: pytest.Config) -> None:
    if "DATABASE_URL" not in os.environ:
        from builder import embedded

        embedded.start()
    # Otherwise each client, of which there are thousands, first looks at every static file.
    from django.conf import settings

    settings.WHITENOISE_AUTOREFRESH = True
    # What makes a password hard to guess makes each log-in of a test take a third of a second.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    # No test of this process looks at what its database still has after a crash.
    settings.DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first, so that of several processes none is left alone with one of them."""

    def place(item: pytest.Item) -> int:
        return next(
            (number for number, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST)
        )

    # All else stays in the order that chance gave it.
    items.sort(key=place)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Each process of a run has a copy of one migrated database, in place of migrating one of its own."""
    from django.db import connection

    if "DATABASE_URL" not in os.environ:
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        emptying.remember()
    TransactionTestCase._fixture_teardown = lambda test: emptying.empty()


@pytest.fixture(autouse=True)
def nowhere(settings):
    """Texts go nowhere where a test does not say otherwise, whatever else runs on this machine."""
    settings.TWILIO_API_URL = "http://127.0.0.1:9"


@pytest.fixture
def olive(db):
    """Olive writes templates and has Twilio credentials."""
    return factories.UserFactory(username="olive")


@pytest.fixture
def campaign(olive):
    return factories.CampaignFactory(owner=olive)


@pytest.fixture
def connection(campaign):
    return factories.ConnectionFactory(campaign=campaign)


@pytest.fixture(scope="session")
def carrier_process(tmp_path_factory):
    carrier = Carrier(tmp_path_factory.mktemp("carrier"), {ACCOUNT_SID: AUTH_TOKEN, ATLAS_SID: ATLAS_TOKEN})
    carrier.start()
    yield carrier
    carrier.stop()


@pytest.fixture
def carrier(carrier_process, settings):
    """The carrier, behaving and empty, as the one that texts go to."""
    settings.TWILIO_API_URL = carrier_process.url
    settings.ATLAS_ACCOUNT_SID, settings.ATLAS_AUTH_TOKEN = ATLAS_SID, ATLAS_TOKEN
    settings.ATLAS_FROM = "+13125550100"
    carrier_process.behave()
    carrier_process.forget()
    yield carrier_process
    carrier_process.behave()
