"""Some vendors sign the arguments, and not which call they are for: such a signature is good for one call."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Call, SpentSignature
from campaigns.models.signatures import KEPT
from sms.models import Message
from tests.campaigns.runtimes.vendors import RetellArgsOnly, TelnyxSigned

pytestmark = pytest.mark.django_db

OTHER = "+14155550199"
each = pytest.mark.parametrize("vendor", [TelnyxSigned(), RetellArgsOnly()], ids=lambda v: type(v).__name__)


@each
@pytest.mark.parametrize(
    "other", [{"call": "call-2"}, {"caller": OTHER}, {"call": "call-2", "caller": OTHER}]
)
def test_it_is_refused_for_another_one(vendor, line, send, other):
    connection, at = line(vendor), time.time()
    send(*vendor.request(connection, at=at))

    answer = vendor.answer(send(*vendor.request(connection, at=at, **other)))

    assert (answer["status"], answer["code"]) == ("failed", "replayed")
    assert (Message.objects.count(), Call.objects.count()) == (1, 1)


@each
def test_it_is_refused_for_another_tool(vendor, line, send):
    connection, at = line(vendor), time.time()
    send(*vendor.request(connection, at=at))

    answer = vendor.answer(send(*vendor.request(connection, at=at, tool="stop_texting")))

    assert answer["code"] == "replayed"


@each
def test_it_is_refused_for_another_one_also_where_the_first_came_to_nothing(vendor, line, send):
    connection, at = line(vendor), time.time()
    send(*vendor.request(connection, at=at, caller="anonymous"))

    answer = vendor.answer(send(*vendor.request(connection, at=at)))

    assert answer["code"] == "replayed"
    assert not Message.objects.exists()


def test_spent_signatures_go_once_their_time_has_passed(line, send):
    vendor = TelnyxSigned()
    connection = line(vendor)
    send(*vendor.request(connection))
    SpentSignature.objects.update(at=timezone.now() - KEPT - timedelta(seconds=1))
    old = SpentSignature.objects.get()

    send(*vendor.request(connection, call="call-2", at=time.time() - 5))

    assert old not in SpentSignature.objects.all()
    assert SpentSignature.objects.count() == 1
