"""Who may be texted, and with what consent: the rules, in the order in which they are asked.

Each is asked before a message exists. Each has a code that never changes, a sentence for people, and one for
the agent to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from campaigns.agreeing import agrees
from campaigns.models import Campaign
from sms import numbers, text
from sms.models import AtlasDay, OptOut, Sender
from sms.outbox import Promise


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason not to text. `code` is for programs, `plain` for people, `say` for the agent."""

    code: str
    plain: str
    say: str


class Refused(Exception):
    """A rule forbids the text."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.plain)
        self.rule = rule


class Request(NamedTuple):
    """What a tool call asks for. `caller_number` is E.164 or "", `asked_number` as the model wrote it,
    `obstacle` why the tool cannot send."""

    campaign: Campaign
    obstacle: str
    texts_anyone: bool
    needs_consent: bool
    caller_number: str
    asked_number: str
    consent: str


CAMPAIGN_OFF = Rule(
    "campaign_off",
    "The campaign is switched off.",
    "I can't send text messages at the moment, so nothing was sent.",
)
CANNOT_SEND = Rule(
    "not_configured",
    "The sender, the credentials or the provider of this tool are not set up.",
    "I can't send text messages at the moment, so nothing was sent.",
)
SENDER_HELD = Rule(
    "sender_held",
    "The carrier refuses the sender or its account; somebody has to mend that first.",
    "I can't send text messages at the moment, so nothing was sent.",
)
NO_CONSENT = Rule(
    "consent_required",
    "The agent did not say what the caller answered when asked.",
    "I haven't sent anything yet. Is it all right if I send you a text message?",
)
NO_CALLER_NUMBER = Rule(
    "no_caller_number",
    "The call came without the caller's number.",
    "I can't see your number on this call, so I couldn't send the text.",
)
NOT_A_NUMBER = Rule(
    "invalid_recipient",
    "The number that the agent gave is not a phone number.",
    "That doesn't look like a phone number that can get texts. Could you give it to me again?",
)
OTHER_COUNTRY = Rule(
    "country_not_allowed",
    "The number belongs to another country than the campaign's.",
    "I can't send texts to numbers in that country. Is there another number?",
)
LINK = Rule(
    "link_not_allowed",
    "The agent wrote a web address where none, or not this one, is allowed.",
    text.NO_LINK,
)
FORBIDDEN_WORD = Rule(
    "forbidden_word",
    "The agent wrote a word that the action forbids.",
    "I can't text it in those words. I'll put it differently.",
)
NO_CALLER_NAME = Rule(
    "no_caller_name",
    "The text needs the caller's name, which the runtime did not send, and its variable has no default.",
    "I don't have your name on this call, so I couldn't send that text.",
)
TOO_LONG = Rule(
    "too_many_segments",
    "With what the agent wrote, the text takes more segments than its template or action allows.",
    "That text came out too long, so I couldn't send it.",
)
OPTED_OUT = Rule(
    "opted_out",
    "The number has opted out.",
    "That number has opted out of our text messages, so nothing was sent.",
)
ATLAS_USED_UP = Rule(
    "daily_cap",
    "The tool's owner has sent as many texts through Atlas today as the operator allows.",
    "I can't send any more text messages today, so nothing was sent.",
)

RULES = [
    CAMPAIGN_OFF,
    CANNOT_SEND,
    SENDER_HELD,
    NO_CONSENT,
    NO_CALLER_NUMBER,
    NOT_A_NUMBER,
    OTHER_COUNTRY,
    LINK,
    FORBIDDEN_WORD,
    NO_CALLER_NAME,
    TOO_LONG,
    OPTED_OUT,
    ATLAS_USED_UP,
]


def permitted_recipient(request: Request) -> str:
    """The number that may be texted, in E.164, as far as the request and the configuration tell.

    Raises Refused with the first rule that forbids it. ask_the_database() has the rest of the rules.
    """
    if not request.campaign.is_active:
        raise Refused(CAMPAIGN_OFF)
    if request.obstacle:
        raise Refused(CANNOT_SEND)
    if request.needs_consent and not agrees(request.consent):
        raise Refused(NO_CONSENT)
    return _recipient(request)


def ask_the_database(promise: Promise) -> None:
    """Raise Refused for a text that what happened elsewhere forbids: a sender held, a recipient opted out.

    The same conditions stand in outbox.NOTHING_IN_THE_WAY, for the statement that asks and promises at once.
    """
    if Sender.held(promise.account_sid, promise.sender):
        raise Refused(SENDER_HELD)
    if OptOut.stands_for(promise.recipient):
        raise Refused(OPTED_OUT)


def count(owner_id: int) -> None:
    """Raise Refused if a tool's owner has had as many texts today as they may; count this one, if not."""
    if not AtlasDay.take(owner_id):
        raise Refused(ATLAS_USED_UP)


def _recipient(request: Request) -> str:
    if not request.texts_anyone:
        if not request.caller_number:
            raise Refused(NO_CALLER_NUMBER)
        return request.caller_number
    try:
        recipient = numbers.parse(request.asked_number, request.campaign.country)
    except numbers.NotANumber:
        raise Refused(NOT_A_NUMBER) from None
    if recipient != request.caller_number and (numbers.country(recipient) != request.campaign.country):
        raise Refused(OTHER_COUNTRY)
    return recipient
