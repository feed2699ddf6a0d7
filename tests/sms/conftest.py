"""A simulated carrier as a process of its own, shared by the tests of this folder that text."""

from __future__ import annotations

import pytest

from tests.factories import ACCOUNT_SID, AUTH_TOKEN
from tests.processes import Carrier

ATLAS_SID, ATLAS_TOKEN = "AC" + "5" * 32, "6" * 32


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
