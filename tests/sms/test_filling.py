"""Links that come about between values, and between a value and the text that it stands in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import links, text
from sms.filling import Filling, touching
from sms.models import SmsTemplate, Variable


def filling(body: str, **variables) -> Filling:
    """Of a template that is not stored; a variable without rules is filled by the agent, as usual."""
    template = SmsTemplate(name="booking", body=body)
    template.drafted_translations = []
    template.drafted_variables = [Variable(name=name, **rules) for name, rules in variables.items()]
    return Filling(template)


FIXED = Variable.Source.FIXED


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("Pay at {{ a }}{{ b }}", {"a": "evil", "b": ".com/x"}),
        ("Pay at {{ a }}.{{ b }}", {"a": "evil", "b": "com"}),
        ("Pay at {{ a }}{{ b }}{{ c }}", {"a": "evil", "b": ".", "c": "com"}),
        ("Pay at {{ c }}.com", {"c": "pay-me"}),
        ("Pay at {{ c }}.co.uk now", {"c": "pay-me"}),
        ("Pay at ({{ c }}.com)", {"c": "go to pay-me"}),
        ("Thanks.{{ c }}", {"c": "cm"}),
        ("{{ a }}{{ b }}", {"a": "192.0", "b": ".2.1"}),
        ("{{ a }}{{ b }}", {"a": "http", "b": ":8"}),
        ("{{ a }}:{{ b }}", {"a": "http", "b": "evil"}),
        ("{{ a }}://{{ b }}", {"a": "x", "b": "evil"}),
        ("https://{{ a }}", {"a": "2130706433"}),
        ("https://{{ a }}", {"a": "/evil"}),
        ("https://{{ a }}.example.com/", {"a": "evil"}),
        ("See https://our.shop{{ a }}", {"a": "ping"}),
        ("See https://our.shop{{ a }}/menu", {"a": "@2130706433"}),
        ("See our.shop,{{ a }}{{ b }}", {"a": "x/evil", "b": ".com"}),
        ("Write to {{ a }}@our.shop", {"a": "ann"}),
        ("{{ a }}．{{ b }}", {"a": "ｅｖｉｌ", "b": "ｃｏｍ"}),
        ("{{ a }}[{{ b }}]{{ c }}", {"a": "evil", "b": ".", "c": "com"}),
        ("{{ a }}.com or {{ b }}.com", {"a": "evil", "b": "evil"}),
        ("{{ a }}\u200b{{ b }}", {"a": "evil", "b": ".com"}),
    ],
)
def test_a_link_that_comes_about_is_refused(body, values):
    with pytest.raises(text.HoldsLink, match="may hold no link"):
        filling(body).refuse_links("en", values)


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ("Booked for {{ day }}.", {"day": "Friday"}),
        ("Booked for {{ day }}.\nBring {{ what }}.", {"day": "Friday", "what": "a friend"}),
        ("Grüße, {{ name }}.\nBis {{ day }}!", {"name": "Jörg", "day": "Freitag"}),
        ("“{{ a }}”, {{ b }}: {{ a }}", {"a": "x", "b": "y"}),
        ("{{ a }}/{{ b }} and {{ a }}-{{ b }}{{ b }}", {"a": "x", "b": "y"}),
        ("{{ hours }}:{{ minutes }} p.m.", {"hours": "7", "minutes": "30"}),
        ("{{ price }}.50, No.{{ number }}", {"price": "12", "number": "7"}),
        # What stands in the text itself.
        ("https://our.shop/{{ code }}", {"code": "AB12"}),
        ("https://our.shop/{{ code }}.pdf?x={{ x }}.{{ x }}#{{ code }}", {"code": "menu", "x": "yes"}),
        ("https://our.shop//{{ code }}/x", {"code": "AB12"}),
        ("(our.shop/{{ a }}{{ b }}), ask {{ a }}{{ b }}", {"a": "x", "b": "y"}),
        ("{{ day }}: our.shop; {{ day }},our.shop, {{ day }}'s", {"day": "Friday"}),
    ],
)
def test_what_is_none_or_stands_in_the_text_itself_is_not(body, values):
    filling(body).refuse_links("en", values)


def test_what_a_person_fixed_is_part_of_the_text():
    body = "{{ shop }}{{ end }}/{{ code }}, {{ word }}{{ dot }}"
    fixed = {"shop": "our", "end": ".shop", "dot": ".co"}
    of = filling(body, **{name: {"source": FIXED, "fixed_text": value} for name, value in fixed.items()})

    of.refuse_links("en", {"code": "AB12"})
    with pytest.raises(text.HoldsLink, match="“word” may hold no link, and “pay-me.co” is one"):
        of.refuse_links("en", {"code": "AB12", "word": "pay-me"})


def test_so_is_a_default_as_long_as_no_value_is_given():
    of = filling("{{ a }}{{ b }}", a={"default": "our"}, b={"default": ".shop"})

    of.refuse_links("en", {})
    with pytest.raises(text.HoldsLink):
        of.refuse_links("en", {"a": "evil"})


def test_a_variable_that_allows_links_may_be_part_of_one():
    filling("{{ a }}.com", a={"allows_links": True}).refuse_links("en", {"a": "pay-me"})


def test_but_not_its_neighbour():
    of = filling("{{ a }}{{ b }}", a={"allows_links": True})

    of.refuse_links("en", {"a": "https://our.shop/", "b": "AB12"})
    with pytest.raises(text.HoldsLink, match="“b” may hold no link"):
        of.refuse_links("en", {"a": "https://our.shop", "b": ".evil"})


def test_the_name_of_a_caller_is_no_part_of_one():
    with pytest.raises(text.HoldsLink):
        filling("{{ n }}.com", n={"source": Variable.Source.CALLER_NAME}).refuse_links("en", {"n": "pay-me"})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        *(("Booked for {{ a }}.", set()), ("“{{ a }}”, {{ b }}!", set()), ("{{ a }}\n{{ b }}", set())),
        *(("{{ a }}{{ b }}", {"a", "b"}), ("{{ a }},{{ b }}", {"a", "b"}), ("{{ a }}'s", {"a"})),
        *(("x{{ a }} {{ b }}", {"a"}), ("{{ a }}.com", {"a"}), ("/{{ a }}/ {{ a }}1", {"a"}), ("", set())),
    ],
)
def test_only_what_touches_something_is_looked_at_together_with_it(body, found):
    assert touching(body) == found


VALUES = st.text(alphabet="ab.:/@- c", max_size=8)


@given(
    st.lists(st.sampled_from(["{{ a }}", "{{ b }}", " ", ".", "x", "/", ",", "com"])).map("".join),
    VALUES,
    VALUES,
)
def test_no_link_leaves_that_does_not_stand_in_the_text(body, a, b):
    of = filling(body)
    values = {name: value for name, value in (("a", a), ("b", b)) if not text.is_blank(value)}
    try:
        of.refuse_links("en", values)
    except text.HoldsLink:
        return
    if not links.found(of.filled("en", dict.fromkeys(values, " "))):
        assert not any(links.found(word) for word in of.filled("en", values).split())
