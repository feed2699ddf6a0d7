"""Quiet hours, by the clock where the phone is."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import quiet
from sms.quiet import QuietHours

NIGHT = QuietHours(time(21), time(8))
SAN_FRANCISCO, CHICAGO, LONDON, JAMAICA = "+14155550123", "+13125550123", "+442071838750", "+18765551234"
TOLL_FREE = "+18005550123"


def at(written: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("clock", "opens"),
    [
        ("2026-05-04 20:59", "2026-05-04 20:59"),
        ("2026-05-04 21:00", "2026-05-05 08:00"),
        ("2026-05-05 00:00", "2026-05-05 08:00"),
        ("2026-05-05 07:59", "2026-05-05 08:00"),
        ("2026-05-05 08:00", "2026-05-05 08:00"),
    ],
)
def test_they_hold_from_the_first_minute_to_the_last(clock, opens):
    zone = "America/Chicago"
    assert NIGHT.opens(CHICAGO, at(clock, zone)) == at(opens, zone)


def test_they_need_not_span_midnight():
    siesta, zone = QuietHours(time(13), time(15)), "America/Chicago"
    assert siesta.opens(CHICAGO, at("2026-05-04 14:00", zone)) == at("2026-05-04 15:00", zone)
    assert siesta.opens(CHICAGO, at("2026-05-04 12:59", zone)) == at("2026-05-04 12:59", zone)


def test_it_is_the_phones_clock_that_counts():
    now = at("2026-05-05 03:00")  # 20:00 in San Francisco, 22:00 in Chicago, 04:00 in London.

    assert NIGHT.opens(SAN_FRANCISCO, now) == now
    assert NIGHT.opens(CHICAGO, now) == at("2026-05-05 08:00", "America/Chicago")
    assert NIGHT.opens(LONDON, now) == at("2026-05-05 08:00", "Europe/London")


@pytest.mark.parametrize(
    ("evening", "morning", "hours"),
    [("2026-03-07 21:00", "2026-03-08 08:00", 10), ("2026-10-31 21:00", "2026-11-01 08:00", 12)],
)
def test_a_night_in_which_the_clocks_change_ends_by_the_clock(evening, morning, hours):
    zone = "America/Chicago"
    opens = NIGHT.opens(CHICAGO, at(evening, zone))

    assert opens == at(morning, zone)
    assert opens - at(evening, zone).astimezone(UTC) == timedelta(hours=hours)


def test_with_several_zones_it_is_quiet_as_soon_as_it_is_in_one():
    # A toll-free number is somewhere between New York and Hawaii.
    now = at("2026-05-04 20:30", "America/Los_Angeles")

    opens = NIGHT.opens(TOLL_FREE, now)

    assert opens > now
    assert all(time(8) <= opens.astimezone(zone).time() < time(21) for zone in quiet.zones_of(TOLL_FREE))


def test_a_number_is_only_where_its_country_is():
    assert [str(zone) for zone in quiet.zones_of(JAMAICA)] == ["America/Jamaica"]
    assert "Pacific/Saipan" not in map(str, quiet.zones_of(TOLL_FREE))


def test_a_number_of_no_known_place_goes_by_utc():
    assert [str(zone) for zone in quiet.zones_of("+870773111632")] == ["UTC"]


def test_where_it_is_never_quiet_nowhere_the_least_quiet_moment_counts():
    # One hour a day, and the zones of the United States lie further apart.
    hours, now = QuietHours(time(9), time(8)), at("2026-05-04 12:00", "America/Chicago")

    opens = hours.opens(TOLL_FREE, now)

    assert now < opens < now + timedelta(days=2)
    assert any(time(8) <= opens.astimezone(zone).time() < time(9) for zone in quiet.zones_of(TOLL_FREE))


def test_they_say_when_it_is_quiet_next():
    now = at("2026-05-04 12:00", "America/Chicago")
    assert NIGHT.closes(CHICAGO, now) == at("2026-05-04 21:00", "America/Chicago")


@pytest.mark.parametrize(
    ("moment", "now", "words"),
    [
        ("2026-05-05 08:00", "2026-05-04 22:00", "8 AM tomorrow"),
        ("2026-05-05 08:00", "2026-05-05 01:00", "8 AM today"),
        ("2026-05-05 20:30", "2026-05-05 01:00", "8:30 PM today"),
        ("2026-05-06 08:00", "2026-05-04 22:00", "8 AM on Wednesday"),
    ],
)
def test_a_moment_is_spoken_by_the_phones_clock(moment, now, words):
    zone = "America/Chicago"
    assert quiet.spoken(at(moment, zone), CHICAGO, at(now, zone)) == words


def test_a_moment_is_read_with_its_zone():
    moment = at("2026-05-05 08:00", "America/Chicago")
    assert quiet.wording(moment, CHICAGO) == "08:00 on 5 May (America/Chicago)"


def test_they_are_stored_as_they_write_themselves():
    assert QuietHours.parse(str(NIGHT)) == NIGHT


clocks = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@given(clocks, clocks, st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))
def test_what_opens_is_open_and_never_before(begins, ends, now):
    if begins == ends:
        return
    hours, now = QuietHours(begins, ends), now.replace(tzinfo=UTC)

    opens = hours.opens(CHICAGO, now)

    assert now <= opens < now + timedelta(days=2)
    assert hours.opens(CHICAGO, opens) == opens
    assert hours.closes(CHICAGO, opens) > opens
