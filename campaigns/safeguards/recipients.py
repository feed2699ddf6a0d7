"""Who may be texted."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked
from sms import numbers
from sms.models import OptOut, Variable

_TO_THE_CALLER = "This tool texts the caller, whatever the agent says."
NOBODY = "There is no number to text."


class NoCallerNumber(Rule):
    code = "no_caller_number"
    title = "Caller's number known"
    plain = "The call came without the caller's number."
    say = "I can't see your number on this call, so I couldn't send the text."

    def check(self, request: Request) -> Verdict:
        if request.caller.number:
            return PASSES
        if not request.tool.texts_anyone:
            return self.refuses()
        if any(each.source == Variable.Source.CALLER_NUMBER for each in request.draft.lacking):
            # The text says it.
            return self.refuses()
        return not_asked("The agent says whom to text, and the text does not hold the caller's number.")


class NotANumber(Rule):
    code = "invalid_recipient"
    title = "A phone number"
    plain = "The number that the agent gave is not a phone number."
    say = "That doesn't look like a phone number that can get texts. Could you give it to me again?"

    def check(self, request: Request) -> Verdict:
        if not request.tool.texts_anyone:
            return not_asked(_TO_THE_CALLER)
        return PASSES if request.recipient else self.refuses()


class OtherCountry(Rule):
    code = "country_not_allowed"
    title = "Country"
    plain = "The number belongs to another country than the campaign's."
    say = "I can't send texts to numbers in that country. Is there another number?"

    def check(self, request: Request) -> Verdict:
        if not request.tool.texts_anyone:
            return not_asked(_TO_THE_CALLER)
        if not request.recipient:
            return not_asked(NOBODY)
        if request.recipient == request.caller.number:
            return PASSES
        is_here = numbers.country(request.recipient) == request.campaign.country
        return PASSES if is_here else self.refuses()

    def here(self, campaign: Campaign) -> str:
        return f"Numbers of {campaign.country}, and the caller's own"


class OptedOut(Rule):
    """Stands in outbox.NOTHING_IN_THE_WAY, too."""

    code = "opted_out"
    title = "Not opted out"
    plain = "The number has opted out."
    say = "That number has opted out of our text messages, so nothing was sent."

    def check(self, request: Request) -> Verdict:
        if not request.recipient:
            return not_asked(NOBODY)
        return self.refuses() if OptOut.stands_for(request.recipient) else PASSES
