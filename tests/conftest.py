"""What all tests share: a real PostgreSQL, and people with names."""

from __future__ import annotations

import os

import pytest

from tests import factories


def pytest_configure(config: pytest.Config) -> None:
    if "DATABASE_URL" not in os.environ:
        from builder import embedded

        embedded.start()


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
