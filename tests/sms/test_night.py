"""Texts that wait until nobody is woken by them: held, not dropped, and on their way by themselves."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from sms import outbox
from sms.models import Message, MessageEvent, OptOut, State
from sms.quiet import QuietHours
from tests import factories
from tests.factories import ACCOUNT_SID, CALLER

pytestmark = pytest.mark.django_db

HOME = ZoneInfo("America/Los_Angeles")


def quiet(begins: float, ends: float) -> QuietHours:
    """Quiet hours that begin and end so many hours from now, where the phone is."""
    now = timezone.now().astimezone(HOME).replace(second=0, microsecond=0)
    moments = (now + timedelta(hours=hours) for hours in (begins, ends))
    return QuietHours(*(moment.time() for moment in moments))


NOW, LATER = (-1, 2), (3, 5)


@pytest.fixture
def held():
    """A text that was promised at night."""
    hours = quiet(*NOW)
    return factories.MessageFactory(
        quiet_hours=hours, not_before=hours.opens(CALLER, timezone.now()), send_within=timedelta(minutes=15)
    )


@pytest.fixture
def overtaken():
    """A text that still waited for its sender when the night began, and was worth ten minutes more."""
    begun = timezone.now() - timedelta(minutes=1)
    message = factories.MessageFactory(quiet_hours=quiet(*NOW), quiet_at=begun)
    Message.objects.filter(pk=message.pk).update(expires_at=begun + timedelta(minutes=10))
    return message


def look(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def morning_comes(message: Message) -> None:
    """As if the quiet hours, and a few seconds more, were over."""
    past = timezone.now() - timedelta(seconds=5)
    Message.objects.filter(pk=message.pk).update(
        next_attempt_at=past,
        expires_at=past + timedelta(minutes=15),
        quiet_at=past - timedelta(hours=11),
        quiet_hours=str(quiet(*LATER)),
    )


def test_a_text_promised_at_night_is_held_and_says_until_when(held):
    opens = held.next_attempt_at

    assert held.state == State.HELD
    assert timedelta(hours=1.9) < opens - timezone.now() <= timedelta(hours=2)
    assert held.expires_at == opens + timedelta(minutes=15)
    assert held.quiet_until == opens
    local = opens.astimezone(HOME)
    assert held.reason.startswith("Quiet hours where the phone is: it goes out at ")
    assert f"{local:%H:%M} on {local.day} {local:%B} (America/Los_Angeles)" in held.reason


@pytest.mark.parametrize(
    "happens",
    [
        outbox.probe,
        outbox.expire,
        outbox.keep_quiet,
        lambda: outbox.hold(ACCOUNT_SID, None, "The account is suspended."),
        lambda: (outbox.hold(ACCOUNT_SID, None, "x"), outbox.release(ACCOUNT_SID)),
    ],
    ids=["a probe", "expiry", "the look at the clock", "a hold", "a release"],
)
def test_nothing_lets_it_go_before_the_morning(held, happens):
    happens()

    assert outbox.claim(10) == []
    assert (look(held).state, look(held).next_attempt_at) == (State.HELD, held.next_attempt_at)


def test_in_the_morning_it_goes_out_by_itself(held):
    morning_comes(held)

    assert outbox.keep_quiet() == 1
    assert outbox.expire() == 0

    assert look(held).state == State.QUEUED
    assert look(held).quiet_at > timezone.now() + timedelta(hours=2)
    assert [message.pk for message in outbox.claim(10)] == [held.pk]
    assert "The quiet hours are over." in held.events.values_list("detail", flat=True)


def test_it_goes_out_once_however_many_look_at_the_clock(held):
    morning_comes(held)

    assert [outbox.keep_quiet() for _ in range(3)] == [1, 0, 0]
    assert MessageEvent.objects.filter(message=held, state=State.QUEUED).count() == 1


def test_a_morning_without_a_worker_drops_it(held):
    morning_comes(held)
    Message.objects.filter(pk=held.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    outbox.keep_quiet()
    outbox.expire()

    assert look(held).state == State.EXPIRED


def test_whoever_opts_out_at_night_gets_nothing_in_the_morning(held):
    outbox.opt_out(CALLER, OptOut.Source.KEYWORD)

    assert look(held).state == State.BLOCKED


def test_it_can_be_taken_back_at_night(held):
    assert outbox.cancel([held.pk], "olive", "A mistake.") == [held.pk]


def test_a_text_that_the_night_overtakes_is_not_handed_over(overtaken):
    assert outbox.claim(10) == []


def test_it_is_held_and_worth_as_long_in_the_morning_as_it_was_in_the_evening(overtaken):
    Message.objects.filter(pk=overtaken.pk).update(expires_at=overtaken.quiet_at + timedelta(seconds=30))
    assert outbox.expire() == 0

    assert outbox.keep_quiet() == 1

    found = look(overtaken)
    assert (found.state, found.quiet_until) == (State.HELD, found.next_attempt_at)
    assert found.next_attempt_at > timezone.now() + timedelta(hours=1.9)
    assert found.expires_at == found.next_attempt_at + timedelta(seconds=30)
    assert found.events.get(state=State.HELD).detail == found.reason


def test_what_was_too_old_before_the_night_is_dropped(overtaken):
    Message.objects.filter(pk=overtaken.pk).update(expires_at=overtaken.quiet_at - timedelta(seconds=1))

    assert outbox.keep_quiet() == 0
    assert outbox.expire() == 1


def test_a_text_in_the_daytime_goes_out_at_once():
    hours = quiet(*LATER)
    message = factories.MessageFactory(quiet_hours=hours, quiet_at=hours.closes(CALLER, timezone.now()))

    assert outbox.keep_quiet() == 0
    assert [each.pk for each in outbox.claim(10)] == [message.pk]


def test_without_quiet_hours_nothing_of_it_is_looked_at():
    message = factories.MessageFactory()

    assert (message.quiet_hours, message.quiet_at, message.quiet_until) == ("", None, None)
    assert outbox.keep_quiet() == 0
