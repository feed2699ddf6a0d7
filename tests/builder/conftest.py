from __future__ import annotations

import pytest

from tests import factories


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob is staff; each test says what he may do."""
    return factories.UserFactory(username="bob", is_staff=True)
