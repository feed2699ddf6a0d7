"""What is left of calls when what was said in them is erased: that they were, and what came of them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet
from django.db.models.functions import Now

from campaigns.models import Call, Consent, ToolCall
from sms.erasing import erasing


def erase_tool_calls(tool_calls: Collection[int]) -> int:
    """Erase what was asked and answered in tool calls. How many.

    Their fingerprints, too: a number is found again by whoever tries them all.
    """
    return ToolCall.objects.filter(pk__in=tool_calls, erased_at=None).update(
        parameters={}, say="", fingerprint="", erased_at=Now()
    )


def erase_calls(calls: QuerySet[Call]) -> int:
    """Erase who called. How many calls."""
    return calls.filter(erased_at=None).update(caller_number="", caller_name="", erased_at=Now())


def erase_consents(consents: QuerySet[Consent], of: str = "") -> int:
    """Erase who agreed, and in which words; of another number than `of`, if one is given, the words alone.

    How many.
    """
    with erasing():
        consents = consents.filter(erased_at=None)
        if of:
            # A caller agreed for somebody else, whose number that is.
            consents.exclude(recipient=of).update(words="", caller_name="")
            consents = consents.filter(recipient=of)
        return consents.update(recipient="", caller_name="", words="", erased_at=Now())
