"""What follows from each of Twilio's error codes, in an answer and in a receipt."""

from __future__ import annotations

import pytest

from sms import outbox
from sms.models import Message, OptOut, State
from sms.outbox import Outcome
from sms.providers import codes
from sms.providers.base import Report
from sms.providers.codes import Consequence
from tests.factories import MessageFactory

# Written out once more, from what Twilio says of them, so that a slip in the table shows.
CODES = {
    Consequence.RETRY: [20429, 63017, 63018],
    Consequence.DOUBT: [20500, 20503],
    Consequence.HOLD_ACCOUNT: [
        *(20003, 20005, 20006, 20008, 20403, 20404, *range(20151, 20161), 21219, 21470, 21471, 21472, 21608),
        *(30002, 63038),
    ],
    Consequence.HOLD_SENDER: [
        *(21212, 21601, 21606, 21607, 21611, 21616, 21701, 21702, 21703, 21704, 21705, 21709, 21712, 21715),
        *(*range(21717, 21729), 30001, 30018, 30023, 30024, 30027, 30032, 30034, 30125),
        *(63001, 63002, 63007, 63008, 63020, 63022, 63035),
    ],
    Consequence.OPT_OUT: [21610, 30640, 63014, 63033],
    Consequence.FAIL: [
        *(20422, 21211, 21214, 21217, 21401, 21408, 21421, 21602, 21603, 21604, 21609, 21612, 21614),
        *(*range(21617, 21625), 21626, *range(21652, 21657), 90007),
        *(30003, 30004, 30005, 30006, 30007, 30008, *range(30010, 30018), 30019, 30020, 30021, 30022),
        *(30028, 30029, 30030, 30031, 30036, 30410, 30450, 30453, 30500, 30610),
        *(63003, 63005, 63006, 63009, 63010, 63012, 63013, 63016, 63021, 63023, 63024),
        *(*range(63026, 63033), 63034, 63036, 63040, 63041),
    ],
    Consequence.NOTICE: [11200, 11205, 12100, 12300, 30025, 30026],
}
EACH = [(consequence, code) for consequence, listed in CODES.items() for code in listed]
UNKNOWN = 29_999


@pytest.mark.parametrize(("consequence", "code"), EACH)
def test_a_code_has_its_consequence_and_words_for_everybody(consequence, code):
    meaning = codes.meaning(code)

    assert meaning.consequence is consequence
    assert meaning.plain.endswith(".")
    assert meaning.remedy
    assert meaning.say or consequence is Consequence.NOTICE
    assert str(code) not in meaning.say


def test_what_no_table_can_know_fails_one_text_and_says_where_to_look():
    meaning = codes.meaning(UNKNOWN)

    assert meaning.consequence is Consequence.FAIL
    assert str(UNKNOWN) in meaning.plain
    assert str(UNKNOWN) in meaning.remedy


@pytest.mark.parametrize(
    ("code", "missing"), [(30034, "A2P 10DLC registration"), (30032, "toll-free verification")]
)
def test_a_missing_registration_is_named(code, missing):
    assert f"The {missing} is missing" in codes.meaning(code).plain


class Account:
    """An account that is sending a text, with two more queued: from the same sender, and from another."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.text = self._promised(1, priority=0)
        self.same_sender = self._promised(1, priority=1)
        self.other_sender = self._promised(2, priority=1)
        [self.claimed] = outbox.claim(1)
        assert self.claimed.pk == self.text.pk

    def _promised(self, sender: int, priority: int) -> Message:
        return MessageFactory(
            account_sid=f"AC{self.number:032d}",
            sender=f"+1312555{sender:04d}",
            recipient=f"+1415{self.number:06d}{priority}",
            priority=priority,
            profile=None,
        )

    def states(self) -> tuple[str, str, str]:
        found = dict(Message.objects.values_list("pk", "state"))
        states = [found[message.pk] for message in (self.text, self.same_sender, self.other_sender)]
        Message.objects.all().delete()
        return tuple(states)


WAITS = (State.QUEUED, State.QUEUED)
OTHERS = {
    Consequence.HOLD_ACCOUNT: (State.HELD, State.HELD),
    Consequence.HOLD_SENDER: (State.HELD, State.QUEUED),
}
ANSWERED = {
    Consequence.RETRY: State.QUEUED,
    Consequence.DOUBT: State.UNCONFIRMED,
    Consequence.HOLD_ACCOUNT: State.HELD,
    Consequence.HOLD_SENDER: State.HELD,
    Consequence.OPT_OUT: State.BLOCKED,
}


@pytest.mark.django_db
@pytest.mark.parametrize("consequence", CODES)
def test_what_follows_from_an_answer(consequence):
    for number, code in enumerate([*CODES[consequence], UNKNOWN]):
        account = Account(number)

        outbox.record([Outcome.refused(account.claimed, code)])

        follows = Consequence.FAIL if code == UNKNOWN else consequence
        assert account.states() == (
            ANSWERED.get(follows, State.FAILED),
            *OTHERS.get(follows, WAITS),
        ), code
        assert OptOut.stands_for(account.text.recipient) == (follows is Consequence.OPT_OUT), code


@pytest.mark.django_db
@pytest.mark.parametrize("consequence", CODES)
def test_what_follows_from_a_receipt(consequence):
    for number, code in enumerate([*CODES[consequence], UNKNOWN]):
        account = Account(number)
        sid = f"SM{number:032d}"
        outbox.record([Outcome.taken(account.claimed, Report(sid, "queued", State.ACCEPTED))])

        outbox.receipt(account.text, 1, Report(sid, "undelivered", State.UNDELIVERED, code))

        follows = Consequence.FAIL if code == UNKNOWN else consequence
        # Whatever the code, what a receipt says failed is not sent again.
        assert account.states() == (State.UNDELIVERED, *OTHERS.get(follows, WAITS)), code
        assert OptOut.stands_for(account.text.recipient) == (follows is Consequence.OPT_OUT), code


def test_every_row_is_tested():
    # 21659, 21660 and 30035 stand in the table beside what had to be there.
    assert {code for _, code in EACH} == set(codes.MEANINGS) - {21659, 21660, 30035}
