"""A campaign with a topic that sends a template, and the HTTP door to it."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from tests import factories
from tests.factories import CALLER, SECRET

PARAMETERS = {"guests": "four", "day": "Friday", "consent": "Yes, please text me."}


@pytest.fixture
def template(campaign):
    template = factories.TemplateFactory(name="confirmation", owner=campaign.owner)
    topic = factories.TopicFactory(actions="Call {{confirmation}}.", owner=campaign.owner)
    campaign.topics.add(topic)
    return template


@pytest.fixture
def action(campaign):
    def attach(**fields):
        fields = {"name": "note", "owner": campaign.owner, **fields}
        action = factories.ActionFactory(**fields)
        factories.AttachmentFactory(campaign=campaign, action=action)
        return action

    return attach


@pytest.fixture
def door(connection, template):
    """Fires a tool through the door; keywords replace fields of the envelope."""

    def fire(tool="confirmation", secret=SECRET, slug=connection.slug, body=None, **fields):
        envelope = {
            "callId": "call-1",
            "toolCallId": "tool-call-1",
            "customerPhoneNumber": CALLER,
            "parameters": PARAMETERS,
            **fields,
        }
        return Client().post(
            f"/c/{slug}/tools/{tool}",
            data=json.dumps(envelope) if body is None else body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"} if secret else {},
        )

    return fire
