from __future__ import annotations

import pytest
from django.test import Client

from tests import factories


@pytest.fixture
def template(campaign):
    template = factories.TemplateFactory(name="confirmation", owner=campaign.owner)
    topic = factories.TopicFactory(actions="Call {{confirmation}}.", owner=campaign.owner)
    campaign.topics.add(topic)
    return template


@pytest.fixture
def line(campaign, template):
    """Makes the connection for a vendor."""

    def line(vendor, **fields):
        stored = {"runtime": vendor.runtime, **vendor.stored(), **fields}
        return factories.ConnectionFactory(campaign=campaign, **stored)

    return line


@pytest.fixture
def send():
    """Sends what a vendor's request() has built."""

    def send(path, body, headers):
        return Client().post(path, data=body, content_type="application/json", headers=headers)

    return send
