"""The brake: a jump in texts, in failures or to one country pauses a campaign; failures, an account.

What is recent is counted in one statement over the texts of the last ten minutes (their index by time); what
is usual, from spans of ten minutes that are counted once, when they are over.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Now

from campaigns import switches
from campaigns.models import Alarm, Brake, Campaign, Notice, Span
from sms.models import Pause

SPAN = timedelta(minutes=10)
# Usual is what was in this time, and what a person has let go on in it.
USUAL_OF = timedelta(hours=24)
_VALUES: dict[str, Any] = {"span": SPAN}
VOLUME, FAILURES, COUNTRY = "volume", "failures", "country"


@dataclass(slots=True)
class Counted:
    """Some texts of the last ten minutes, and how many of them failed."""

    texts: int = 0
    failed: int = 0

    def add(self, texts: int, failed: int) -> None:
        self.texts += texts
        self.failed += failed


@dataclass(slots=True)
class Recent(Counted):
    """A campaign's, since a person last let it go on; and those by country."""

    by_country: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usual:
    """How many texts a campaign promises in ten minutes, in all and by country."""

    texts: float = 0
    by_country: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trip:
    """Why something is to be paused: the kind, the words for people, and the figures for programs."""

    kind: str
    because: str
    figures: dict[str, Any]


def watch() -> list[Pause]:
    """Pause what has jumped; the pauses. To be called every few seconds."""
    _remember_span()
    campaigns, accounts = recent()
    paused = set(Pause.objects.filter(lifted_at=None).values_list("scope", flat=True))
    found: list[Pause | None] = []
    stored = Campaign.objects.select_related("brake").in_bulk(list(campaigns))
    usuals = usual(stored)
    for pk, campaign in stored.items():
        trip = tripped(_brake(campaign), campaign.country, campaigns[pk], usuals[pk])
        if trip and switches.scope_of(campaign) not in paused:
            found.append(_trip(trip, campaign))
    alarm = Alarm.load()
    for account_sid, counted in accounts.items():
        trip = _failing(counted, alarm.failed, alarm.failed_percent) if alarm.is_on else None
        if trip:
            found.append(_trip(trip, account_sid))
    return [each for each in found if each]


def tripped(brake: Brake, country: str, now: Recent, usual: Usual) -> Trip | None:
    """Why a campaign with its callers in a country is to be paused; None if all is as usual."""
    if not brake.is_on:
        return None
    if now.texts > limit(brake.texts, brake, usual.texts):
        return Trip(
            VOLUME,
            f"{now.texts} texts in 10 minutes, {_said(usual.texts)}.",
            {"texts": now.texts, "usual": round(usual.texts)},
        )
    for abroad, texts in sorted(now.by_country.items()):
        often = usual.by_country.get(abroad, 0)
        if abroad not in ("", country) and texts > limit(brake.texts_abroad, brake, often):
            return Trip(
                COUNTRY,
                f"{texts} texts to {abroad} in 10 minutes, {_said(often)}.",
                {"country": abroad, "texts": texts, "usual": round(often)},
            )
    return _failing(now, brake.failed, brake.failed_percent)


def limit(floor: int, brake: Brake, usual: float) -> int:
    """How many texts in ten minutes are still no jump."""
    return max(floor, round(brake.times_usual * usual))


def recent() -> tuple[dict[int, Recent], dict[str, Counted]]:
    """The texts of the last ten minutes by campaign and by account, tests left out."""
    campaigns: dict[int, Recent] = {}
    accounts: dict[str, Counted] = {}
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, _VALUES)
        rows = cursor.fetchall()
    for campaign, account_sid, country, texts, failed, of_account, failed_of_account in rows:
        accounts.setdefault(account_sid, Counted()).add(of_account, failed_of_account)
        if campaign is not None:
            found = campaigns.setdefault(campaign, Recent())
            found.add(texts, failed)
            found.by_country[country] = found.by_country.get(country, 0) + texts
    return campaigns, accounts


_RECENT = """
WITH resumed AS (
    SELECT scope, max(lifted_at) AS at FROM sms_pause
    WHERE lifted_at > statement_timestamp() - %(span)s GROUP BY scope
), text AS (
    SELECT of.campaign, m.account_sid, m.country, m.state IN ('failed', 'undelivered') AS has_failed,
        m.created_at > COALESCE(c.at, '-infinity') AS counts,
        m.created_at > COALESCE(a.at, '-infinity') AS counts_for_account
    FROM sms_message m
    LEFT JOIN LATERAL (
        SELECT scope, split_part(scope, ':', 2)::bigint AS campaign
        FROM unnest(m.scopes) scope WHERE starts_with(scope, 'campaign:') LIMIT 1
    ) of ON true
    LEFT JOIN resumed c ON c.scope = of.scope
    LEFT JOIN resumed a ON a.scope = 'account:' || m.account_sid
    WHERE m.created_at > statement_timestamp() - %(span)s AND m.tested_by = ''
)
SELECT campaign, account_sid, country,
    count(*) FILTER (WHERE counts), count(*) FILTER (WHERE counts AND has_failed),
    count(*) FILTER (WHERE counts_for_account), count(*) FILTER (WHERE counts_for_account AND has_failed)
FROM text GROUP BY campaign, account_sid, country
"""


def usual(campaigns: Collection[int]) -> dict[int, Usual]:
    """What is usual for campaigns: the mean of the spans in which they sent anything, or what a person has
    let go on, if that is more."""
    found = {pk: Usual() for pk in campaigns}
    # What is recent makes nothing usual: or a jump would, as soon as the clock shows the next ten minutes.
    spans = Span.objects.filter(
        campaign__in=campaigns, begins__gte=Now() - USUAL_OF, begins__lte=Now() - 2 * SPAN
    ).order_by()
    many = dict(spans.values_list("campaign").annotate(Count("begins", distinct=True)))
    sums = spans.values_list("campaign", "country").annotate(Sum("texts"))
    for pk, country, texts in sums:
        found[pk].by_country[country] = texts / many[pk]
    agreed = _agreed(campaigns)
    for pk, each in found.items():
        texts = sum(each.by_country.values())
        for country, least in agreed.get(pk, {}).items():
            if country:
                each.by_country[country] = max(least, each.by_country.get(country, 0))
        found[pk] = Usual(max(texts, agreed.get(pk, {}).get("", 0)), each.by_country)
    return found


def _agreed(campaigns: Collection[int]) -> dict[int, dict[str, int]]:
    """With how many texts in ten minutes campaigns were paused, and a person has let them go on; by country,
    "" for all."""
    notices = Notice.objects.filter(pause__lifted_at__gte=Now() - USUAL_OF, kind__in=[VOLUME, COUNTRY])
    by_scope = {switches.scope_of(each): each.pk for each in map(_unread, campaigns)}
    found: dict[int, dict[str, int]] = {}
    for scope, figures in notices.filter(pause__scope__in=by_scope).values_list("pause__scope", "figures"):
        least = found.setdefault(by_scope[scope], {})
        country = figures.get("country", "")
        least[country] = max(figures["texts"], least.get(country, 0))
    return found


def _unread(pk: int) -> Campaign:
    return Campaign(pk=pk)


def _failing(counted: Counted, floor: int, percent: int) -> Trip | None:
    if counted.failed < floor or counted.failed * 100 < percent * counted.texts:
        return None
    return Trip(
        FAILURES,
        f"{counted.failed} of {counted.texts} texts failed in 10 minutes.",
        {"failed": counted.failed, "texts": counted.texts},
    )


def _trip(trip: Trip, what: Campaign | str) -> Pause | None:
    """Pause a campaign, or an account by its SID, and have people told; None if it is paused already."""
    # In one transaction: whoever is paused by it is told of it.
    with transaction.atomic():
        if isinstance(what, str):
            pause = switches.pause_account(what, trip.because)
        else:
            pause = switches.pause(what, trip.because, "")
        if pause:
            Notice.objects.create(
                pause=pause, kind=trip.kind, figures=trip.figures, next_mail_at=Now(), next_try_at=Now()
            )
    return pause


def _brake(campaign: Campaign) -> Brake:
    try:
        return campaign.brake
    except Brake.DoesNotExist:
        return Brake(campaign=campaign)


def _said(usual: float) -> str:
    return f"usual is {round(usual)}" if usual else "and none is usual yet"


def _remember_span() -> None:
    """Count the span of ten minutes that is over, once, and forget those that say nothing any more."""
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, _VALUES)
        if cursor.rowcount:
            Span.objects.filter(begins__lt=Now() - 2 * USUAL_OF).delete()


_REMEMBER = """
WITH span AS (
    SELECT date_bin(%(span)s, statement_timestamp(), 'epoch') - %(span)s AS begins
)
INSERT INTO campaigns_span (campaign_id, begins, country, texts)
SELECT campaign.id, (SELECT begins FROM span), m.country, count(*)
FROM sms_message m
CROSS JOIN LATERAL unnest(m.scopes) scope
JOIN campaigns_campaign campaign ON scope = 'campaign:' || campaign.id
-- Written out: so the planner knows how short it is.
WHERE m.created_at >= date_bin(%(span)s, statement_timestamp(), 'epoch') - %(span)s
  AND m.created_at < date_bin(%(span)s, statement_timestamp(), 'epoch')
  AND m.tested_by = ''
  AND NOT EXISTS (SELECT 1 FROM campaigns_span known WHERE known.begins = (SELECT begins FROM span))
GROUP BY campaign.id, m.country
ON CONFLICT DO NOTHING
"""
