"""The text of an SMS: placeholders, filling, what may be sent, segments."""

from __future__ import annotations

import random

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from sms import text


def test_placeholders_come_in_the_order_of_their_first_use():
    assert text.placeholders("{{ b }} {{a}} {{ b }} {{c_1}}") == ["b", "a", "c_1"]


@pytest.mark.parametrize("body", ["{{ }}", "{{ a b }}", "{{ 1a }}", "{{ a.b }}", "{{a", "a}}", "{{a|b}}"])
def test_braces_that_are_no_placeholder_are_found(body):
    assert text.malformed_placeholders(body)


@pytest.mark.parametrize("body", ["", "{a}", "{{ a }}", "a } b", "{{ a }}{{ b }}"])
def test_placeholders_and_single_braces_are_fine(body):
    assert not text.malformed_placeholders(body)


def test_values_are_put_in_literally():
    filled = text.fill("Hi {{ a }} {{ b }}", {"a": "{{ b }} <b>O'Brien & Sons</b>", "b": "{0.__class__}"})

    assert filled == "Hi {{ b }} <b>O'Brien & Sons</b> {0.__class__}"


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "\n\t", "\u00a0", "\u200b", "\u2060\ufeff", "\u2800", "\u3164\u115f", "\u034f\ufe0f"),
        *("\U000e0020\U000e007f", "\ue000\U000f0000", "\u202e", "\u0378"),
    ],
)
def test_what_nobody_sees_is_blank(value):
    assert text.is_blank(value)
    assert not text.is_blank(f"{value}a{value}")


@pytest.mark.parametrize("value", [".", "0", "я", "👍", "e\u0301", "\0", "\ud800"])
def test_what_somebody_sees_or_must_be_told_of_is_not(value):
    assert not text.is_blank(value)


def test_a_variable_without_a_value_is_an_error():
    with pytest.raises(KeyError):
        text.fill("{{ a }}", {})


@given(st.text(), st.text())
def test_whatever_is_filled_in_stands_there_unchanged(before, value):
    body = before.replace("{", "").replace("}", "") + "{{ a }}"

    assert text.fill(body, {"a": value}) == body.removesuffix("{{ a }}") + value


@pytest.mark.parametrize("bad", ["\0", "\ud800", "\x1b[31m", "\u202e", "\u2066", "\x7f"])
def test_characters_that_no_phone_should_get_are_refused(bad):
    with pytest.raises(text.CannotBeSent):
        text.refuse_unsendable(f"a{bad}b")


def test_lines_emoji_and_other_scripts_are_fine():
    text.refuse_unsendable("Zeile\r\nzwei\t— 👩‍👩‍👧 שלום مرحبا")


# Each boundary, counted by hand from 3GPP TS 23.038 and 23.040: 160 septets, or 153 each; 70 code units, or
# 67 each; an escape stays with its character, and so do the two halves of a surrogate pair.
@pytest.mark.parametrize(
    ("body", "encoding", "segments"),
    [
        ("", "GSM-7", 1),
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("a" * 459, "GSM-7", 3),
        ("a" * 460, "GSM-7", 4),
        ("\n" * 160, "GSM-7", 1),
        # The extension table: two septets each.
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("a" * 158 + "€", "GSM-7", 1),
        ("a" * 159 + "€", "GSM-7", 2),
        ("^{}\\[~]|€\f" * 8, "GSM-7", 1),
        # Its two septets would stand on both sides of an edge: the first segment stays one short.
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 2),
        ("a" * 151 + "€" + "a" * 153, "GSM-7", 2),
        ("a" * 152 + "€" + "a" * 150 + "€", "GSM-7", 3),
        ("€" * 76 + "a" + "€" * 76, "GSM-7", 2),
        ("€" * 152, "GSM-7", 2),
        ("€" * 153, "GSM-7", 3),
        ("я" * 70, "UCS-2", 1),
        ("я" * 71, "UCS-2", 2),
        ("я" * 134, "UCS-2", 2),
        ("я" * 135, "UCS-2", 3),
        ("я" * 201, "UCS-2", 3),
        ("я" * 202, "UCS-2", 4),
        # One character from outside makes the whole text UCS-2, and then € takes one unit.
        ("a" * 69 + "’", "UCS-2", 1),
        ("a" * 70 + "’", "UCS-2", 2),
        ("€" * 69 + "’", "UCS-2", 1),
        ("ç", "UCS-2", 1),
        # Surrogate pairs: two units each, and never cut.
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("я" * 68 + "😀", "UCS-2", 1),
        ("я" * 69 + "😀", "UCS-2", 2),
        ("😀" * 66, "UCS-2", 2),
        ("😀" * 67, "UCS-2", 3),
        ("я" * 66 + "😀" + "я" * 65, "UCS-2", 2),
        ("я" * 66 + "😀" + "я" * 66, "UCS-2", 3),
        ("я" * 65 + "😀" + "я" * 67, "UCS-2", 2),
    ],
)
def test_segments_are_counted_as_carriers_do(body, encoding, segments):
    size = text.size(body)

    assert (size.encoding, size.segments) == (encoding, segments)


def counted(body: str) -> tuple[str, int]:
    """The same by another way than the library's: units of what is really transmitted, laid into segments."""
    if all(char in text.GSM for char in body):
        encoding, one, each = "GSM-7", 160, 153
        units = [len(char.encode("gsm0338")) for char in body]
    else:
        encoding, one, each = "UCS-2", 70, 67
        units = [len(char.encode("utf-16-be")) // 2 for char in body]
    if sum(units) <= one:
        return encoding, 1
    segments, used = 1, 0
    for width in units:
        if used + width > each:
            segments, used = segments + 1, 0
        used += width
    return encoding, segments


BASIC = "".join(sorted(set(text.GSM) - set(smsutil.GSM_EXT_CHARSET)))
ALPHABETS = {
    "GSM-7": BASIC,
    "GSM-7 with its extension": BASIC + smsutil.GSM_EXT_CHARSET * 8,
    "UCS-2": "яçéא中ب’—\u00a0",
    "UCS-2 with surrogate pairs": "я’a😀👩🇩",
    "mixed": BASIC + smsutil.GSM_EXT_CHARSET + "’😀",
}


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_ten_thousand_texts_are_counted_alike_by_the_library_and_by_hand(alphabet):
    draw = random.Random(alphabet)
    edges = [35, 67, 70, 76, 134, 153, 160, 201, 306]
    for _ in range(10_000 // len(ALPHABETS)):
        length = max(0, draw.choice(edges) + draw.randint(-3, 3))
        body = "".join(draw.choices(ALPHABETS[alphabet], k=length))
        split = smsutil.split(body)

        size = text.size(body)

        assert (size.encoding, size.segments) == counted(body)
        assert size.segments == max(1, len(split.parts))


def test_what_makes_a_text_ucs2_is_pointed_at():
    assert text.outside_gsm("It’s 5 € – it’s “ok”, naïve") == "’–“”ï"
    assert text.outside_gsm("Straße à 5 € [x]") == ""


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("It’s ‘ok’ `so`", "It's 'ok' 'so'"),
        ("“quoted” «quoted» „quoted‟", '"quoted" "quoted" "quoted"'),
        ("9–5 — non‑stop − 3", "9-5 - non-stop - 3"),
        ("More…", "More..."),
        ("a\u00a0b\u202fc\u2009d\te", "a b c d e"),
        ("soft\u00adhyphen\u200b\ufeff", "softhyphen"),
        ("cafe\u0301, u\u0308ber", "café, über"),
        ("ﬁne ① Ｗｉｄｅ ½ ™", "fine 1 Wide 1/2 TM"),
        ("• 2 × 3 → 6", "- 2 x 3 -> 6"),
    ],
)
def test_what_reads_the_same_in_gsm7_is_known(written, plain):
    for each in text.foreign(written):
        assert each.reads_same
        written = written.replace(each.char, each.plain)

    assert written == plain
    assert text.size(written).encoding == "GSM-7"


@pytest.mark.parametrize(("char", "plain"), [("ç", "c"), ("í", "i"), ("Ő", "O"), ("я", None), ("😀", None)])
def test_what_changes_the_spelling_or_has_no_like_is_told_apart(char, plain):
    (found,) = text.foreign(char)

    assert (found.plain, found.reads_same) == (plain, False)


def test_what_looks_like_one_character_is_one_and_each_place_is_known():
    found = text.foreign("👩‍👩‍👧 a’ 👍🏽 ’ ☎️")

    assert [(each.char, each.starts) for each in found] == [
        ("👩‍👩‍👧", (0,)),
        ("’", (7, 12)),
        ("👍🏽", (9,)),
        ("☎️", (14,)),
    ]


@given(st.text(alphabet="a’–e\u0301\u200d😀🏽ç…\u00a0{}") | st.text())
def test_whatever_is_typed_what_makes_it_ucs2_is_found_and_nothing_else(written):
    found = text.foreign(written)

    assert bool(found) == bool(text.outside_gsm(written))
    places = {start: each for each in found for start in each.starts}
    rest, behind = "", 0
    for start, each in sorted(places.items()):
        assert start >= behind and written.startswith(each.char, start)
        rest, behind = rest + written[behind:start], start + len(each.char)
    assert text.GSM.issuperset(rest + written[behind:])
    assert all(each.plain is None or text.GSM.issuperset(each.plain) for each in found)


@given(st.lists(st.sampled_from(["{{ a }}", "{{b}}", "{", "}}", " ", "x", "😀"])).map("".join) | st.text())
def test_the_parts_of_a_body_are_its_text_and_its_placeholders_in_turn(body):
    parts = text.parts(body)

    assert list(dict.fromkeys(parts[1::2])) == text.placeholders(body)
    filled = text.fill(body, {name: name for name in parts[1::2]})
    assert "".join(parts) == filled


@given(
    st.text(max_size=200).map(lambda body: body.replace("{", "").replace("}", "")),
    st.sampled_from(["a", "€", "ж", "😀"]),
    st.data(),
)
def test_no_value_takes_more_segments_than_the_largest(before, widest, data):
    narrower = {"a": "aZ", "€": "a€", "ж": "a€ж", "😀": "a€ж😀"}[widest]
    value = data.draw(st.text(alphabet=narrower, max_size=100))

    found = text.largest(before + "{{ a }}{{ a }}", {"a": "a" * 100}, {"a": widest * 100})

    size = text.size(before + value + value)
    assert size.segments <= found.ever.segments
    assert found.usually.segments <= found.ever.segments


@given(st.text(alphabet="{} ab_1.|'\n😀") | st.text())
def test_whatever_is_typed_is_parsed_and_rendered_stably(body):
    names = text.placeholders(body)

    rendered = text.fill(body, {name: f"{{{{ {name} }}}}" for name in names})

    assert text.placeholders(rendered) == names
    assert text.malformed_placeholders(rendered) == text.malformed_placeholders(body)
    assert text.fill(rendered, {name: f"{{{{ {name} }}}}" for name in names}) == rendered


HOSTILE = [
    "{{ a }}",
    "{{ b }}",
    "{{b",
    "}}",
    "{0.__class__}",
    "%(a)s",
    "${a}",
    "\\g<1>",
    "\\1",
    "<b>&amp;",
    "{% x %}",
]


@given(
    st.lists(st.sampled_from(["{{ a }}", "{{b}}", " ", "x", "é"])),
    *[st.sampled_from(HOSTILE) | st.text()] * 2,
)
def test_nothing_in_a_value_is_ever_interpreted(parts, a, b):
    filled = text.fill("".join(parts), {"a": a, "b": b})

    assert filled == "".join({"{{ a }}": a, "{{b}}": b}.get(part, part) for part in parts)


@pytest.mark.parametrize(
    "hidden",
    [
        "Pay\u200bPal",
        "fr\u00adee",
        "\ufeffHello",
        "Pay\u200dPal",
        "a\u2060b",
        "Hi \U000e0061\U000e0062",
        "Hi\u3164there",
        "\u200eHello",
        "abc\ufe0f",
        "a\ufe00\ufe01",
        "x\u034fy",
    ],
)
def test_what_nobody_sees_is_hidden(hidden):
    assert text.hides(hidden)


@pytest.mark.parametrize(
    "seen",
    [
        "Café ☕️ – naïve “ok”…",
        "👨\u200d👩\u200d👧 👩🏽\u200d⚕️ ❤️\u200d🔥 1️⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "می\u200cخواهم",
        "क्\u200dष",
        "שלום\u200f (12)",
        "葛\U000e0100",
        "100\u202f€",
    ],
)
def test_what_scripts_and_pictures_need_is_not(seen):
    assert not text.hides(seen)


@given(st.text(max_size=100))
def test_any_text_can_be_looked_through_for_what_is_hidden(written):
    text.hides(written)
