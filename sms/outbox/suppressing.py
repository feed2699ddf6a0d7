"""Opt-outs of people who were forgotten: they stand, and nobody can read whose they are."""

from __future__ import annotations

from django.db import transaction

from sms import suppression
from sms.models import OptOut


def keep_unreadable(recipient: str) -> int:
    """Put its digest in the place of a number (E.164) on its opt-outs, and erase what was said. How many.

    Of a START its id stays, which a signature holds for ever: one that comes again lifts no later STOP.
    """
    with transaction.atomic():
        rows = list(OptOut.objects.filter(recipient=recipient).select_for_update())
        if any(row.lifted_at is None for row in rows):
            # Forgotten before, and opted out once more in that instant: one of the two is enough.
            OptOut.objects.filter(recipient=suppression.digest(recipient), lifted_at=None).delete()
        for row in rows:
            row.lifted_because = _id_of_start(row.lifted_because)
            row.recipient, row.evidence = suppression.digest(recipient), ""
            row.save(update_fields=["recipient", "evidence", "lifted_because"])
        return len(rows)


def _id_of_start(because: str) -> str:
    said, found, ends = because.rpartition(" (")
    return f"They texted START{found}{ends}" if said.startswith("They texted “") else ""
