"""Did this person agree? Consents with their evidence, as a page to print and as a sheet.

The columns are what carriers ask for when a sender is registered or complained about: who agreed, when, in
which words, to what, by which means it was recorded, what was then sent, and whether it was withdrawn.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from campaigns.models import Consent
from sms.cells import guarded

# More than anybody prints; the sheet has them all.
MOST_PRINTED = 200
COLUMNS = (
    "Number", "Name", "Agreed (UTC)", "In their words", "Campaign", "Tool", "Covers", "Text sent", "Text id",
    "Message SID", "State of the text", "Text promised (UTC)", "Call id", "Call first seen (UTC)",
    "Tool call id", "Runtime", "Connection", "Withdrawn (UTC)", "Withdrawn by", "Erased (UTC)", "Consent id",
)  # fmt: skip
_WHEN = "%Y-%m-%d %H:%M:%S"


def consents(rows: QuerySet[Consent]) -> QuerySet[Consent]:
    """Consents with all that their evidence is."""
    return rows.select_related(
        "campaign", "tool_call__message", "tool_call__call__connection", "tool_call__action"
    )


def sheet(rows: Iterable[Consent]) -> Iterator[str]:
    """The lines of a sheet with these consents."""
    yield "\ufeff" + _line(COLUMNS)
    for each in rows:
        yield _line(_cells(each))


def _cells(consent: Consent) -> Iterable[str]:
    fired = consent.tool_call
    call, text = fired.call, fired.message
    return (
        consent.recipient or "(erased)",
        consent.caller_name,
        _when(consent.given_at),
        consent.words or "(erased)",
        str(consent.campaign),
        fired.tool,
        "This one text",
        "" if text is None else text.body or "(erased)",
        str(text.pk) if text else "",
        (text and text.provider_sid) or "",
        text.get_state_display() if text else "",
        _when(text and text.created_at),
        call.external_id,
        _when(call.started_at),
        fired.key,
        call.connection.get_runtime_display(),
        call.connection.name,
        _when(consent.withdrawn_at),
        consent.get_withdrawn_by_display(),
        _when(consent.erased_at),
        str(consent.pk),
    )


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow([guarded(cell) for cell in cells])
    return line.getvalue()


def _when(at: Any) -> str:
    return f"{at:{_WHEN}}" if at else ""
