"""Count texts against limits, exactly, while many are promised at once.

A text takes one place of an Allowance: of its campaign, tool, sender and country in this hour. While there
are places, no limit is looked at and none is locked: any row that nobody else holds will do. Where there are
none, take() grants more out of what the limits leave over, some at a time, and fewer as they run low; whoever
leaves few has refill() grant them before. Only if nothing is left over are the places that were granted
elsewhere and not used taken back, and what was used counted, with everything locked that could change it. So
no limit is ever exceeded, and no text refused that has a place.

Locks are taken in one order, so that nobody waits in a circle: the call, GRANTING, allowances, the number.
Whoever takes an allowance without GRANTING waits for none.

A place that was taken stays taken if the text fails later: whoever makes an agent text numbers that cannot be
texted is stopped, too. Days and hours are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import Now, TruncDay, TruncHour

from campaigns.models import Allowance, Campaign, TextedNumber

# Of the transaction-wide advisory lock under which places are granted.
GRANTING = 5_073_252
# At most so many places at once, and at most this part of what is left over.
PLACES_AT_ONCE, PART_AT_ONCE = 4096, 8
# In so many rows, as many as a web server's threads promise texts in one instant; but not for fewer each.
SHARDS_AT_ONCE, FEWEST_PLACES = 8, 8
# Whoever leaves just so many in a row grants more, so that hardly anybody finds none.
LOW_PLACES = 64
# More rows of one kind than there are texts promised in one instant are of no use. A power of two, like
# SHARDS_AT_ONCE, so that connections begin at all rows alike.
MOST_SHARDS = 32
MOST_TEXTED = "the number with the most"
# Yesterday's are looked at on pages, and by nobody else.
KEPT = timedelta(days=2)


class Lane(NamedTuple):
    """What decides which limits count a text. The statements here take its fields by their names."""

    campaign: int
    tool: str
    account_sid: str
    sender: str
    country: str


# The fields of Campaign that limit what allowances count. Those of one person, and of one call, are counted
# by TextedNumber and by the call's own tool calls.
SHARED = (
    "texts_per_tool",
    "texts_per_day",
    "texts_per_sender",
    "texts_per_country",
    "segments_per_day",
)


class Use(NamedTuple):
    """What a limit's window holds: `used` was promised, `granted` may be without looking at it again."""

    used: int
    granted: int


_LANE = """campaign_id = %(campaign)s AND hour = date_trunc('hour', statement_timestamp(), 'UTC')
      AND tool = %(tool)s AND account_sid = %(account_sid)s AND sender = %(sender)s
      AND country = %(country)s"""

# For texts of so many segments.
_PLACES_LEFT = "LEAST(texts_granted - texts, (segments_granted - segments) / %(segments)s)"

# A row of the lane that has a place and that nobody else holds.
_HAS_PLACE = f"{_LANE} AND texts < texts_granted AND segments + %(segments)s <= segments_granted"
# Each connection begins at another row: one that somebody has changed since the statement began is looked
# at anew, with all that leads to it.
_FIRST_FREE = f"ORDER BY shard # mod(pg_backend_pid(), {MOST_SHARDS}) LIMIT 1 FOR UPDATE OF each SKIP LOCKED"

# Common table expressions for the statement that asks and promises at once, between `call`, whose one row is
# the call that asks, and the promise. They lead to `counted`, which has that call's id if `allowed`, an
# expression, lets the text pass and it has been counted, with how many more there are places for beside it,
# and read the values of the lane, `segments`, `recipient` and `texts_per_number`. The number's row is changed
# only if it stands as the whole statement saw it: then nobody texted it meanwhile.
COUNTED = f"""place AS (
    SELECT each.id, call.id AS call_id FROM call, campaigns_allowance each
    WHERE {_HAS_PLACE} AND ({{allowed}}) {_FIRST_FREE}
), person AS (
    INSERT INTO campaigns_textednumber AS known (number, day, texts, at)
    SELECT %(recipient)s, (statement_timestamp() AT TIME ZONE 'UTC')::date, 1, clock_timestamp() FROM place
    ON CONFLICT (number) DO UPDATE SET
        texts = CASE WHEN known.day < EXCLUDED.day THEN 1 ELSE known.texts + 1 END,
        day = GREATEST(known.day, EXCLUDED.day), at = EXCLUDED.at
    WHERE known.at = (SELECT at FROM campaigns_textednumber WHERE number = %(recipient)s)
      AND (known.day < EXCLUDED.day OR known.texts < COALESCE(%(texts_per_number)s::int, known.texts + 1))
    RETURNING number
), counted AS (
    UPDATE campaigns_allowance each SET texts = each.texts + 1, segments = each.segments + %(segments)s
    FROM place, person WHERE each.id = place.id
    RETURNING place.call_id AS id, {_PLACES_LEFT} AS places_left
)"""


def take(lane: Lane, segments: int) -> str:
    """Take a place for a text of so many segments; "" if it has one, or the first of SHARED that has none.

    Until the transaction ends, the place is its own; without a place, the transaction must take back what it
    did here.
    """
    values = {**lane._asdict(), "segments": segments}
    if _one(_TAKE, values):
        return ""
    limits, uses = _locked(lane)
    if _full(limits, uses, segments, lambda use: use.granted):
        _one(_TAKE_BACK, values)
        uses = shared(lane)
        full = _full(limits, uses, segments, lambda use: use.used)
        if full:
            return full
    _grant(values, limits, uses, _GRANT_ANEW, _GRANT, _GRANT_WAITING)
    return ""


def refill(lane: Lane, segments: int) -> None:
    """Grant a lane more places, if its limits leave any, before it has none."""
    values = {**lane._asdict(), "segments": segments}
    with transaction.atomic():
        limits, uses = _locked(lane)
        if not _full(limits, uses, segments, lambda use: use.granted):
            _grant(values, limits, uses, _REFILL)


def _locked(lane: Lane) -> tuple[Mapping[str, int | None], Mapping[str, Use]]:
    """A lane's limits and what has been used of them, once nobody else grants places."""
    _one("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": GRANTING})
    # Read now: who changes them takes the same lock, and what is granted afterwards obeys the new ones.
    return Campaign.objects.values(*SHARED).get(pk=lane.campaign), shared(lane)


def _full(limits: Mapping[str, int | None], uses: Mapping[str, Use], segments: int, part: Any) -> str:
    for name in SHARED:
        limit, wanted = limits[name], segments if name == "segments_per_day" else 1
        if limit is not None and part(uses[name]) + wanted > limit:
            return name
    return ""


def _grant(
    values: dict[str, Any], limits: Mapping[str, int | None], uses: Mapping[str, Use], *statements: str
) -> None:
    """Grant the lane some places, by the first of the statements that finds a row for them."""
    left = {name: limit - uses[name].granted for name in SHARED if (limit := limits[name]) is not None}
    in_segments = left.pop("segments_per_day", None)
    segments = values["segments"]
    places = min([PLACES_AT_ONCE, *(number // PART_AT_ONCE for number in left.values())])
    if in_segments is not None:
        places = min(places, in_segments // PART_AT_ONCE // segments)
    shards = min(max(places // FEWEST_PLACES, 1), SHARDS_AT_ONCE)
    places = max(places // shards, 1)
    granted = {
        **values,
        "places": places,
        "shards": shards,
        "most_shards": MOST_SHARDS,
        "low_places": LOW_PLACES,
    }
    any(_one(statement, granted) for statement in statements)
    all_granted = uses["texts_per_sender"].granted + places * shards
    _one(_TAKE_BACK_FROM_STRICTER, {**values, "granted": all_granted})


def take_number(number: str, limit: int | None) -> bool:
    """Count a text to a number, and let nobody else text it until the transaction ends; False, with nothing
    counted, if it has had as many today as it may."""
    return _one(_TAKE_NUMBER, {"recipient": number, "texts_per_number": limit}) is not None


def of_number(number: str) -> int:
    """How many texts have been promised to a number today."""
    found = TextedNumber.objects.filter(number=number, day__gte=TruncDay(Now()))
    return found.values_list("texts", flat=True).first() or 0


def shared(lane: Lane) -> dict[str, Use]:
    """What has been used of each of SHARED, for a text of this lane, in the windows that run now."""
    row = _one(_USES, lane._asdict())
    assert row
    numbers = iter(row)
    return {name: Use(used, granted) for name, used, granted in zip(SHARED, numbers, numbers, strict=True)}


def today(campaign: Campaign) -> dict[str, Any]:
    """What a campaign's tools, senders and countries have used of its limits, in the windows that run now.

    By field of Campaign, the whole number, or the numbers by tool, sender or country; and what the number has
    had that has had the most, whichever campaign texted it.
    """
    numbers = TextedNumber.objects.filter(day__gte=TruncDay(Now()))
    most = numbers.aggregate(most=Max("texts"))["most"]
    of_today = Allowance.objects.filter(hour__gte=TruncDay(Now()))
    rows = of_today.filter(campaign=campaign)
    senders = of_today.filter(sender__in=rows.values("sender"), account_sid__in=rows.values("account_sid"))
    whole = rows.aggregate(texts=Sum("texts", default=0), segments=Sum("segments", default=0))
    return {
        "texts_per_day": whole["texts"],
        "segments_per_day": whole["segments"],
        "texts_per_tool": _by(rows, "tool"),
        "texts_per_country": _by(rows.filter(hour__gte=TruncHour(Now())), "country"),
        "texts_per_sender": _by(senders, "sender"),
        "texts_per_number": {MOST_TEXTED: most} if most else {},
    }


def purge() -> None:
    """Forget what no limit counts any more."""
    Allowance.objects.filter(hour__lt=Now() - KEPT).delete()
    TextedNumber.objects.filter(day__lt=TruncDay(Now())).delete()


def _by(rows: QuerySet[Allowance], what: str) -> dict[str, int]:
    return dict(rows.values_list(what).annotate(used=Sum("texts")).order_by("-used"))


def _one(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row that a statement returns; None if it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone() if cursor.description else None
        return row


_TAKE = f"""
UPDATE campaigns_allowance SET texts = texts + 1, segments = segments + %(segments)s
WHERE id = (SELECT id FROM campaigns_allowance each WHERE {_HAS_PLACE} {_FIRST_FREE})
RETURNING id
"""

# Where texts come while there are places, all rows belong to others in this instant: more rows come first.
_GRANT_ANEW = f"""
INSERT INTO campaigns_allowance
    (campaign_id, hour, tool, account_sid, sender, country, shard, texts, segments, texts_granted,
     segments_granted)
SELECT %(campaign)s, date_trunc('hour', statement_timestamp(), 'UTC'), %(tool)s,
    %(account_sid)s, %(sender)s, %(country)s, rows + more, 1 - sign(more),
    (1 - sign(more)) * %(segments)s, %(places)s, %(places)s * %(segments)s
FROM (SELECT count(*) AS rows FROM campaigns_allowance WHERE {_LANE}) AS known,
    generate_series(0, %(shards)s - 1) AS more
WHERE rows + more < %(most_shards)s
RETURNING id
"""
_MORE = """texts_granted = texts_granted + %(places)s,
    segments_granted = segments_granted + %(places)s * %(segments)s"""
_GRANT = f"""
WITH free AS (
    SELECT id FROM campaigns_allowance WHERE {_LANE} ORDER BY shard DESC LIMIT %(shards)s
    FOR UPDATE SKIP LOCKED
), one AS (
    SELECT min(id) AS id FROM free
)
UPDATE campaigns_allowance each SET {_MORE}, texts = texts + (each.id = one.id)::int,
    segments = segments + (each.id = one.id)::int * %(segments)s
FROM free, one WHERE each.id = free.id
RETURNING each.id
"""
_REFILL = f"""
UPDATE campaigns_allowance SET {_MORE}
WHERE id IN (
    SELECT id FROM campaigns_allowance
    WHERE {_LANE} AND {_PLACES_LEFT} <= %(low_places)s
    ORDER BY shard DESC LIMIT %(shards)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
# All that there may be belong to texts that are being promised in this instant.
_GRANT_WAITING = f"""
UPDATE campaigns_allowance SET {_MORE}, texts = texts + 1, segments = segments + %(segments)s
WHERE {_LANE} AND shard = 0
RETURNING id
"""

_TODAY = "hour >= date_trunc('day', statement_timestamp(), 'UTC')"
_OF_SENDER = f"account_sid = %(account_sid)s AND sender = %(sender)s AND {_TODAY}"
_UNUSED = "(texts_granted > texts OR segments_granted > segments)"

# Waits for all who are about to use one of these places.
_TAKE_BACK = f"""
UPDATE campaigns_allowance SET texts_granted = texts, segments_granted = segments
WHERE {_UNUSED} AND ((campaign_id = %(campaign)s AND {_TODAY}) OR ({_OF_SENDER}))
"""
# The campaigns of one sender may each have another limit for it, and all count what any of them sends.
_TAKE_BACK_FROM_STRICTER = f"""
UPDATE campaigns_allowance SET texts_granted = texts, segments_granted = segments
WHERE {_UNUSED} AND {_OF_SENDER} AND campaign_id IN (
    SELECT id FROM campaigns_campaign
    WHERE id <> %(campaign)s AND texts_per_sender < %(granted)s)
"""

# As SHARED has them.
_USES = f"""
SELECT
    COALESCE(sum(texts) FILTER (WHERE tool = %(tool)s), 0),
    COALESCE(sum(texts_granted) FILTER (WHERE tool = %(tool)s), 0),
    COALESCE(sum(texts), 0), COALESCE(sum(texts_granted), 0),
    (SELECT COALESCE(sum(texts), 0) FROM campaigns_allowance WHERE {_OF_SENDER}),
    (SELECT COALESCE(sum(texts_granted), 0) FROM campaigns_allowance WHERE {_OF_SENDER}),
    COALESCE(sum(texts) FILTER (WHERE country = %(country)s AND hour = this_hour), 0),
    COALESCE(sum(texts_granted) FILTER (WHERE country = %(country)s AND hour = this_hour), 0),
    COALESCE(sum(segments), 0), COALESCE(sum(segments_granted), 0)
FROM campaigns_allowance, date_trunc('hour', statement_timestamp(), 'UTC') AS this_hour
WHERE campaign_id = %(campaign)s AND {_TODAY}
"""

_TAKE_NUMBER = """
INSERT INTO campaigns_textednumber AS known (number, day, texts, at)
VALUES (%(recipient)s, (statement_timestamp() AT TIME ZONE 'UTC')::date, 1, clock_timestamp())
ON CONFLICT (number) DO UPDATE SET
    texts = CASE WHEN known.day < EXCLUDED.day THEN 1 ELSE known.texts + 1 END,
    day = GREATEST(known.day, EXCLUDED.day), at = EXCLUDED.at
WHERE known.day < EXCLUDED.day OR known.texts < COALESCE(%(texts_per_number)s::int, known.texts + 1)
RETURNING number
"""
