"""Who may be texted."""

from __future__ import annotations

import re

from campaigns.models import Campaign
from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked
from campaigns.tools import CONFIRMED_DIGITS
from sms import countries, numbers
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
        recipient = request.recipient
        return PASSES if recipient and numbers.is_in_plan(recipient) else self.refuses()


class NotTextable(Rule):
    code = "number_not_textable"
    title = "A person's phone"
    plain = (
        "The number is a premium-rate, shared-cost or personal one, a pager's, a voicemail box's, a "
        "company's for all of its places, a satellite phone's, or nobody's."
    )
    say = "That number can't get text messages. Is there a mobile number that I can use?"
    say_of_caller = "The number that you're calling from can't get text messages, so nothing was sent."

    def check(self, request: Request) -> Verdict:
        if not request.recipient:
            return not_asked(NOBODY)
        if not numbers.untextable(request.recipient):
            return PASSES
        return self.refuses(self.say if request.tool.texts_anyone else self.say_of_caller)


class OtherCountry(Rule):
    """By region and not by prefix: +1 876 is Jamaica. The caller's own number is held to it, too: whoever is
    paid for each text to a number can call from it, or pretend to."""

    code = "country_not_allowed"
    title = "Country"
    plain = "The number belongs to a country that the campaign does not text."
    say = "I can't send texts to numbers in that country. Is there another number?"
    say_of_caller = "I can't send texts to the country of the number that you're calling from."

    def check(self, request: Request) -> Verdict:
        if not request.recipient:
            return not_asked(NOBODY)
        if request.campaign.texts(numbers.country(request.recipient)):
            return PASSES
        return self.refuses(self.say if request.tool.texts_anyone else self.say_of_caller)

    def here(self, campaign: Campaign) -> str:
        return countries.named([campaign.country, *campaign.other_countries])


class NotConfirmed(Rule):
    code = "recipient_not_confirmed"
    title = "Number read back"
    plain = "The last digits that the caller confirmed are missing, or are not those of the number."
    say = (
        "I haven't sent anything yet. Let me read that number back to you first, so that you can confirm it."
    )

    def check(self, request: Request) -> Verdict:
        if not request.tool.texts_anyone:
            return not_asked(_TO_THE_CALLER)
        if not request.recipient:
            return not_asked(NOBODY)
        return PASSES if confirms(request.confirmed_digits, request.recipient) else self.refuses()


def confirms(digits: str, e164: str) -> bool:
    """Whether these are the last four digits of a number; they may stand apart: 0 1 2 3."""
    return re.sub(r"[ .,-]", "", digits) == e164[-CONFIRMED_DIGITS:]


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
