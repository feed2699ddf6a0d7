"""Writing a template: variables, languages and previews, as the server keeps and counts them."""

from __future__ import annotations

import json
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.forms import modelform_factory
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms.models import SmsTemplate, UserProfile
from sms.writing import SmsTemplateForm
from tests import factories

pytestmark = pytest.mark.django_db

ADD = "admin:sms_smstemplate_add"
CHANGE = "admin:sms_smstemplate_change"
PREVIEW = "admin:sms_smstemplate_preview"
LIST = "admin:sms_smstemplate_changelist"

FORM = {
    "name": "booking",
    "description": "Use this after the caller agreed to a time.",
    "body": "Your table for {{ guests }} is booked for {{ day }}.",
    "language": "en",
    "max_segments": "3",
    "provider": "twilio",
    "sender": "",
    "send_within_seconds": "900",
    "is_active": "on",
}


@pytest.fixture
def ann(olive):
    """A superuser, logged in."""
    ann = factories.UserFactory(username="ann", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(ann)
    client.owner = ann
    return client


@pytest.fixture
def template(ann):
    return factories.TemplateFactory(name="booking", owner=ann.owner, body=FORM["body"])


def allow(user, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def card(name: str, **fields) -> dict[str, str]:
    """What a browser sends of an untouched card, but for `fields`."""
    usual = {"source": "agent", "max_characters": "60", "is_required": "on"}
    sent = {**usual, **fields}
    return {f"var-{name}-{field}": value for field, value in sent.items() if value is not None}


def texts(*written: tuple[str, str], stored: int = 0, dropped: int | None = None) -> dict[str, str]:
    sent = {"translations-TOTAL_FORMS": str(len(written) + 1), "translations-INITIAL_FORMS": str(stored)}
    for place, (language, body) in enumerate(written):
        sent |= {f"translations-{place}-language": language, f"translations-{place}-body": body}
    if dropped is not None:
        sent[f"translations-{dropped}-DELETE"] = "on"
    return sent


def save(client, template=None, **fields):
    url = reverse(CHANGE, args=[template.pk]) if template else reverse(ADD)
    return client.post(url, {**FORM, "owner": client.owner.pk, **fields})


def judged(client, template, data) -> SmsTemplateForm:
    """The template's form, found to be right and not saved yet."""
    form_class = type("Form", (SmsTemplateForm,), {"user": client.owner})
    form = modelform_factory(SmsTemplate, form_class, exclude=[])(data, instance=template)
    assert form.is_valid(), form.errors
    return form


def stored() -> SmsTemplate:
    return SmsTemplate.objects.get()


def test_what_is_missing_for_it_to_be_sent_is_said_once_it_is_saved(ann):
    UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None)

    said = ann.get(save(ann).url).text
    assert "“booking” cannot be sent yet." in said
    assert "They enter them under Account &gt; My profile." in said

    UserProfile.objects.update(twilio_account_sid="AC" + "1" * 32, twilio_api_key="SK" + "1" * 32)
    assert "cannot be sent yet" in ann.get(save(ann, stored()).url).text


class TestVariables:
    def test_are_stored_with_the_template_and_only_where_something_was_said(self, ann):
        day = card("day", description="The day, such as Friday", max_characters="20", pattern="[A-Za-z ]+")

        response = save(ann, **card("guests"), **day)

        assert response.url == reverse(LIST)
        guests, day = stored().variables()
        assert guests.pk is None
        assert (day.description, day.max_characters, day.pattern) == (
            "The day, such as Friday",
            20,
            "[A-Za-z ]+",
        )

    def test_come_from_the_call_or_stand_fixed(self, ann):
        fixed = card("guests", source="fixed", fixed_text="two")
        called = card("day", source="caller_name", default="you", is_required=None)

        save(ann, **fixed, **called)

        guests, day = stored().variables()
        assert (guests.source, guests.fixed_text) == ("fixed", "two")
        assert (day.source, day.default, day.is_required) == ("caller_name", "you", False)

    def test_are_changed_and_go_with_their_placeholder(self, ann, template):
        factories.VariableFactory(template=template, name="guests", max_characters=5)
        factories.VariableFactory(template=template, name="day", max_characters=9)

        save(ann, template, body="Booked for {{ day }}.", **card("day", max_characters="30"))

        day = stored().typed_variables.get()
        assert (day.name, day.max_characters) == ("day", 30)

    def test_stay_as_they_are_where_a_request_has_no_card(self, ann, template):
        factories.VariableFactory(template=template, name="day", max_characters=9)

        save(ann, template, description="Use this when asked.")

        assert stored().typed_variables.get().max_characters == 9

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"source": "fixed"}, "Write what is to stand there."),
            ({"pattern": "("}, "This is not a pattern"),
            ({"max_characters": "0", "pattern": "a"}, "Write a number from 1 to 300."),
            ({"max_characters": "many"}, "Write a number from 1 to 300."),
            ({"max_characters": "3", "default": "four"}, "By this variable"),
            ({"default": "see example.com"}, "may hold no link"),
            ({"source": "fixed", "fixed_text": "{{ day }}"}, "double braces"),
            ({"source": "nobody"}, "not one of the available choices"),
        ],
    )
    def test_that_cannot_be_are_refused_at_their_field_and_nothing_is_lost_or_stored(self, ann, wrong, words):
        response = save(ann, **card("day", description="The <b>day</b>", **wrong))

        page = response.text
        assert words in unescape(page)
        assert "Something is to be mended in day." in page
        assert 'value="The &lt;b&gt;day&lt;/b&gt;"' in page
        assert not SmsTemplate.objects.exists()

    def test_keep_nothing_that_their_source_does_not_need(self, ann):
        save(ann, **card("day", source="campaign", pattern="(", max_characters="x", default="y" * 999))

        day = stored().typed_variables.get()
        assert (day.source, day.pattern, day.max_characters, day.default) == ("campaign", "", 60, "")

    def test_what_was_typed_for_a_placeholder_that_is_gone_waits_until_it_is_saved(self, ann):
        gone = card("hour", description="The hour")

        page = save(ann, name="no good name", **gone).text

        assert 'data-variable="hour" hidden' in page
        assert 'value="The hour"' in page
        save(ann, **gone, **card("day"), **card("guests"))
        assert not stored().typed_variables.exists()

    def test_one_that_somebody_else_described_meanwhile_is_described_once(self, ann, template):
        data = {**FORM, "owner": ann.owner.pk, **card("day", max_characters="9"), **texts(("es", "Hola"))}
        form = judged(ann, template, data)
        factories.VariableFactory(template=template, name="day", max_characters=7)
        factories.TranslationFactory(template=template, language="es")

        form.save()

        assert stored().typed_variables.get().max_characters == 9
        assert stored().translations.get().body == "Hola"

    def test_one_that_somebody_else_removed_meanwhile_is_there_again(self, ann, template):
        day = factories.VariableFactory(template=template, name="day", max_characters=7)
        data = {**FORM, "owner": ann.owner.pk, **card("day", max_characters="9")}
        form = judged(ann, template, data)
        day.delete()

        form.save()

        assert stored().typed_variables.get().max_characters == 9

    def test_fifty_are_the_most(self, ann):
        body = " ".join(f"{{{{ v{number} }}}}" for number in range(51))

        assert "50 variables at most; this has 51" in save(ann, body=body).text

    def test_a_text_that_is_too_long_with_what_is_fixed_is_refused(self, ann):
        fixed = card("day", source="fixed", fixed_text="x" * 300)

        page = save(ann, body="{{ day }}", max_segments="1", **fixed).text

        assert "This text takes 2 segments (GSM-7) even with nothing filled in" in page

    def test_are_named_in_the_history(self, ann, template):
        save(ann, template, **card("day", max_characters="9"), **card("guests"))

        history = ann.get(reverse("admin:sms_smstemplate_history", args=[template.pk])).text
        assert "Variable “day”" in history and "Translation" not in history


class TestWithoutAScript:
    def test_a_save_with_new_placeholders_leads_back_to_their_cards(self, ann):
        response = save(ann)

        page = ann.get(response.url).text
        assert response.url == reverse(CHANGE, args=[stored().pk]) + "#id_variables"
        assert "New in it: guests, day. The agent fills that in" in page
        assert 'name="var-guests-source"' in page and 'name="var-day-source"' in page

    def test_a_save_with_all_cards_seen_leads_to_the_list(self, ann, template):
        assert save(ann, template, **card("guests"), **card("day")).url == reverse(LIST)

    def test_a_refused_form_shows_the_new_cards(self, ann):
        assert 'name="var-day-source"' in save(ann, name="").text

    def test_there_is_room_for_one_more_language(self, ann, template):
        page = ann.get(reverse(CHANGE, args=[template.pk])).text

        assert 'name="translations-0-body"' in page and 'name="translations-1-body"' not in page


class TestLanguages:
    def test_are_stored_by_tag_or_by_name(self, ann):
        save(ann, language="English", **texts(("Spanish", "Hola {{ day }}"), ("pt_br", "Olá\r\n{{ day }}")))

        assert stored().bodies() == {
            "en": FORM["body"],
            "es": "Hola {{ day }}",
            "pt-BR": "Olá\n{{ day }}",
        }

    def test_are_changed_removed_and_may_change_places(self, ann, template):
        for language in ("de", "es", "fr"):
            factories.TranslationFactory(template=template, language=language, body=language)
        sent = texts(("fr", "de"), ("es", "es"), ("de", "fr"), stored=3, dropped=1)

        save(ann, template, **sent)

        assert stored().bodies() == {"en": FORM["body"], "fr": "de", "de": "fr"}

    def test_stay_as_they_are_where_a_request_has_none(self, ann, template):
        factories.TranslationFactory(template=template)

        save(ann, template, description="Use this when asked.")

        assert stored().translations.count() == 1

    @pytest.mark.parametrize(
        ("written", "words"),
        [
            ([("sp", "Hola")], "Write the language as a tag"),
            ([("", "Hola")], "Write the language, such as es"),
            ([("es", "")], "Write the text"),
            ([("EN", "Hello")], "own text is in this language already"),
            ([("es", "a"), ("ES", "b")], "There is a text in Spanish above already."),
            ([("es", "{{ a b }}")], "A placeholder is written"),
            ([("es", "я" * 300)], "takes 5 segments (UCS-2)"),
            ([("es", "x" * 1601)], "1600 characters"),
        ],
    )
    def test_that_cannot_be_are_refused_at_their_field_and_nothing_is_lost(self, ann, written, words):
        page = unescape(save(ann, **texts(*written)).text)

        assert words in page
        assert written[-1][1] in page
        assert not SmsTemplate.objects.exists()

    def test_a_placeholder_of_a_translation_is_a_variable_too(self, ann):
        save(ann, **texts(("es", "{{ hora }}")), **card("hora", description="La hora"))

        assert stored().typed_variables.get().name == "hora"

    def test_one_that_is_removed_takes_its_variables_along(self, ann, template):
        factories.TranslationFactory(template=template, body="{{ hora }}")
        factories.VariableFactory(template=template, name="hora")

        save(ann, template, **texts(("es", "{{ hora }}"), stored=1, dropped=0), **card("hora"))

        assert not stored().typed_variables.exists() and not stored().translations.exists()

    def test_whoever_may_only_read_sees_them(self, ann, olive):
        template = factories.TemplateFactory(owner=ann.owner)
        factories.TranslationFactory(template=template)
        factories.VariableFactory(template=template, name="day", source="caller_name")
        olive.is_staff = True
        olive.save()
        allow(olive, "view_smstemplate")
        client = Client()
        client.force_login(olive)

        page = client.get(reverse(CHANGE, args=[template.pk])).text

        assert "day: the caller&#x27;s name" in page
        assert "Su mesa para" in page


class TestTheSender:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("+1 (312) 555-0125", "+13125550125"),
            (" Olive&Thyme ", "Olive&Thyme"),
            ("12345", "12345"),
            ("MG" + "AB" * 16, "MG" + "ab" * 16),
        ],
    )
    def test_is_taken_as_people_write_it(self, ann, typed, kept):
        save(ann, sender=typed)

        assert stored().sender == kept

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ("3125550125", "with + and country code"),
            ("+1 312 555", "too many or too few digits"),
            ("MG" + "a" * 30, "MG and 32 of the characters 0-9 and a-f; this has 30 behind the MG"),
            ("Olive and Thyme", "up to 11 letters and digits; this has 15"),
            ("Olivé", "letters without accents"),
        ],
    )
    def test_that_is_none_is_refused_in_plain_words_and_stays_in_its_field(self, ann, typed, words):
        page = unescape(save(ann, sender=typed).text)

        assert words in page
        assert f'value="{typed}"' in page


def preview(client, **fields) -> dict:
    response = client.post(reverse(PREVIEW), {**FORM, **fields})
    assert response.status_code == 200
    return response.json()


def seen(html: str) -> str:
    """The words of a piece of a page."""
    return " ".join(unescape("".join(part.split(">", 1)[-1] for part in html.split("<"))).split())


class TestThePreview:
    def test_fills_in_examples_counts_and_says_how_far_it_may_go(self, ann):
        answer = preview(
            ann, **card("guests", example="four"), **card("day", description="such as Friday 3 May")
        )

        shown = seen(answer["texts"]["body"])
        assert shown.startswith("Your table for four is booked for Friday 3 May. 47 characters")
        assert "1 segment (GSM-7) · with the values shown" in shown
        assert "Usually 1 segment; up to 5 if the agent writes emoji. What takes more than 3" in shown
        assert answer["examples"]["day"] == "Friday 3 May"
        assert answer["said"].startswith("1 segment (GSM-7). Usually 1 segment;")

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"body": "Hello."}, "Always 1 segment; the most is 3."),
            ({"body": "x" * 161, "max_segments": "1"}, "2 segments, and the most is 1."),
            ({"body": "{{ day }}", **card("day", max_characters="30")}, "Usually 1 segment, whatever"),
            ({"body": "{{ day }}", **card("day")}, "Usually 1 segment; up to 2 if the agent writes emoji"),
            (
                {"body": "{{ day }}", **card("day", max_characters="300"), "max_segments": "1"},
                "Up to 2 segments with values as long as they may be, and the most is 1.",
            ),
            ({"body": "{{ day }}", **card("day", pattern="[0-9]+")}, "Usually 1 segment, whatever"),
            (
                {"body": "{{ day }}", **card("day", source="caller_name", max_characters="80")},
                "up to 3 if a name has letters such as ж",
            ),
            (
                {"body": "{{ day }}", **card("day", pattern="[€]+", max_characters="100")},
                "up to 2 if the agent writes signs that count twice",
            ),
            ({"body": "{{ day }}", **card("day", source="fixed", fixed_text="Fri")}, "Always 1 segment"),
        ],
    )
    def test_says_what_it_takes_against_what_it_may(self, ann, fields, words):
        assert words in seen(preview(ann, **fields)["texts"]["body"])

    def test_points_at_what_makes_it_ucs2_with_what_may_stand_there(self, ann):
        body = "😀 It’s “ok” – it’s naïve…"

        html = preview(ann, body=body)["texts"]["body"]

        shown = seen(html)
        assert "curly apostrophe, 2 times" in shown
        assert "Replace with ' instead of curly" in shown and "Replace with - instead of short dash" in shown
        assert "grinning face; nothing reads the same" in shown
        assert "latin small letter i with diaeresis; replacing it changes the spelling" in shown
        assert "Replace all 6" in shown
        edits = [json.loads(unescape(each.split('"')[0])) for each in html.split('data-edits="')[1:]]
        units = body.encode("utf-16-le")
        for start, end, plain in edits[0]["body"]:
            assert units[2 * start : 2 * end].decode("utf-16-le") == "’" and plain == "'"

    def test_says_what_is_won(self, ann):
        body = "’" + "a" * 100

        assert "That makes 1 segment of 2." in seen(preview(ann, body=body)["texts"]["body"])

    def test_points_into_fixed_texts_too(self, ann):
        answer = preview(ann, body="{{ day }}", **card("day", source="fixed", fixed_text="Friday…"))

        html = unescape(answer["texts"]["body"])
        assert "in the fixed text of day" in html
        assert '{"var-day-fixed_text": [[6, 7, "..."]]}' in html

    def test_answers_for_all_languages_and_says_which_is_sent_when(self, ann):
        answer = preview(ann, **texts(("es", "Hola {{ day }}"), ("pt-BR", "Olá")))

        assert set(answer["texts"]) == {"body", "translations-0-body", "translations-1-body"}
        assert seen(answer["texts"]["translations-0-body"]).startswith("Hola day")
        rules = seen(answer["languages"])
        assert "In calls in Spanish (es), of any country, the Spanish text is sent." in rules
        assert "In calls in Brazilian Portuguese (pt-BR) the Brazilian Portuguese text is sent." in rules
        assert "In all other calls, and where nobody said the language, the English text above" in rules
        assert "Every caller gets the text above" in seen(preview(ann)["languages"])
        unfinished = preview(ann, **texts(("sp", "Hola"), ("", "Olá")))
        assert "Every caller gets the text above" in seen(unfinished["languages"])

    def test_judges_no_text_that_is_to_be_removed(self, ann):
        answer = preview(ann, **texts(("es", "{{ hora }}"), dropped=0))

        assert "Every caller gets" in answer["languages"]

    def test_is_the_same_as_the_page_shows_without_a_script(self, ann, template):
        page = ann.get(reverse(CHANGE, args=[template.pk])).text

        answer = ann.post(reverse(PREVIEW), {**FORM, "template": template.pk}).json()

        assert answer["texts"]["body"].strip() in page

    def test_interprets_nothing(self, ann):
        hostile = "<img src=x onerror=alert(1)> {% x %} {0.__class__}"

        html = preview(ann, body=f"{hostile} {{{{ day }}}}", **card("day", example=hostile))["texts"]["body"]

        assert "<img" not in html
        assert seen(html).startswith(f"{hostile} {hostile}")

    def test_says_what_is_wrong_while_one_types(self, ann):
        assert "A placeholder is written {{ name }}" in unescape(preview(ann, body="{{ d")["texts"]["body"])
        assert "1600 characters at most" in preview(ann, body="я" * 5000)["texts"]["body"]

    def test_is_for_whoever_may_write_the_template(self, ann, olive):
        theirs = factories.TemplateFactory(owner=ann.owner)
        olive.is_staff = True
        olive.save()
        client = Client()
        url = reverse(PREVIEW)
        assert client.post(url, FORM).status_code == 302
        client.force_login(olive)
        assert client.post(url, FORM).status_code == 403
        allow(olive, "add_smstemplate", "change_smstemplate", "view_smstemplate")

        assert client.get(url).status_code == 405
        assert client.post(url, FORM).status_code == 200
        assert client.post(url, {**FORM, "template": theirs.pk}).status_code == 403
        for unknown in ("0", "x", "9" * 30, "²"):
            assert client.post(url, {**FORM, "template": unknown}).status_code == 404

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"body": "{{ a }}" * 400},
            {"body": "x" * 200_000},
            {"body": "\0\ud7ff\u202e" * 20},
            {"body": "a" + "\u0301" * 1500},
            {"body": "👩‍" * 500, **card("day", pattern="((((((a+)+)+)+)+)+)+")},
            {"body": "{{ day }}", **card("day", max_characters="99999999999", default="x" * 9999)},
            {"body": "{{ day }}", **card("day", max_characters="٣", source="\0", example="x" * 9999)},
            {"language": "\0", "max_segments": "-1", **texts(("x" * 99, "{{ a }}"), ("", ""))},
            {"translations-TOTAL_FORMS": "999999", "translations-INITIAL_FORMS": "999999"},
            {"translations-TOTAL_FORMS": "x", "translations-INITIAL_FORMS": ""},
            {"translations-TOTAL_FORMS": "-5", "translations-INITIAL_FORMS": "-7"},
        ],
    )
    def test_answers_whatever_is_sent(self, ann, fields):
        assert ann.post(reverse(PREVIEW), fields).status_code == 200

    def test_the_most_that_can_be_sent_is_answered(self, ann):
        cards = {}
        for number in range(50):
            cards |= card(f"v{number}", pattern="[a-z]{1,50}", max_characters="300", example="😀" * 300)
        body = "".join(f"{{{{ v{number} }}}}" for number in range(60)) + "’😀" * 400

        answer = preview(ann, body=body, **cards, **texts(*[("es", "ab😀’" * 400)] * 30))

        assert len(answer["texts"]) == 31

    def test_looks_for_examples_that_suit_twenty_patterns_at_most_because_it_takes_time(self, ann):
        names = [f"v{number}" for number in range(25)]
        cards = [card(name, pattern="[A-Z]{2}[0-9]{4}") for name in names]

        found = preview(
            ann,
            body=" ".join(f"{{{{ {name} }}}}" for name in names),
            **{field: value for each in cards for field, value in each.items()},
        )["examples"]

        assert [name for name in names if found[name] == "AA1111"] == names[:20]
        assert found["v24"] == "v24"

    def test_says_of_a_text_in_another_script_only_what_one_does_not_know(self, ann):
        html = preview(ann, body="Ваш столик – забронирован")["texts"]["body"]

        shown = seen(html)
        assert "В а ш с т о л и and such; nothing reads the same" in shown
        assert "short dash Show" in shown and "cyrillic" not in shown
        assert html.count("mc-bubble-odd") == 1

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        body=st.text(alphabet="{} ab_1’é😀\u0301\n\0") | st.text(),
        rules=st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(["source", "pattern", "default", "max_characters", "example"], st.text()),
        ),
    )
    def test_whatever_is_typed_gets_an_answer_and_stands_in_it(self, ann, body, rules):
        answer = preview(ann, body=body, **card("a", **rules))

        if "{{" not in body and 0 < len(body) <= 1600 and body.isprintable():
            assert unescape(body) == body or seen(answer["texts"]["body"])
            assert "".join(body.split())[:40] in "".join(seen(answer["texts"]["body"]).split()) or "<" in body
