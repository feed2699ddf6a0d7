"""What each of Twilio's error codes means for a text: one table, and a safe meaning for what is not in it.

Codes and their meaning: https://www.twilio.com/docs/api/errors. Twilio adds codes without notice.

A code comes in the answer to our request, or later in a receipt. What a receipt says failed is never sent
again by itself, though Twilio says of some codes that a later try may work (30003, 30008, 30017, 30500): the
call is over by then, and some of them do not even prove that the text did not arrive. So RETRY and DOUBT
follow from an answer only; the others from a receipt, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Consequence(StrEnum):
    """What follows from a refusal or a failure."""

    FAIL = "fail"  # This text never will be sent as it stands.
    OPT_OUT = "opt out"  # Nor will any other to this number.
    HOLD_SENDER = "hold the sender"  # Nothing goes from this sender until a person mends it.
    HOLD_ACCOUNT = "hold the account"  # Nothing goes with this credential until a person mends it.
    RETRY = "retry"  # It was surely not taken, and may be later.
    DOUBT = "doubt"  # It may have been taken: the carrier is asked.
    NOTICE = "notice"  # Nothing follows for any text; a person should know.


# From here on they come by receipt: the carrier takes a text first. That it takes another proves nothing.
FIRST_BY_RECEIPT = 30_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code in words: `plain` for ops, `say` for the agent, `remedy` for who can mend it."""

    consequence: Consequence
    plain: str
    say: str
    remedy: str


CANNOT_REACH = "That number can't get text messages. Is there another one?"
NOT_NOW = "I can't send text messages at the moment."
NOT_THIS = "That text could not be sent."
OPTED_OUT = "That number has opted out of our text messages."
MAYBE_LATER = "The text could not be delivered just now."
CANNOT_TELL = "I can't tell whether the text arrived."
CHECKING = "I'm still checking whether the text went out."

_RECIPIENT = "Ask for another number; landlines and some internet numbers cannot get texts."
_CONSOLE = "Look at the account's first page in the Twilio console."
_SENDER = "Choose another From under Build > SMS or Actions Added, or set this one up in the Twilio console."
_BUG = "Report this as a fault of Midcall: it should have been found before sending."
_REGISTRATION = "Finish the registration of this sender in the Twilio console; until then carriers refuse it."
_A2P = (
    "Register the brand and its campaign under Messaging > Regulatory compliance > A2P 10DLC in the Twilio "
    "console, and put this number into the campaign's Messaging Service."
)
_TOLL_FREE = "Submit the toll-free verification of this number in the Twilio console; it takes some days."
_NOTHING = "Nothing; the carrier's decision stands."
_SENDING_RATE = "Lower the sender's rate under Messages > Senders, or have Twilio raise its limit."
_SERVICE = "Check the Messaging Service and its senders in the Twilio console."
_CONTENT = "Change the wording; links and some words are filtered by carriers."
_BY_ITSELF = "Nothing: it is looked up at Twilio by itself."


def _row(consequence: Consequence, plain: str, say: str, remedy: str, *codes: int) -> dict[int, Meaning]:
    return {code: Meaning(consequence, plain, say, remedy) for code in codes}


_C = Consequence

MEANINGS: dict[int, Meaning] = {
    # The account
    **_row(_C.HOLD_ACCOUNT, "Twilio does not accept the Account SID and Auth Token.", NOT_NOW,
           "Enter the credentials again under Account > My profile.", 20003, 20006, 20403,
           *range(20151, 20161)),
    **_row(_C.HOLD_ACCOUNT, "The Twilio account is not active.", NOT_NOW, _CONSOLE, 20005, 30002),
    **_row(_C.HOLD_ACCOUNT, "These are test credentials: they send nothing.", NOT_NOW,
           "Enter the live credentials under Account > My profile.", 20008),
    **_row(_C.HOLD_ACCOUNT, "Twilio does not know the account.", NOT_NOW,
           "Enter the credentials again under Account > My profile.", 20404, 21470, 21471, 21472),
    **_row(_C.HOLD_ACCOUNT, "The trial account may text verified numbers only.", NOT_NOW,
           "Verify the number in the Twilio console, or upgrade the account.", 21608, 21219),
    **_row(_C.HOLD_ACCOUNT, "The account has reached its daily limit.", NOT_NOW,
           "Wait until tomorrow, or ask Twilio to raise the limit.", 63038),
    **_row(_C.RETRY, "The account sends faster than Twilio takes.", NOT_NOW, _SENDING_RATE,
           20429, 63017, 63018),
    **_row(_C.DOUBT, "A fault at Twilio; it may have the text.", CHECKING, _BY_ITSELF, 20500, 20503),
    # The recipient
    **_row(_C.FAIL, "The recipient is not a phone number.", CANNOT_REACH, _RECIPIENT,
           21211, 21217, 21401, 21421),
    **_row(_C.FAIL, "The recipient cannot get texts from this sender.", CANNOT_REACH, _RECIPIENT,
           21214, 21612),
    **_row(_C.FAIL, "The recipient is not a mobile number.", CANNOT_REACH, _RECIPIENT, 21614),
    **_row(_C.FAIL, "The account may not text this country.", CANNOT_REACH,
           "Switch the country on in the Twilio console: Messaging > Settings > Geo permissions.", 21408),
    **_row(_C.OPT_OUT, "The recipient has opted out (texted STOP).", OPTED_OUT,
           "Only the person can opt in again, by texting START.", 21610),
    **_row(_C.OPT_OUT, "The recipient is on a list of people who sue over texts.", OPTED_OUT, _NOTHING,
           30640),
    **_row(_C.FAIL, "The handset is switched off or out of reach.", MAYBE_LATER,
           "Try again later by hand.", 30003),
    **_row(_C.FAIL, "The recipient blocks texts from this sender.", CANNOT_REACH, _NOTHING, 30004),
    **_row(_C.FAIL, "The number is unknown to its carrier.", CANNOT_REACH, _RECIPIENT, 30005),
    **_row(_C.FAIL, "The number is a landline, or its carrier takes no texts.", CANNOT_REACH, _RECIPIENT,
           30006),
    # The sender
    **_row(_C.HOLD_SENDER, "The sender's queue at Twilio is full.", NOT_NOW, _SENDING_RATE, 21611, 30001),
    **_row(_C.HOLD_SENDER, "The account cannot send texts from this From.", NOT_NOW, _SENDER,
           21212, 21601, 21606, 21607, 21616, 21659, 21660),
    **_row(_C.HOLD_SENDER, "The Messaging Service is missing, empty or wrongly set up.", NOT_NOW, _SERVICE,
           21701, 21702, 21703, 21704, 21705, 21709, 21712, 21715),
    **_row(_C.HOLD_SENDER, "The A2P 10DLC registration is missing: US carriers refuse this number.", NOT_NOW,
           _A2P, 30034),
    **_row(_C.HOLD_SENDER, "The A2P 10DLC registration of this number is not finished or not accepted.",
           NOT_NOW, _A2P, *range(21717, 21729), 30035, 30125),
    **_row(_C.HOLD_SENDER, "The toll-free verification is missing: US carriers refuse this number.", NOT_NOW,
           _TOLL_FREE, 30032),
    **_row(_C.HOLD_SENDER, "The sender id must be registered in this country first.", NOT_NOW,
           _REGISTRATION, 30018, 30024),
    **_row(_C.HOLD_SENDER, "The sender has reached its daily limit at the US carriers.", NOT_NOW,
           "Wait until tomorrow, or raise the registered campaign's limit.", 30023, 30027),
    **_row(_C.NOTICE, "The sender has used half or more of its daily limit at the US carriers.", "",
           "Expect it to be held when the limit is reached, or raise the registered campaign's limit.",
           30025, 30026),
    **_row(_C.HOLD_SENDER, "The channel is not set up.", NOT_NOW, _SERVICE,
           63001, 63002, 63007, 63008, 63020, 63022, 63035),
    # The text
    **_row(_C.FAIL, "Twilio found the request wrong.", NOT_THIS, _BUG,
           20422, 21602, 21603, 21604, 21609, 21617, 21618, 21619, 21620, 21621, 21622, 21623, 21624, 21626,
           *range(21652, 21657), 90007),
    **_row(_C.FAIL, "The carrier filtered the text as spam.", NOT_THIS, _CONTENT, 30007),
    **_row(_C.FAIL, "The carrier takes no text of this kind or length.", NOT_THIS, _CONTENT,
           30010, 30011, 30012, 30013, 30014, 30015, 30016, 30019, 30028, 30029, 30030, 30031),
    **_row(_C.FAIL, "Twilio blocked it as a likely fraud (SMS pumping).", NOT_THIS,
           "Look for many texts to one range of numbers; limit the countries of the campaign.", 30450, 30453),
    **_row(_C.FAIL, "The carrier's quiet hours do not allow it now.", MAYBE_LATER,
           "Send it again in the recipient's daytime.", 30610),
    **_row(_C.FAIL, "It could not be sent in the time that it was worth sending.", MAYBE_LATER,
           "Raise “send within”, if it happens often.", 30036),
    **_row(_C.FAIL, "The content or template is not allowed on this channel.", NOT_THIS, _CONTENT,
           63005, 63006, 63013, 63016, 63021, *range(63026, 63031), 63034, 63040, 63041),
    **_row(_C.FAIL, "The recipient cannot be reached on this channel.", CANNOT_REACH, _RECIPIENT,
           63003, 63024, 63031, 63032, 63036),
    **_row(_C.OPT_OUT, "The recipient has blocked us on this channel.", OPTED_OUT, _NOTHING, 63014, 63033),
    # The network
    **_row(_C.FAIL, "The carrier gave no reason.", MAYBE_LATER, "Try again later by hand.", 30008),
    **_row(_C.FAIL, "The carrier is congested.", MAYBE_LATER, "Try again later by hand.", 30017),
    **_row(_C.FAIL, "The sender sends faster than US carriers take (A2P 10DLC).", MAYBE_LATER, _SENDING_RATE,
           30022),
    **_row(_C.FAIL, "A fault at Twilio or the carrier.", MAYBE_LATER, "Try again later by hand.",
           30020, 30021, 30500, 63009, 63010, 63012, 63023),
    **_row(_C.FAIL, "The carrier did not answer Twilio; the text may have arrived.", CANNOT_TELL,
           "Ask the recipient before you send it again.", 30410),
    # Us
    **_row(_C.NOTICE, "Twilio could not reach Midcall, or could not read its answer.", "",
           "Is PUBLIC_URL right, and reachable from outside?", 11200, 11205, 12100, 12300),
}  # fmt: skip


def meaning(code: int | None) -> Meaning:
    """What a code means. An unknown one fails this text, and nothing else."""
    known = MEANINGS.get(code or 0)
    if known:
        return known
    return Meaning(
        Consequence.FAIL,
        f"The provider reports error {code}." if code else "The provider gave no reason.",
        NOT_THIS,
        f"Look it up: https://www.twilio.com/docs/errors/{code}" if code else _NOTHING,
    )
