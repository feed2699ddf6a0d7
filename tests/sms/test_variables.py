"""A template's variables and translations: what they refuse, and what they make of a text."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from sms import text
from sms.models import Variable
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(olive):
    return factories.TemplateFactory(owner=olive)


@pytest.fixture
def variable(template):
    """One of the template's variables, not stored."""

    def make(**fields):
        return factories.VariableFactory.build(template=template, **fields)

    return make


def refused(row, field: str, words: str) -> None:
    with pytest.raises(ValidationError) as error:
        row.full_clean()
    assert words in " ".join(error.value.message_dict[field])


class TestVariables:
    def test_a_placeholder_that_nobody_described_is_filled_by_the_agent(self, template):
        guests, day = template.variables()

        assert (guests.name, day.name) == ("guests", "day")
        assert guests.source == Variable.Source.AGENT
        assert guests.pk is None and guests.max_characters == 60

    def test_what_is_stored_stands_in_the_order_of_the_text(self, template):
        day = factories.VariableFactory(template=template, name="day", max_characters=10)

        assert [each.pk for each in template.variables()] == [None, day.pk]

    def test_those_of_translations_count_too(self, template):
        factories.TranslationFactory(template=template, body="{{ day }} {{ nombre }}")

        assert template.placeholders == ["guests", "day", "nombre"]

    def test_one_that_stands_in_no_text_is_refused(self, variable):
        refused(variable(name="hour"), "name", "{{ hour }}")

    def test_is_described_once(self, template):
        factories.VariableFactory(template=template, name="day")

        with pytest.raises(IntegrityError):
            factories.VariableFactory(template=template, name="day")

    @pytest.mark.parametrize("pattern", ["(", "(a+)+", "(?i)a", "[A-Z]{61}"])
    def test_a_pattern_that_cannot_be_used_is_refused(self, variable, pattern):
        with pytest.raises(ValidationError) as error:
            variable(pattern=pattern).full_clean()

        assert "pattern" in error.value.message_dict

    @pytest.mark.parametrize(
        ("rules", "default"),
        [
            ({"max_characters": 3}, "four"),
            ({"pattern": "[0-9]+"}, "4x"),
            ({}, "see example.com"),
            ({}, "a\x07b"),
        ],
    )
    def test_a_default_obeys_the_rules_of_its_own_variable(self, variable, rules, default):
        refused(variable(default=default, **rules), "default", "own rules")

    def test_a_fixed_text_is_written_down(self, variable):
        refused(variable(source="fixed"), "fixed_text", "Write what is to stand there")

    @pytest.mark.parametrize("fixed", ["{{ other }}", "a }}", "\u202egnp.exe"])
    def test_a_fixed_text_can_be_sent_as_it_stands(self, variable, fixed):
        with pytest.raises(ValidationError) as error:
            variable(source="fixed", fixed_text=fixed).full_clean()

        assert "fixed_text" in error.value.message_dict

    def test_a_fixed_text_may_hold_a_link_because_a_person_wrote_it(self, variable):
        variable(source="fixed", fixed_text="https://example.com/menu").full_clean()


class TestValues:
    @pytest.mark.parametrize(
        ("rules", "value"),
        [
            ({"max_characters": 3}, "four"),
            ({"pattern": "[A-Z]{2}"}, "ABC"),
            ({"pattern": "[A-Z]{2}"}, "AB\n"),
            ({"pattern": r"\d+"}, "٣"),
            ({}, "two\nlines"),
            ({}, "two\u2028lines"),
            ({}, "a\tb"),
            ({}, "a\0b"),
            ({}, "\u202ebob"),
            ({}, "\ud800"),
        ],
    )
    def test_what_does_not_fit_is_refused_in_words_for_both_sides(self, variable, rules, value):
        with pytest.raises(text.CannotBeFilled) as error:
            variable(**rules).refuse(value)

        assert str(error.value) and error.value.say

    @pytest.mark.parametrize("value", ["{{ guests }}", "<b>O'Brien & Sons</b>", "שלום", "👩‍👩‍👧", "%s {0}"])
    def test_whatever_else_is_written_is_text(self, variable, value):
        variable().refuse(value)
        variable().refuse_link(value)

    def test_a_link_is_refused_unless_the_variable_allows_one(self, variable):
        with pytest.raises(text.HoldsLink, match="example.com"):
            variable().refuse_link("see example.com")

        variable(allows_links=True).refuse_link("see example.com")


class TestTranslations:
    def test_a_language_is_stored_in_one_way(self, template):
        translation = factories.TranslationFactory.build(template=template, language="pt_br")
        translation.full_clean()

        assert translation.language == "pt-BR"

    def test_a_language_may_be_called_by_its_name(self, template):
        translation = factories.TranslationFactory.build(template=template, language="Spanish")
        translation.full_clean()

        assert translation.language == "es"

    @pytest.mark.parametrize("language", ["Spanglish", "sp", ""])
    def test_what_is_no_language_is_refused(self, template, language):
        with pytest.raises(ValidationError) as error:
            factories.TranslationFactory.build(template=template, language=language).full_clean()

        assert "language" in error.value.message_dict

    def test_there_is_one_text_a_language(self, template):
        factories.TranslationFactory(template=template, language="es")

        with pytest.raises(ValidationError, match="already"):
            factories.TranslationFactory.build(template=template, language="ES").full_clean()
        refused(factories.TranslationFactory.build(template=template, language="en"), "language", "own text")
        template.language = "es"
        refused(template, "language", "already")

    @pytest.mark.parametrize("body", ["{{ a b }}", "a\0b", "{{ consent }}"])
    def test_a_text_that_cannot_be_sent_as_written_is_refused(self, template, body):
        with pytest.raises(ValidationError) as error:
            factories.TranslationFactory.build(template=template, body=body).full_clean()

        assert "body" in error.value.message_dict


class TestSizes:
    def test_a_text_that_is_too_long_before_anything_is_filled_in_is_refused(self, template):
        template.max_segments = 1
        template.body = "x" * 150 + "{{ a }}"
        template.full_clean()

        template.body = "x" * 161 + "{{ a }}"
        refused(template, "body", "2 segments (GSM-7)")
        translation = factories.TranslationFactory.build(template=template, body="я" * 71)
        refused(translation, "body", "2 segments (UCS-2)")

    def test_a_line_break_counts_once_however_the_browser_sends_it(self, template):
        template.body = "a\r\n" * 80
        template.full_clean()

        assert template.body == "a\n" * 80
        assert text.size(template.body).segments == 1

    def test_how_large_each_languages_text_can_become_is_known(self, template):
        template.body = "{{ code }}{{ day }}"
        template.save()
        factories.TranslationFactory(template=template, language="ru", body="я{{ code }}")
        factories.VariableFactory(template=template, name="code", pattern="[A-Z]+", max_characters=100)
        factories.VariableFactory(template=template, name="day", pattern="[0-9]*", max_characters=60)

        largest = template.largest()

        assert (largest["en"].usually.segments, largest["en"].ever.segments) == (1, 1)
        assert (largest["ru"].ever.encoding, largest["ru"].ever.segments) == ("UCS-2", 2)

    def test_where_anything_may_be_written_the_widest_characters_count(self, template):
        template.body = "{{ day }}"
        factories.VariableFactory(template=template, name="day", max_characters=60)

        largest = template.largest()["en"]

        assert (largest.usually.encoding, largest.usually.segments) == ("GSM-7", 1)
        # 60 emoji are 120 code units.
        assert (largest.ever.encoding, largest.ever.segments) == ("UCS-2", 2)

    def test_what_is_fixed_counts_as_it_is(self, template):
        template.body = "{{ day }}"
        factories.VariableFactory(template=template, name="day", source="fixed", fixed_text="Friday")

        assert template.largest()["en"].ever.characters == len("Friday")


def test_an_unsaved_template_knows_its_variables(olive):
    template = factories.TemplateFactory.build(owner=olive, body="{{ a }}")

    assert [each.name for each in template.variables()] == ["a"]
    assert list(template.largest()) == ["en"]
