"""How often somebody may be texted, and how many texts a campaign may send. The counts stand in
campaigns/counting.py."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings

from campaigns import counting
from campaigns.models import Campaign, ToolCall
from campaigns.safeguards.recipients import NOBODY
from campaigns.safeguards.rule import PASSES, Refused, Request, Rule, Verdict, not_asked
from campaigns.telling import ON_ITS_WAY
from sms import numbers, outbox
from sms.models import AtlasDay, State

_NO_MORE_TODAY = "I can't send any more text messages today, so nothing was sent."


class Limit(Rule):
    """So many and no more. `field` of the campaign holds how many, None for no limit; `window` is for how
    long they are counted, "" where that is no time."""

    field: ClassVar[str]
    window: ClassVar[str] = "day"

    def check(self, request: Request) -> Verdict:
        limit: int | None = getattr(request.campaign, self.field)
        if limit is None:
            return not_asked("The campaign sets no such limit.")
        if not request.recipient:
            return not_asked(NOBODY)
        return PASSES if self.used(request) + self.wanted(request) <= limit else self.refuses()

    def here(self, campaign: Campaign) -> str:
        limit: int | None = getattr(campaign, self.field)
        return "No limit" if limit is None else f"{limit:,} at most"

    def used(self, request: Request) -> int:
        """How many have been promised in the window that runs."""
        return request.uses[self.field].used

    def wanted(self, request: Request) -> int:
        """How many this text would be."""
        return 1


class CallLimit(Limit):
    """Exact where the call is locked, as Call.noted() does; a call's first text needs no counting."""

    code = "call_limit"
    title = "Texts in one call"
    plain = "The call has had as many texts as the campaign allows in one."
    say = "I've sent as many texts as I can in this call, so I haven't sent this one."
    field = "texts_per_call"
    window = ""

    def used(self, request: Request) -> int:
        if request.call is None:
            return 0
        return ToolCall.objects.filter(call=request.call, outcome=ToolCall.Outcome.ACCEPTED).count()


class NumberLimit(Limit):
    code = "number_limit"
    title = "Texts to one number a day"
    plain = "The number has had as many texts today as the campaign allows, from whichever campaign."
    say = "That number has had as many texts from us as it may get today, so I haven't sent this one."
    field = "texts_per_number"

    def used(self, request: Request) -> int:
        return counting.of_number(request.recipient)


class ToolLimit(Limit):
    code = "tool_limit"
    title = "Texts of one tool a day"
    plain = "The tool has sent as many texts in this campaign today as the campaign allows."
    say = "I can't send that text any more today, so nothing was sent."
    field = "texts_per_tool"


class CampaignLimit(Limit):
    code = "campaign_limit"
    title = "Texts of the campaign a day"
    plain = "The campaign has sent as many texts today as it may."
    say = _NO_MORE_TODAY
    field = "texts_per_day"


class SenderLimit(Limit):
    code = "sender_limit"
    title = "Texts from one sender a day"
    plain = "The sender has sent as many texts today as the campaign allows, from whichever campaign."
    say = _NO_MORE_TODAY
    field = "texts_per_sender"


class CountryLimit(Limit):
    code = "country_limit"
    title = "Texts to one country an hour"
    plain = "The campaign has sent as many texts to that country within this hour as it may."
    say = "I can't send any more text messages to that country just now, so nothing was sent."
    field = "texts_per_country"
    window = "hour"


class SegmentLimit(Limit):
    code = "segment_limit"
    title = "Segments a day"
    plain = "With this text, the campaign would send more segments today than its budget allows."
    say = _NO_MORE_TODAY
    field = "segments_per_day"

    def wanted(self, request: Request) -> int:
        return request.draft.size.segments


class AlreadySent(Rule):
    """Stands in outbox.NO_REPEAT, too."""

    code = "already_sent"
    title = "Not sent already"
    plain = "The same text went to the same number a short while ago."
    say = "I've sent that very text already, so I haven't sent it again."

    def check(self, request: Request) -> Verdict:
        minutes = request.campaign.minutes_before_repeat
        if not minutes:
            return not_asked("The campaign lets the same text go out as often as it is asked for.")
        if not request.recipient or request.draft.lacking:
            return not_asked(NOBODY)
        state = outbox.same_text(request.recipient, request.draft.body, timedelta(minutes=minutes))
        return PASSES if state is None else self.refuses(_already(state, request.recipient))

    def here(self, campaign: Campaign) -> str:
        minutes = campaign.minutes_before_repeat
        return f"Within {minutes} minutes" if minutes else "As often as it is asked for"


def _already(state: State, recipient: str) -> str:
    whom = numbers.spoken(recipient)
    if state is State.HELD:
        return f"That very text is waiting to go out to {whom} already, so I haven't sent it again."
    if state in (*ON_ITS_WAY, State.UNCONFIRMED):
        return f"That very text is already on its way to {whom}, so I haven't sent it again."
    return f"That very text was already sent to {whom}, so I haven't sent it again."


class AtlasUsedUp(Rule):
    code = "daily_cap"
    title = "Texts through Atlas a day"
    plain = "The tool's owner has sent as many texts through Atlas today as the operator allows."
    say = _NO_MORE_TODAY

    def check(self, request: Request) -> Verdict:
        if not request.tool.is_capped:
            return not_asked("This tool is not sent through Atlas, or the operator sets no limit.")
        owner = request.tool.source.owner_id
        used = AtlasDay.used_today([owner]).get(owner, 0)
        return PASSES if used < settings.ATLAS_MAX_PER_DAY else self.refuses()


ALREADY_SENT = AlreadySent()
NUMBER_LIMIT = NumberLimit()
ATLAS_USED_UP = AtlasUsedUp()
SHARED: tuple[Limit, ...] = (ToolLimit(), CampaignLimit(), SenderLimit(), CountryLimit(), SegmentLimit())
LIMITS: tuple[Limit, ...] = (CallLimit(), NUMBER_LIMIT, *SHARED)


def take(request: Request) -> None:
    """Count the text wherever texts are counted, and hold what could change that until the transaction ends.

    Raises Refused where there is no room for it; the transaction must then take back what was counted.
    """
    full = counting.take(request.lane, request.draft.size.segments)
    if full:
        raise Refused(next(rule for rule in SHARED if rule.field == full))
    if not counting.take_number(request.recipient, request.campaign.texts_per_number):
        raise Refused(NUMBER_LIMIT)
    # Once more, now that nobody else texts this number.
    repeat = ALREADY_SENT.check(request)
    if repeat.say:
        raise Refused(ALREADY_SENT, repeat.say)
    if request.tool.is_capped and not AtlasDay.take(request.tool.source.owner_id):
        raise Refused(ATLAS_USED_UP)
