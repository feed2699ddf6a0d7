"""Did this person agree? Consents with their evidence, as a page to print and as a sheet.

The columns are what carriers ask for when a sender is registered or complained about: who agreed, when, in
which words, to what, by which means it was recorded, what was then sent, and whether it was withdrawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from campaigns.models import Consent
from sms.cells import as_row, moment
from sms.erasing import ERASED

# More than anybody prints; the sheet has them all.
MOST_PRINTED = 200
COLUMNS = (
    "Number", "Name", "Agreed (UTC)", "In their words", "Campaign", "Tool", "Covers", "Text sent", "Text id",
    "Message SID", "State of the text", "Text promised (UTC)", "Call id", "Call first seen (UTC)",
    "Tool call id", "Runtime", "Connection", "Withdrawn (UTC)", "Withdrawn by", "Erased (UTC)", "Consent id",
)  # fmt: skip


def consents(rows: QuerySet[Consent]) -> QuerySet[Consent]:
    """Consents with all that their evidence is."""
    return rows.select_related(
        "campaign", "tool_call__message", "tool_call__call__connection", "tool_call__action"
    )


def sheet(rows: Iterable[Consent]) -> Iterator[str]:
    """The lines of a sheet with these consents."""
    yield "\ufeff" + as_row(COLUMNS)
    for each in rows:
        yield as_row(_cells(each))


def _cells(consent: Consent) -> Iterable[str]:
    fired = consent.tool_call
    call, text = fired.call, fired.message
    return (
        consent.recipient or ERASED,
        consent.caller_name,
        moment(consent.given_at),
        consent.words or ERASED,
        str(consent.campaign),
        fired.tool,
        "This one text",
        "" if text is None else text.body or ERASED,
        str(text.pk) if text else "",
        (text and text.provider_sid) or "",
        text.get_state_display() if text else "",
        moment(text.created_at if text else None),
        call.external_id,
        moment(call.started_at),
        fired.key,
        call.connection.get_runtime_display(),
        call.connection.name,
        moment(consent.withdrawn_at),
        consent.get_withdrawn_by_display(),
        moment(consent.erased_at),
        str(consent.pk),
    )
