"""What a text is promised with, whoever gets it and whatever it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Terms:
    """A snapshot of what ops have configured, so that later edits change nothing of the text.

    `template` and `profile` are ids; the profile is the owner's, with each provider. Worth sending for
    `send_within` from when it is promised; `on_doubt` is of OnDoubt. Texts of a call have priority 0, what
    nobody listens to a higher number. `tested_by` is who tries a template out; "" in a call. `scopes` are
    what it can be paused by (see sms/models/pauses.py), beside its template and what every text can be.
    """

    tool: str
    template: int | None
    provider: str
    profile: int | None
    account_sid: str
    sender: str
    send_within: timedelta
    on_doubt: str
    priority: int = 0
    tested_by: str = ""
    scopes: Sequence[str] = ()
