"""Whether what may be sent would leave now, and what became of the newest texts of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from sms import verification
from sms.arrivals import NOT_ARRIVED
from sms.models import AtlasCheck, Pause, ProviderName, Sendable, Sender, State
from sms.models.pauses import EVERYTHING, SENDER, account_scope, sender_scope
from sms.providers import codes
from sms.providers.codes import Consequence

# The newest texts of each thing that are looked at, or tool calls of it, of which some were refused.
LOOKED_AT = 30
# The texts of SMS templates, tests aside, in the order of the index message_by_template.
OF_TEMPLATES = """
    SELECT template_id AS thing, id, created_at, state, provider_sid, error_code, reason
    FROM sms_message
    WHERE template_id >= thing.id AND tested_by = ''
      AND NOT (state IN ('queued', 'held', 'submitting', 'unconfirmed'))
    ORDER BY template_id, created_at DESC
    LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """What became of something's newest texts: when the last one left, and the last one that did not arrive.

    `is_failing` is whether none arrived, or went out into the network, after that.
    """

    last_sent: datetime | None = None
    failed: UUID | None = None
    failed_at: datetime | None = None
    failed_code: int | None = None
    failed_because: str = ""
    is_failing: bool = False

    @property
    def why(self) -> str:
        """Why that text did not arrive, in plain words."""
        if self.failed_code:
            return codes.meaning(self.failed_code).plain
        return self.failed_because or "Nobody said why."


def texts(things: Iterable[int], newest: str) -> dict[int, Texts]:
    """What became of the newest texts of each thing that has any, by their ids, by one query.

    `newest` is SQL for LOOKED_AT texts from `thing.id` on, in the order of an index that begins with the
    thing; those of the next things are dropped again. Asked for the newest texts of one thing alone,
    PostgreSQL goes through the newest of all until it has enough of that one: all, where there are none.
    """
    values: dict[str, Any] = {
        "things": list(things),
        "limit": LOOKED_AT,
        "failed": [state.value for state in NOT_ARRIVED],
        "went_out": [State.SENT.value, State.DELIVERED.value],
    }
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS.format(newest=newest), values)
        return {thing: Texts(*found) for thing, *found in cursor.fetchall()}


_TEXTS = """
WITH seen AS MATERIALIZED (
    SELECT newest.*
    FROM unnest(%(things)s::bigint[]) AS thing (id)
    JOIN LATERAL ({newest}) newest ON newest.thing = thing.id
), failed AS (
    SELECT DISTINCT ON (thing) * FROM seen WHERE state = ANY(%(failed)s) ORDER BY thing, created_at DESC
), went AS (
    SELECT thing, max(created_at) FILTER (WHERE provider_sid IS NOT NULL) AS last_sent,
        max(created_at) FILTER (WHERE state = ANY(%(went_out)s)) AS went_out
    FROM seen GROUP BY thing
)
SELECT thing, last_sent, failed.id, failed.created_at, failed.error_code, COALESCE(failed.reason, ''),
    failed.id IS NOT NULL AND COALESCE(failed.created_at > went_out, TRUE)
FROM went LEFT JOIN failed USING (thing)
"""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a text would leave now: `label` in a word or two, `why` not and how to `mend` that.

    `tone` is a label's: good, warn (it may not) or bad (it will not). `credentials` says how they were found.
    """

    label: str
    tone: str
    credentials: str
    texts: Texts
    why: str = ""
    mend: str = ""

    @property
    def is_good(self) -> bool:
        return self.tone == "good"


@dataclass(frozen=True, slots=True)
class Carriers:
    """What stops texts whatever they say: the pauses that last, the widest first; the senders that are paused
    or held back, by account and address; and what was found last of Atlas as it is configured."""

    pauses: list[Pause]
    stopped: Mapping[tuple[str, str], Sender]
    atlas: AtlasCheck | None

    @classmethod
    def now(cls) -> Carriers:
        """As it is stored, by three queries."""
        pauses = list(Pause.standing())
        scopes = [each.scope.partition(":") for each in pauses]
        paused = [int(key) for kind, _, key in scopes if kind == SENDER]
        stopped = Sender.objects.filter(Q(held_at__isnull=False) | Q(pk__in=paused))
        return cls(pauses, {(each.account_sid, each.address): each for each in stopped}, AtlasCheck.last())

    def pause(self, scopes: Collection[str], account_sid: str, sender: Sender | None) -> Pause | None:
        """What pauses the texts of these scopes from one sender, as Pause.against() does; None if nothing."""
        wider = [EVERYTHING, account_scope(account_sid), *([sender_scope(sender)] if sender else [])]
        return next((each for each in self.pauses if each.scope in (*scopes, *wider)), None)


def of(
    thing: Sendable, carriers: Carriers, texts: Texts, withheld: str = "", scopes: Collection[str] = ()
) -> Health:
    """The health of a template or an action whose owner's profile is loaded; `withheld` is why it is not sent
    where it is looked at, though elsewhere it may be, and `scopes` are by what it can be paused there."""
    profile = thing.owner_profile()
    credentials = _credentials(thing, carriers.atlas)
    account_sid = profile.account_sid(thing.provider)
    sender = carriers.stopped.get((account_sid, thing.effective_sender()))
    if pause := carriers.pause(scopes, account_sid, sender):
        return Health("paused", "bad", credentials, texts, pause.words)
    if withheld:
        mend = "Its owner changes that with “Others may use it” on its page."
        return Health("cannot be sent", "bad", credentials, texts, withheld, mend)
    if obstacle := thing.obstacle():
        return Health("cannot be sent", "bad", credentials, texts, obstacle)
    if sender and sender.held_at:
        meaning = codes.meaning(sender.held_code) if sender.held_code else None
        is_account = meaning is not None and meaning.consequence is Consequence.HOLD_ACCOUNT
        return Health(
            "account refused" if is_account else "sender held",
            "bad",
            credentials,
            texts,
            sender.held_because,
            meaning.remedy if meaning else "",
        )
    if texts.is_failing:
        return Health("last text failed", "warn", credentials, texts)
    if thing.provider == ProviderName.ATLAS:
        if carriers.atlas and carriers.atlas.is_refused:
            why = "When it was last checked, the carrier did not take it as it is set up."
            return Health("Atlas is refused", "warn", credentials, texts, why, "See Activity > Atlas.")
    elif profile.refused_because:
        return Health("credentials refused", "bad", "", texts, profile.refused_because, _ENTER_AGAIN)
    elif profile.verified_at is None:
        why = "Twilio has not confirmed the credentials yet. It is asked again each minute."
        return Health("not verified yet", "warn", "", texts, why)
    elif verification.is_foreign(thing.effective_sender(), profile.senders):
        return Health(
            "sender not found",
            "warn",
            credentials,
            texts,
            f"The account had no {thing.effective_sender()} when it was verified.",
            "Choose another From; or, if it is new at Twilio, have its owner press “Verify again” under "
            "Account > My profile.",
        )
    return Health("healthy", "good", credentials, texts)


_ENTER_AGAIN = "Its owner enters them again under Account > My profile."


def sender_words(thing: Sendable) -> str:
    """The From that a text leaves with, as people call it; "" if there is none."""
    address = thing.effective_sender()
    names: Mapping[str, str] = {}
    if thing.provider == ProviderName.TWILIO:
        names = thing.owner_profile().senders or {}
    return verification.named(address, names.get(address, "")) if address else ""


def _credentials(thing: Sendable, atlas: AtlasCheck | None) -> str:
    if thing.provider == ProviderName.ATLAS:
        checked = f"checked {verification.ago(atlas.at)}" if atlas else "not checked yet"
        return f"The platform's own account, {checked}"
    profile = thing.owner_profile()
    return f"Credentials {verification.when(profile)}" if profile.has_credentials else ""
