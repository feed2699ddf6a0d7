"""Quiet hours: when nobody should be texted, by the clock where the phone is. Pure.

A number says in which time zones its phone may be, by its area code where there is one; with several it is
quiet as soon as it is in one of them.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

import phonenumbers

from sms import numbers

# So far ahead a moment is looked for at which it is quiet nowhere.
_DAYS_AHEAD = 3
_UTC = ZoneInfo("UTC")


class QuietHours(NamedTuple):
    """From when until when it is quiet, across midnight or not."""

    begins: time
    ends: time

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"

    @classmethod
    def parse(cls, written: str) -> QuietHours:
        """As they write themselves: "21:00-08:00"."""
        begins, ends = written.split("-")
        return cls(time.fromisoformat(begins), time.fromisoformat(ends))

    def opens(self, e164: str, now: datetime) -> datetime:
        """From when on a number may be texted: `now`, if it is not quiet there.

        Where there is no such moment, as with zones all around the world, the one that is quiet in the
        fewest of them.
        """
        zones = zones_of(e164)
        if not self._quiet_in(zones, now):
            return now
        return min(self._moments(self.ends, zones, now), key=lambda moment: self._quiet_in(zones, moment))

    def closes(self, e164: str, now: datetime) -> datetime:
        """From when on a number that may be texted now may not be any more."""
        return next(iter(self._moments(self.begins, zones_of(e164), now)))

    def _quiet_in(self, zones: tuple[ZoneInfo, ...], moment: datetime) -> int:
        """In how many of the zones it is quiet at a moment."""
        return sum(self._holds(moment.astimezone(zone).time()) for zone in zones)

    def _holds(self, clock: time) -> bool:
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def _moments(self, clock: time, zones: tuple[ZoneInfo, ...], now: datetime) -> list[datetime]:
        """When clocks in these zones show a time, from now on, the first one first."""
        days = range(-1, _DAYS_AHEAD)
        found = {
            datetime.combine((now.astimezone(zone) + timedelta(days=day)).date(), clock, zone).astimezone(
                _UTC
            )
            for zone in zones
            for day in days
        }
        return sorted(moment for moment in found if moment > now)


@lru_cache(maxsize=4096)
def zones_of(e164: str) -> tuple[ZoneInfo, ...]:
    """The time zones in which a number's phone may be; UTC for a number that none are known of."""
    # Its tables are large, and few campaigns have quiet hours.
    from phonenumbers.timezone import time_zones_for_number

    found = time_zones_for_number(phonenumbers.parse(e164))
    # A number of a plan that several countries share is no phone of the others.
    own = _zones_by_country().get(numbers.country(e164), frozenset())
    names = [each for each in found if each in own] or found
    zones = []
    for name in names:
        try:
            zones.append(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return tuple(zones) or (_UTC,)


def wording(moment: datetime, e164: str) -> str:
    """A moment as people read it: "08:00 on 30 November (America/Chicago)", where the phone is."""
    local = moment.astimezone(_last_to_wake(moment, e164))
    return f"{local:%H:%M} on {local.day} {local:%B} ({local.tzinfo})"


def spoken(moment: datetime, e164: str, now: datetime) -> str:
    """A moment as an agent says it: "8 AM tomorrow", by the clock where the phone is."""
    zone = _last_to_wake(moment, e164)
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    clock = f"{local:%I:%M %p}".lstrip("0").replace(":00 ", " ")
    days = (local.date() - today).days
    return f"{clock} {('today', 'tomorrow')[days] if days in (0, 1) else f'on {local:%A}'}"


def _last_to_wake(moment: datetime, e164: str) -> ZoneInfo:
    return min(zones_of(e164), key=lambda zone: moment.astimezone(zone).replace(tzinfo=None))


@lru_cache(maxsize=1)
def _zones_by_country() -> dict[str, frozenset[str]]:
    """The time zones of each country, as the system's tz database has them; nothing, where it has no list."""
    found: dict[str, set[str]] = {}
    for folder in TZPATH:
        listed = Path(folder, "zone.tab")
        if listed.is_file():
            for line in listed.read_text(encoding="utf-8").splitlines():
                if not line.startswith("#") and line.count("\t") >= 2:
                    country, _, zone = line.split("\t")[:3]
                    found.setdefault(country, set()).add(zone)
            break
    return {country: frozenset(zones) for country, zones in found.items()}
