"""What a description leaves open, and what it does not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.content import EXAMPLES
from builder.lint.description import Facts, hints

SEED = "Use this to send a booking confirmation after the customer agrees to a time."


def codes(description, **facts):
    return [hint.code for hint in hints(Facts(description, **facts))]


@pytest.mark.parametrize("description", [SEED, *EXAMPLES])
def test_a_good_one_has_no_hints(description):
    assert codes(description) == []


@pytest.mark.parametrize(
    ("description", "missing"),
    [
        ("Sends an SMS to the caller.", True),
        ("Text the address and the opening hours.", True),
        ("Text the address whenever the caller asks for it.", False),
        ("Once a time is agreed, text the booking.", False),
        ("Asks for directions: text the address.", False),
        ("Schicke dem Anrufer auf Wunsch eine Nachricht mit den Öffnungszeiten.", False),
    ],
)
def test_it_says_when(description, missing):
    assert ("no-when" in codes(description)) == missing


@pytest.mark.parametrize(
    ("description", "missing"),
    [
        (SEED, True),
        (f"{SEED} Always text the caller.", False),
        ("If the caller asks for the menu, send it to them.", False),
        ("When asked for directions, send them to the number that the caller gives.", False),
        ("When asked, text the price to customerPhoneNumber.", False),
        ("When a number of guests is agreed, send the booking.", True),
    ],
)
def test_it_says_whom_to_text_where_that_may_be_anyone(description, missing):
    assert ("no-whom" in codes(description, texts_anyone=True)) == missing
    assert "no-whom" not in codes(description)


@pytest.mark.parametrize(
    "description",
    [
        "When asked, text the menu to another number.",
        "If they agree, text the address to somebody else.",
        "When the caller agrees, send the summary to their assistant.",
    ],
)
def test_nobody_else_is_promised_a_text_that_only_the_caller_gets(description):
    assert codes(description) == ["somebody-else"]
    assert "somebody-else" not in codes(description, texts_anyone=True)


@pytest.mark.parametrize(
    ("description", "found"),
    [
        ("After a time is agreed, text the booking, and have them reply YES to confirm it.", True),
        ("When asked, text the menu; they can text us back with their order.", True),
        ("Once they agree, send the address, and wait for their text reply.", True),
        ("When asked, text the address. Nobody can reply to the text.", False),
        ("When asked, text the address; never ask them to reply with anything.", False),
        ("When asked, text the terms, with “Reply STOP to end this” below.", False),
        ("When the caller replies that they want it, text the address.", False),
        ("When they reply “yes”, text them the address.", False),
    ],
)
def test_nobody_is_asked_to_answer_a_text_that_nobody_reads(description, found):
    assert ("one-way" in codes(description)) == found
    assert ("one-way" in codes(description, agent_writes=False)) == found


@pytest.mark.parametrize(
    ("description", "missing"),
    [
        ("Use this when asked.", True),
        ("Use this to text the caller when they want it.", True),
        ("Use this when the caller asks for something in writing.", True),
        ("Use this when the caller asks for the address.", False),
        ("Use this when nothing else fits, such as for a price.", False),
    ],
)
def test_it_says_what_the_agent_writes_but_a_template_says_that_itself(description, missing):
    assert ("no-what" in codes(description)) == missing
    assert "no-what" not in codes(description, agent_writes=False)


def test_a_link_is_spoken_of_only_where_one_is_allowed():
    description = "When asked, text the link to the booking page."

    assert codes(description) == ["no-host"]
    assert codes(description, allowed_hosts=["example.com"]) == []
    assert codes(description, agent_writes=False) == []
    assert codes("When asked, text the address, and never send a link.") == []


def test_a_shortener_is_allowed_but_not_without_a_word():
    assert codes(SEED, allowed_hosts=["example.com", "bit.ly"]) == ["shortener"]


def test_nothing_is_said_of_nothing():
    assert codes("", texts_anyone=True) == []


def test_what_a_hint_adds_answers_it():
    for hint in hints(Facts("When asked, send it.", texts_anyone=True)):
        assert hint.addition
        assert hint.code not in codes(f"When asked, send it. {hint.addition}", texts_anyone=True)


@given(st.text(max_size=300), st.booleans(), st.booleans())
def test_no_text_raises(description, texts_anyone, agent_writes):
    hints(Facts(description, texts_anyone, agent_writes))


@pytest.mark.parametrize(
    "piece", ["send ", "to the ", "no ", "text it to ", "a", " ", ".", "send a-", "with "]
)
def test_no_text_takes_long(piece):
    started = time.thread_time()
    hints(Facts((piece * 1000)[:1000] + " link", texts_anyone=True))

    assert time.thread_time() - started < 0.5
