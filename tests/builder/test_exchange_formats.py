"""Build in files: the formats, what is read of a foreign one, and what a hostile file can do (nothing)."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.exchange import adk, midcall, read, sheet, tokens
from builder.exchange.document import MAX_BYTES, Kind, Level, Unreadable
from builder.exchange.yamls import documents, written

ADK = """\
sms_templates:
- name: balance-due
  text: |-
    Hello {{vrbl:first_name}},
    you owe {{ vrbl:amount }}. Ask for ${variant_desk} or {{entity:person}}.
  env_phone_numbers:
    sandbox: ''
    pre_release: '+13125550199'
    live: '+13125550142'
- name: plain
  text: "Open from noon."
"""
ADK_TOPIC = """\
name: Opening Hours & Locations
enabled: true
tags:
  - hours
example_queries:
  - What are your opening hours?
  - no
content: |-
  Monday to Friday
  from 9 to 5.
actions: |-
  Offer it. If they agree, call {{twilio_sms:directions}}.
"""
# As the forms store a text: no space around it, one character for the end of a line.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=60).map(
    str.strip
)
lines = texts.map(lambda text: " ".join(part.strip() for part in text.splitlines())).filter(bool)
topics = st.builds(
    dict,
    name=lines.map(lambda name: name.replace("\n", " ")),
    active=st.booleans(),
    questions=st.lists(lines, max_size=4),
    content=texts,
    # A reference is stored in one spelling.
    actions=texts.filter(lambda text: "{{" not in text),
)


TOPIC = {"name": "Hours", "active": True, "questions": ["When?"], "content": "", "actions": ""}
dangerous = st.text(";\t\"'=+-@＝ \nx", max_size=30)

# Where several run at once, an example may take longer than hypothesis has patience for.
unhurried = settings(deadline=None)


def values(data: str | bytes) -> list[dict[str, object]]:
    found = read(data if isinstance(data, bytes) else data.encode())
    assert [
        notice.message for entry in found.entries for notice in entry.notices if notice.level == "error"
    ] == []
    return [entry.values for entry in found.entries]


def complaint(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(data)
    return caught.value


def errors(data: str) -> list[tuple[int, str]]:
    found = read(data.encode())
    return [
        (each.line, each.message)
        for entry in found.entries
        for each in entry.notices
        if each.level == "error"
    ]


class TestOurYaml:
    @unhurried
    @given(st.lists(topics, max_size=3))
    def test_comes_back_whatever_the_texts_are(self, things):
        text = midcall.write({Kind.TOPIC: things})

        assert values(text) == things

    @unhurried
    @given(st.lists(topics, max_size=3))
    def test_is_the_same_to_the_byte_when_it_is_written_again(self, things):
        text = midcall.write({Kind.TOPIC: things})

        assert midcall.write({Kind.TOPIC: values(text)}) == text

    def test_shows_texts_of_several_lines_as_blocks_that_git_compares_line_by_line(self):
        topic = {"name": "Hours", "active": True, "questions": ["When?"], "content": "One\nTwo: 2\n# Three"}

        assert midcall.write({Kind.TOPIC: [topic]}).endswith(
            "midcall: 1\ntopics:\n  - name: Hours\n    active: true\n    questions:\n      - When?\n"
            "    content: |-\n      One\n      Two: 2\n      # Three\n"
        )

    def test_takes_what_is_written_for_a_text_whatever_yaml_makes_of_it(self):
        found = values("midcall: 1\ntopics:\n- name: 12:30\n  questions: [yes, 1.50, ~]\n  content: 0x1F\n")

        assert found == [{"name": "12:30", "questions": ["yes", "1.50"], "content": "0x1F"}]

    def test_takes_norwegian_for_a_language(self):
        found = values("midcall: 1\ntemplates:\n- name: x\n  body: Hi\n  translations:\n    no: Hei\n")

        assert found[0]["translations"] == {"no": "Hei"}

    def test_names_the_key_that_was_meant_and_its_line(self):
        assert errors("midcall: 1\ntopics:\n- name: Hours\n  contnet: x\n") == [
            (4, "There is no key “contnet” here; “content” is one.")
        ]

    @pytest.mark.parametrize(
        ("written_as", "line", "says"),
        [
            ("templates:\n- name: x\n  max_segments: many\n", 4, "must be a whole number"),
            ("templates:\n- name: x\n  active: perhaps\n", 4, "must be true or false"),
            ("templates:\n- name: x\n  provider: twlio\n", 4, "can be one of: twilio, atlas"),
            ("templates:\n- name: x\n  language: spanisch\n", 4, "Write the language as a tag"),
            ("templates:\n- name: x\n  body: [a]\n", 4, "must be a single value"),
            ("templates:\n- name: x\n  translations:\n    sp: Hola\n", 5, "Write the language as a tag"),
            (
                "templates:\n- name: x\n  variables:\n    day:\n      maximum: 3\n",
                6,
                "There is no key “maximum”",
            ),
            ("templates:\n- name: x\n  variables:\n    day: 3\n", 5, "must be keys with values"),
            ("topics:\n- content: x\n", 3, "has no name"),
            ("topics:\n- name: |\n    a\n    b\n", 4, "must be one line"),
            ("topics:\n- name: x\n  questions: What?\n", 4, "must be a list of texts"),
            ("topics:\n- just words\n", 3, "must be keys with values"),
            (f"topics:\n- name: {'n' * 101}\n", 3, "Name has 101 characters, and 100 is the most"),
            (
                f"topics:\n- name: x\n  questions:\n  - ok\n  - {'q' * 301}\n",
                6,
                "Question 2 has 301 characters",
            ),
            (f"topics:\n- name: x\n  content: {'c' * 10_001}\n", 4, "10,000 is the most"),
        ],
    )
    def test_names_the_line_of_what_is_wrong(self, written_as, line, says):
        found = errors(f"midcall: 1\n{written_as}")

        assert [number for number, _ in found] == [line]
        assert says in found[0][1]


class TestPolyAIsKit:
    def test_templates_are_read_with_their_variables_as_placeholders_and_the_live_sender(self):
        first, second = read(ADK.encode()).entries

        assert first.values == {
            "name": "balance-due",
            "body": "Hello {{ first_name }},\nyou owe {{ amount }}. Ask for {{ desk }} or {{ person }}.",
            "sender": "+13125550142",
        }
        assert first.unfilled == ["first_name", "amount", "desk", "person"]
        assert second.values == {"name": "plain", "body": "Open from noon."}

    def test_a_number_that_is_not_read_is_named_with_its_line(self):
        notices = read(ADK.encode()).entries[0].notices

        assert [(each.level, each.line) for each in notices] == [(Level.NOTE, 8)]
        assert "The number for pre-release is not read" in notices[0].message

    @pytest.mark.parametrize(
        ("token", "says"),
        [
            ("{{tn:hello}}", "“{{tn:hello}}” is a translation, whose text is not in this file"),
            ("{{fn:lookup}}", "a function, which no text can call"),
            ("{{ho:desk}}", "a handoff"),
            ("{{zz:desk}}", "nothing that a text can hold"),
            ("{{vrbl:2nd}}", "its name must begin with a letter"),
            ("{{vrbl:first_name}} {{entity:first_name}}", "would be the same placeholder"),
        ],
    )
    def test_what_cannot_be_carried_over_is_named_with_the_line_in_the_text(self, token, says):
        (line, message), *_ = errors(f"sms_templates:\n- name: x\n  text: |-\n    Hello,\n    {token}\n")

        assert line == 5
        assert says in message

    def test_the_two_spellings_of_an_attribute_are_one_placeholder(self):
        assert (
            tokens.carried("${phone} {{attr:phone}} ${variant_phone}").text
            == "{{ phone }} " * 2 + "{{ phone }}"
        )

    def test_topics_are_read_one_or_several_and_what_has_no_place_here_is_named(self):
        found = read(f"{ADK_TOPIC}---\nname: Parking\nenabled: false\n".encode())

        assert [entry.values for entry in found.entries] == [
            {
                "name": "Opening Hours & Locations",
                "active": True,
                "questions": ["What are your opening hours?", "no"],
                "content": "Monday to Friday\nfrom 9 to 5.",
                "actions": "Offer it. If they agree, call {{directions}}.",
            },
            {"name": "Parking", "active": False},
        ]
        assert [(each.line, each.level) for each in found.entries[0].notices] == [(3, Level.NOTE)]

    def test_a_topic_of_an_older_kit_is_told_where_its_name_was(self):
        assert "in the file's name only" in errors("enabled: true\ncontent: x\nactions: ''\n")[0][1]

    def test_templates_are_written_as_the_kit_has_them_without_those_that_are_off(self):
        template = {"name": "x", "body": "Hi {{ name }},\nbye", "sender": "+13125550142", "active": True}

        assert adk.write_templates([template, {**template, "active": False}]) == (
            "sms_templates:\n  - name: x\n    text: |-\n      Hi {{vrbl:name}},\n      bye\n"
            "    env_phone_numbers:\n      sandbox: ''\n      pre_release: ''\n      live: '+13125550142'\n"
        )

    @unhurried
    @given(st.text(max_size=80))
    def test_no_text_stops_the_reader_of_tokens(self, text):
        tokens.carried(text)


class TestSheets:
    @unhurried
    @given(st.lists(topics, max_size=3))
    def test_come_back_whatever_the_texts_are(self, things):
        assert values(sheet.write(things)) == things

    @unhurried
    @given(st.lists(topics, max_size=3))
    def test_never_hold_a_cell_that_a_spreadsheet_would_run(self, things):
        for row in csv.reader(io.StringIO(sheet.write(things).removeprefix("\ufeff"), newline="")):
            assert not [cell for cell in row if cell[:1] and cell[0] in "=+-@\t\r\n＝＋－＠"]

    @unhurried
    @given(st.lists(dangerous, min_size=1, max_size=3), st.sampled_from(";\t"))
    def test_nor_one_where_another_separator_cuts_the_cells(self, cells, separator):
        text = sheet.write([{**TOPIC, "name": "x", "content": each} for each in cells])

        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator):
            for cell in row:
                start = cell.lstrip()[:1]
                # A list in a text begins its lines so, and a line break alone is no separator.
                is_bullet = start in "+-＋－" and cell == row[0]
                assert not start or is_bullet or start not in "=+-@＝＋－＠"

    @unhurried
    @given(st.lists(dangerous, min_size=1, max_size=3))
    def test_come_back_with_all_apostrophes_of_their_own(self, cells):
        things = [{**TOPIC, "name": "x", "content": each.strip()} for each in cells]

        assert values(sheet.write(things)) == things

    def test_guard_what_a_semicolon_or_a_tab_would_make_a_cell(self):
        written_as = [
            ("x;=1+1", "x;'=1+1"),
            ("x\t @SUM(1)", "x\t '@SUM(1)"),
            ('x;"=1"', 'x;"\'=1"'),
            ("x;'=1", "x;''=1"),
            ("x\n=1", "x\n'=1"),
            ("Open:\n- noon\n+ ten", "Open:\n- noon\n+ ten"),
            ("a = b; c - d", "a = b; c - d"),
        ]
        for content, cell in written_as:
            text = sheet.write([{**TOPIC, "content": content}])
            assert list(csv.reader(io.StringIO(text, newline="")))[1][2] == cell
            assert values(text)[0]["content"] == content

    def test_an_apostrophe_of_ones_own_stays(self):
        topic = {"name": "'=1", "active": True, "questions": ["-2"], "content": "''+1", "actions": "'tis"}

        text = sheet.write([topic])

        assert "''=1,'-2,'''+1,'tis,Y" in text
        assert values(text) == [topic]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_are_read_with_the_columns_of_either_of_polyais_pages(self, delimiter):
        head = ["ID", "Topic", "Questions", "Answer", "Active", "Updated"]
        rows = [head, ["7", "Hours", "When?\\nTill when?", "Noon to ten", "y", "today"]]
        found = read("\n".join(delimiter.join(row) for row in rows).encode("utf-8-sig"))

        assert [entry.values for entry in found.entries] == [
            {"name": "Hours", "questions": ["When?", "Till when?"], "content": "Noon to ten", "active": True}
        ]
        assert [notice.message for notice in found.notices] == [
            "Not read, because Midcall has no such thing: “ID”, “Updated”."
        ]

    def test_name_the_line_in_which_a_row_begins_and_the_one_within_it(self):
        text = 'Topic,Content,Active\nOne,"a\nb",Y\n\nTwo,x\nThree,y,perhaps\n'

        found = errors(text)

        assert [line for line, _ in found] == [5, 6]
        assert "This row has 2 cells and the first line names 3" in found[0][1]
        assert "Active must be Y or N, not “perhaps”" in found[1][1]

    def test_say_where_a_quote_is_never_closed(self):
        problem = complaint(b'Topic,Content\nOne,x\nTwo,"never\nclosed\n')

        assert problem.line == 3
        assert "cannot be read" in str(problem)


HOSTILE = {
    "a bomb of aliases": b"midcall: 1\na: &a [x,x]\nb: &b [*a,*a]\ntopics: [*b]\n",
    "a tag that would run": b"midcall: 1\ntopics: [!!python/object/apply:os.system ['true']]\n",
    "a key twice": b"midcall: 1\ntopics:\n- name: a\n  content: b\n  content: c\n",
    "nested without end": b"midcall: 1\ntopics: " + b"[" * 100_000,
    "nested in blocks": b"midcall: 1\ntopics:\n" + b"- " * 50_000 + b"x",
    "half a character": b'midcall: 1\ntopics:\n- name: "\\ud800"\n',
    "no character": b'midcall: 1\ntopics:\n- name: "\\UFFFFFFFF"\n',
    "NUL": b"midcall: 1\ntopics:\n- name: a\0b\n",
    "NUL, escaped": b'midcall: 1\ntopics:\n- name: "a\\0b"\n',
    "a control character": b"midcall: 1\ntopics:\n- name: a\x07b\n",
    "a long version": b"%YAML 1." + b"9" * 5000 + b"\n---\nmidcall: 1\n",
    "another version": b"midcall: 2\ntopics: []\n",
    "a version that is none": b"midcall: [1]\n",
    "an unknown section": b"midcall: 1\ntopcis: []\n",
    "a section that is no list": b"midcall: 1\ntopics: all\n",
    "a list as a key": b"midcall: 1\n? [a]\n: b\n",
    "not UTF-8": "midcall: 1\n# café\n".encode("latin-1"),
    "UTF-16": "midcall: 1\n".encode("utf-16"),
    "nothing": b" \n\n",
    "a comment": b"# nothing else\n",
    "other YAML": b"name: x\nversion: 3\n",
    "a list": b"- a\n- b\n",
    "too large": b"Topic\n" + b"x" * MAX_BYTES,
    "too many": b"Topic\n" + b"x\n" * 2001,
    "a cell of megabytes": b"Topic,Content\nx," + b"y" * 200_000 + b"\n",
    "a picture": bytes(range(256)),
    "the same column twice": b"Topic,Content,Answer\na,b,c\n",
}


class TestHostileFiles:
    @pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
    def test_are_refused_in_words(self, data):
        assert str(complaint(data)).endswith(".")

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("a bomb of aliases", 2),
            ("a key twice", 5),
            ("NUL", 3),
            ("not UTF-8", 2),
            ("a tag that would run", 2),
        ],
    )
    def test_are_refused_with_the_line(self, name, line):
        assert complaint(HOSTILE[name]).line == line

    @unhurried
    @given(st.binary(max_size=200))
    def test_raise_nothing_but_that_they_cannot_be_read(self, data):
        for start in (b"", b"midcall: 1\ntopics:\n- name: ", b"Topic,Content\n", b"sms_templates:\n- text: "):
            with suppress(Unreadable):
                read(start + data)

    @unhurried
    @given(st.text("mn:- \n'\"{}[]&*!|>%@`,?#\\x0U~\t", max_size=80))
    def test_nor_do_texts_that_are_nearly_yaml(self, text):
        for start in ("", "midcall: 1\n", "midcall: 1\ntemplates:\n- ", "enabled: true\ncontent: "):
            with suppress(Unreadable):
                read((start + text).encode())


@unhurried
@given(st.recursive(st.text(max_size=20), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_is_written_as_yaml_is_read_again(data):
    def plain(node):
        if hasattr(node, "pairs"):
            return {key: plain(value) for key, value in node.pairs.items()}
        return [plain(each) for each in node.items] if hasattr(node, "items") else node.text

    try:
        (root,) = documents(written(data))
    except Unreadable as error:
        assert "character" in str(error) or "nested" in str(error)
    else:
        assert plain(root) == data
