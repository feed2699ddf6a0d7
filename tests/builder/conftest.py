from __future__ import annotations

import pytest
from django.db import connection as database

from builder import patience
from builder.handler import RuntimesFirst
from tests import factories


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob is staff; each test says what he may do."""
    return factories.UserFactory(username="bob", is_staff=True)


@pytest.fixture
def application():
    yield RuntimesFirst()
    # What comes in this thread afterwards is no runtime's request.
    patience.usual(database)
