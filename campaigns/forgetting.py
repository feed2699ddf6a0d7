"""Forgetting a person: everything that is known of a phone number goes, but for the proof that it did.

And for the opt-out: whoever wanted no texts gets none, forgotten or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from campaigns.erasing import erase_calls, erase_consents, erase_tool_calls
from campaigns.known import Known
from campaigns.models import Call, Consent
from sms import outbox, suppression
from sms.erasing import sweep
from sms.models import Forgotten, Sender


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the proof, and the configuration in which the number still stands."""

    proof: Forgotten
    mentioned: list[models.Model]


class OwnNumber(ValueError):
    """The number is one that texts are sent from: it is nobody's but the business's."""


def forget(number: str, by: Any, because: str) -> Done:
    """Erase all that is known of a number (E.164), with who decided that and why; all of it, or nothing.

    Texts that wait are canceled. Raises OwnNumber, and outbox.OnTheirWay while a worker hands one over.
    """
    if Sender.objects.filter(address=number).exists():
        raise OwnNumber
    known = Known(number)
    with transaction.atomic():
        # First: what is erased below is found by the number and by its texts. With the calls locked no tool
        # call is decided in one meanwhile; what is, is waited for, and found.
        calls = _keys(known.calls().order_by("pk").select_for_update())
        tool_calls = _keys(known.tool_calls())
        consents = _keys(known.consents())
        erased = {
            "texts": outbox.forget(number),
            "calls": erase_calls(Call.objects.filter(pk__in=calls)),
            "tool calls": erase_tool_calls(tool_calls),
            "consents": erase_consents(Consent.objects.filter(pk__in=consents), of=number),
            "opt-outs": outbox.keep_unreadable(number),
        }
        proof = Forgotten.objects.create(
            digest=suppression.digest(number),
            by=by.get_username(),
            because=because,
            erased={words: count for words, count in erased.items() if count},
        )
        mentioned = sweep(number)
    return Done(proof, mentioned)


def _keys(rows: models.QuerySet[Any]) -> list[int]:
    return list(rows.values_list("pk", flat=True))
