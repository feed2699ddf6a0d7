"""Whatever comes with the right proof: no error of ours, and nothing is written but what was asked for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.models import Call, Connection, ToolCall
from sms.models import Message
from tests.campaigns.hostile import DROPPED, anything, places, some, with_changed
from tests.campaigns.runtimes.vendors import ALL
from tests.factories import CALLER

pytestmark = pytest.mark.django_db


def kept(line, vendor):
    """One connection for all examples of a test: what is compiled for it stays."""
    return Connection.objects.first() or line(vendor)


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: type(vendor).__name__)
@some(25)
@given(data=st.data())
def test_no_envelope_breaks_the_door(vendor, line, send, data):
    connection = kept(line, vendor)
    envelope = vendor.envelope()
    path = data.draw(st.sampled_from(list(places(envelope))))
    changed = with_changed(envelope, path, data.draw(st.just(DROPPED) | anything))
    # As careless runtimes write it: NaN and lone surrogates included.
    body = json.dumps(changed).encode()

    response = send(*vendor.request(connection, body=body))

    assert response.status_code in (200, 400)
    response.json()
    for message in Message.objects.all():
        assert message.recipient == CALLER or "number" in str(path) or "call" in str(path)
    # The examples share a call.
    assert Message.objects.count() == ToolCall.objects.filter(outcome="accepted").count()


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: type(vendor).__name__)
@some(15)
@given(body=anything.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=200))
def test_no_body_breaks_the_door(vendor, line, send, body):
    response = send(*vendor.request(kept(line, vendor), body=body))

    assert response.status_code in (200, 400)
    response.json()
    assert not Message.objects.exists() and not Call.objects.exists()


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: type(vendor).__name__)
@some(15)
@given(
    call=st.text(max_size=300),
    caller=st.text(max_size=60),
    tool=st.text(max_size=80),
    id=st.text(max_size=300),
)
def test_no_call_breaks_the_door(vendor, line, send, call, caller, tool, id):
    try:
        request = vendor.request(kept(line, vendor), call=call, caller=caller, tool=tool, id=id)
        request[0].encode("ascii")
        [value.encode("latin-1") for value in request[2].values()]
    except UnicodeError:
        # No client could send it.
        return
    if any(char in value for value in request[2].values() for char in "\r\n\0"):
        return

    response = send(*request)

    assert response.status_code == 200
    assert not Message.objects.exists()
