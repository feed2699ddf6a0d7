"""What became of each text, from three sources that do not know each other.

The agents say what they were promised, the carrier what it holds, the database what it believes.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from tests.faults.load import Load
from tests.faults.site import Site

OPEN = ("queued", "held", "submitting", "unconfirmed")
# The carrier never had it, and the product says so: true, but for the row to allow.
HONEST_ENDS = {"failed", "expired", "unknown", "blocked", "canceled"}
LOOK_SECONDS = 0.25
# Receipts may still come when nothing is open any more; they are waited for until this long none came.
QUIET_SECONDS = 0.6
# The stories of so many suspects are kept.
TOLD = 20

_MESSAGE_ID = re.compile(r"/twilio/status/([0-9a-f-]{36})/")


@dataclass(frozen=True)
class Verdict:
    """The counts of one row. `doubted` were in doubt for a while, `given_up` ended honestly without the
    carrier; what comes after must be 0."""

    acknowledged: int
    carrier: int
    doubted: int
    given_up: int
    lost: int
    doubled: int
    phantom: int
    stuck: int
    rank: int

    def faults(self) -> dict[str, int]:
        """The counts that must be 0 and are not."""
        names = [field.name for field in fields(self)]
        counts = {name: getattr(self, name) for name in names[names.index("lost") :]}
        return {name: count for name, count in counts.items() if count}


def settle(site: Site, within: float, *, everything_delivered: bool = False) -> None:
    """Wait until no message is open and receipts have ceased, or until none has been closed for so long.

    On a loaded machine thousands may be in doubt, which are asked about one after the other.
    """
    ends = time.monotonic() + within
    before, since = None, time.monotonic()
    fewest = None
    while time.monotonic() < ends:
        states = dict(site.rows("SELECT state, count(*) FROM sms_message GROUP BY state"))
        open_ones = sum(states.get(state, 0) for state in OPEN)
        if fewest is None or open_ones < fewest:
            fewest, ends = open_ones, time.monotonic() + within
        undelivered = everything_delivered and set(states) != {"delivered"}
        if states != before:
            before, since = states, time.monotonic()
        if not open_ones and not undelivered and time.monotonic() - since > QUIET_SECONDS:
            return
        time.sleep(LOOK_SECONDS)


def check(site: Site, *loads: Load) -> Verdict:
    """Compare what was promised with what the carrier holds and what the database says."""
    promised = {message for load in loads for message in load.promised.values()}
    texts = site.carrier.texts()
    held: Counter[str] = Counter()
    strangers = 0
    for text in texts:
        found = _MESSAGE_ID.search(text["status_callback"] or "")
        held.update([found[1]] if found else [])
        strangers += found is None
    states = {str(pk): state for pk, state in site.rows("SELECT id, state FROM sms_message")}

    unsent = {message for message in promised if not held[message]}
    given_up = {message for message in unsent if states.get(message) in HONEST_ENDS}
    stuck = {message for message, state in states.items() if state in OPEN}
    phantoms = {message for message in held if message not in states}
    # Every request was repeated until it was answered: a row that nobody was told of is one too many.
    unpromised = set(states) - promised
    lost = unsent - given_up - stuck
    doubled = {message for message, count in held.items() if count > 1}
    _tell(site, texts, lost | doubled | stuck | phantoms | unpromised)
    return Verdict(
        acknowledged=len(promised),
        carrier=held.total() + strangers,
        doubted=_doubted(site),
        given_up=len(given_up),
        lost=len(lost) + sum(len(load.unanswered) for load in loads),
        doubled=sum(held[message] - 1 for message in doubled),
        phantom=len(phantoms | unpromised) + strangers + sum(len(load.contradictions) for load in loads),
        stuck=len(stuck),
        rank=_rank_violations(site),
    )


def _tell(site: Site, texts: list[dict[str, Any]], suspects: set[str]) -> None:
    """Leave the whole story of a few suspects in the row's folder, for whoever has to find out why."""
    lines = []
    for message in sorted(suspects)[:TOLD]:
        lines += [f"--- {message}"]
        for table, key in (("sms_message", "id"), ("sms_messageevent", "message_id")):
            found = site.rows(f"SELECT to_jsonb(t) FROM {table} t WHERE {key} = %s ORDER BY 1", message)
            lines += [json.dumps(row) for (row,) in found]
        lines += [json.dumps(text) for text in texts if message in (text["status_callback"] or "")]
    if lines:
        (site.folder / "suspects.txt").write_text("\n".join(lines))


def _doubted(site: Site) -> int:
    [(count,)] = site.rows(
        "SELECT count(DISTINCT message_id) FROM sms_messageevent WHERE state = 'unconfirmed'"
    )
    return int(count)


def _rank_violations(site: Site) -> int:
    """Messages that stand lower than the highest that a carrier has reported of them."""
    ranks = site.ground.ranks
    found = site.rows(
        """SELECT m.state, array_agg(DISTINCT e.state)
           FROM sms_message m JOIN sms_messageevent e ON e.message_id = m.id
           WHERE e.provider_sid <> '' AND e.provider_status <> ''
           GROUP BY m.id"""
    )
    return sum(1 for state, reported in found if ranks[state] < max(ranks[each] for each in reported))
