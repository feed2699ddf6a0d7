"""The linter's rules: what each finds, what it must leave alone, and that its mends mend."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import lint
from builder.lint import Finding, Reach, Template, Text, Variable

US = Reach("Booking line", "US")
TEMPLATES = {
    template.name: template
    for template in (
        Template("SMS_template"),
        Template("booking_confirmation_sms"),
        Template("directions"),
        Template("menu"),
        Template("old_menu", is_active=False),
        Template("receipt", needs_consent=False),
    )
}
# The examples of the manual (PolyAI, Send SMS).
EXAMPLE = (
    "After the caller confirms that they would like to receive an SMS message with further details, call "
    "{{SMS_template}} to send the SMS out."
)
EXAMPLE_WITH_A_FALLBACK = (
    "Offer to send the caller a text message with booking details. If they agree, call "
    "{{booking_confirmation_sms}}. If they decline, continue the conversation normally."
)


def check(actions: str, content: str = "", *more: Template, reaches: tuple[Reach, ...] = ()) -> list[Finding]:
    templates = TEMPLATES | {template.name: template for template in more}
    return lint.check(Text(actions, content, templates, list(templates), reaches))


def codes(*args: object, **kwargs: object) -> list[str]:
    return [finding.code for finding in check(*args, **kwargs)]


def mended(actions: str, finding: Finding) -> str:
    assert finding.mend
    return actions[: finding.mend.start] + finding.mend.text + actions[finding.mend.end :]


@pytest.mark.parametrize("actions", [EXAMPLE, EXAMPLE_WITH_A_FALLBACK, ""])
def test_the_manuals_examples_and_an_empty_field_raise_no_alarm(actions):
    assert check(actions, "We are open from noon to 11 pm.", reaches=(US,)) == []


class TestUnknownTemplate:
    def test_is_an_error_at_its_place_with_the_name_that_was_meant(self):
        actions = "If they agree, call {{direction}}."

        (finding,) = check(actions)

        assert (finding.code, finding.is_error, finding.excerpt) == (
            "unknown-template",
            True,
            "{{direction}}",
        )
        assert finding.message.startswith("There is no SMS template called “direction”.")
        assert mended(actions, finding) == "If they agree, call {{directions}}."

    def test_of_which_nothing_is_known_gets_no_guess(self):
        (finding,) = check("If they agree, call {{gift_card}}.")

        assert finding.mend is None

    def test_capitals_are_not_let_pass(self):
        (finding,) = check("If they agree, call {{Directions}}.")

        assert finding.mend and finding.mend.text == "{{directions}}"

    @pytest.mark.parametrize("written", ["{{directions}}", "{{ directions }}", "{{sms:directions}}"])
    def test_a_known_one_is_left_alone_however_it_is_spelt(self, written):
        assert codes(f"If they agree, call {written}.") == []


class TestBrokenReference:
    @pytest.mark.parametrize(
        "written",
        [
            "{directions}",
            "{ directions }",
            "${directions}",
            "[[directions]]",
            "<directions>",
            "{{ directions",
            "{{directions}",
            "{{sms:directions",
            "directions}}",
            "{{SMS:directions}}",
            "{{template: directions}}",
            "{{sms.directions}}",
            "{{Directions!}}",
            "｛｛directions｝｝",
        ],
    )
    def test_what_is_nearly_right_is_an_error_that_is_mended(self, written):
        actions = f"If they agree, call {written} now."

        (finding,) = check(actions)

        assert (finding.code, finding.is_error) == ("broken-reference", True)
        assert mended(actions, finding) == "If they agree, call {{directions}} now."

    def test_a_name_with_spaces_is_recognised(self):
        actions = "If they agree, call {{booking confirmation sms}}."

        assert mended(actions, check(actions)[0]) == "If they agree, call {{booking_confirmation_sms}}."

    def test_empty_braces_are_an_error_without_a_guess(self):
        (finding,) = check("If they agree, call {{}}.")

        assert (finding.code, finding.mend) == ("broken-reference", None)

    @pytest.mark.parametrize("written", ["{order_number}", "<b>", "[[x]]", "${total}", "{}", "a } b"])
    def test_braces_around_anything_else_are_nobodys_business(self, written):
        assert codes(f"If they agree, say {written}, then call {{{{directions}}}}.") == []


class TestForeignReference:
    @pytest.mark.parametrize("written", ["{{fn:book_table}}", "{{ho:reception}}", "{{attr:opening hours}}"])
    def test_other_builders_kinds_are_named_and_may_stay(self, written):
        (finding,) = check(f"If they agree, call {{{{directions}}}}. Otherwise {written}.")

        assert (finding.code, finding.is_error) == ("foreign-reference", False)


class TestBareName:
    @pytest.mark.parametrize("written", ["SMS_template", "`directions`", "Booking_Confirmation_SMS"])
    def test_a_templates_name_without_braces_is_no_tool(self, written):
        actions = f"If they agree, call {written}."

        (finding,) = check(actions)

        assert finding.code == "bare-name"
        assert check(mended(actions, finding)) == []

    def test_a_word_that_is_also_a_name_is_a_word(self):
        assert codes("Tell them the directions and the menu.") == []

    def test_a_name_beside_its_own_reference_is_only_mentioned(self):
        assert codes("SMS_template goes out by {{SMS_template}}, if they agree.") == []


class TestInactiveTemplate:
    def test_is_a_warning_that_says_what_to_do(self):
        (finding,) = check("If they agree, call {{old_menu}}.")

        assert (finding.code, finding.is_error, finding.template) == ("inactive-template", False, "old_menu")
        assert "switched off" in finding.message


class TestReferenceInContent:
    def test_does_nothing_and_is_taken_out(self):
        content = "The way is in {{directions}} for you."

        (finding,) = check("", content)

        assert (finding.code, finding.field, finding.excerpt) == (
            "reference-in-content", "content", "{{directions}}",
        )  # fmt: skip
        assert mended(content, finding) == "The way is in for you."

    def test_other_braces_in_content_are_text(self):
        assert codes("", "Say {name}, not {{ name.") == []


class TestPromisedText:
    @pytest.mark.parametrize(
        "content",
        [
            "We can text you the address.",
            "The agent sends the caller an SMS with the details.",
            "You will receive a text message within a minute.",
            "The menu is sent by text.",
        ],
    )
    def test_content_that_promises_one_while_actions_is_empty(self, content):
        (finding,) = check("", content)

        assert (finding.code, finding.field) == ("promised-text", "content")

    def test_actions_that_speak_of_one_without_a_reference(self):
        (finding,) = check("If they like, send the caller a text with the address.")

        assert (finding.code, finding.field) == ("promised-text", "actions")

    @pytest.mark.parametrize(
        "content",
        [
            "We do not send texts.",
            "Customers can text us at any time.",
            "The text on the sign says Mill Lane.",
            "Send an email to the office.",
            "We can't text you that.",
        ],
    )
    def test_what_promises_nothing_is_left_alone(self, content):
        assert codes("", content) == []

    def test_a_promise_that_actions_keep_is_left_alone(self):
        assert codes(EXAMPLE, "We can text you the details.") == []


ASKING = [
    "Offer to text it. If they agree, call {{directions}}.",
    "If the caller accepts the offer, call {{directions}}.",
    "Once the caller says yes, call {{directions}}.",
    "Get the caller's permission, then call {{directions}} when they leave.",
    "Ask the caller: “May I text you the directions?” If yes, call {{directions}}.",
    "Ask whether they would like the directions sent to their phone. If so, call {{directions}}.",
    "When the caller asks for a text, call {{directions}}.",
    "When the caller asks to be texted, call {{directions}}.",
    "If the caller wants the directions by text, call {{directions}}.",
    "Never call {{directions}} without asking the caller first, and only when they are lost.",
    "Do not call {{directions}} unless they have agreed.",
    "Suggest a text with the directions. If the caller wants that, call {{directions}}.",
    "Offer the directions by text. After confirmation, call {{directions}}.",
    "With the caller’s consent, call {{directions}} when they are lost.",
    "1. Offer to text the caller the directions.\n2. If yes, call {{directions}}.",
    "If the caller agrees to a text:\n- lost: {{directions}}\n- hungry: {{menu}}",
    "When lost, call {{directions}}.\n\nWhen hungry, call {{menu}}.\n\nAlways ask before you send anything.",
    "If they agree to receive it,\ncall {{directions}}.",
]  # fmt: skip
NOT_ASKING = [
    "When the caller asks for directions, call {{directions}}.",
    "When the caller wants directions, call {{directions}}.",
    "Offer to text the directions, then call {{directions}} before you hang up.",
    "After the caller agrees to a time, call {{directions}}.",
    "Once a time is agreed, call {{directions}}.",
    "At the agreed time, when they arrive, call {{directions}}.",
    "When the caller confirms the booking, call {{directions}}.",
    "When they are lost, call {{directions}} without asking.",
    "If the caller is lost, do not ask for consent, call {{directions}}.",
    "If the caller accepts the booking, call {{directions}}.",
    "When the caller asks for something, send {{directions}}.",
]


class TestConsent:
    @pytest.mark.parametrize("actions", ASKING)
    def test_a_prompt_that_asks_in_whatever_words_is_left_alone(self, actions):
        assert codes(actions) == []

    @pytest.mark.parametrize("actions", NOT_ASKING)
    def test_a_prompt_that_does_not_is_found_and_mended_by_a_sentence(self, actions):
        (finding,) = check(actions)

        assert finding.code == "no-consent"
        assert check(mended(actions, finding)) == []

    def test_one_paragraphs_consent_is_not_anothers(self):
        actions = f"{EXAMPLE_WITH_A_FALLBACK}\nWhen the caller is lost, call {{{{directions}}}}."

        (finding,) = check(actions)

        assert (finding.code, finding.excerpt) == ("no-consent", "{{directions}}")
        assert check(mended(actions, finding)) == []

    def test_what_needs_no_consent_is_not_asked_for(self):
        assert codes("When the caller has paid, call {{receipt}}.") == []

    @pytest.mark.parametrize(
        "actions",
        [
            "Ofrece enviar la dirección. Si la persona acepta, llama a {{directions}} en seguida.",
            "Biete an, die Wegbeschreibung zu schicken. Bei Zustimmung rufe {{directions}} auf.",
            "Proposez d'envoyer le plan. Si la personne accepte, appelez {{directions}} puis continuez.",
        ],
    )
    def test_another_language_is_not_judged(self, actions):
        assert codes(actions) == []


class TestWhen:
    @pytest.mark.parametrize(
        "actions",
        [
            "Call {{receipt}}.",
            "You should call {{receipt}} once.",
            "Please send {{receipt}}, and be friendly.",
            "Be nice. Then use {{receipt}}.",
        ],
    )
    def test_a_prompt_without_a_condition_is_found(self, actions):
        assert codes(actions) == ["no-when"]

    @pytest.mark.parametrize(
        "actions",
        [
            "When they have paid, call {{receipt}}.",
            "The caller pays. After that, call {{receipt}}.",
            "Before you hang up, call {{receipt}}.",
            "Call {{receipt}} as soon as they have paid.",
            "Should the caller ask for proof, call {{receipt}}.",
            "Paid: {{receipt}}",
            "- has paid → {{receipt}}",
            "If the caller has paid:\n- {{receipt}}",
            "For callers who have paid, call {{receipt}}.",
        ],
    )
    def test_one_with_a_condition_near_is_left_alone(self, actions):
        assert codes(actions) == []

    def test_a_bare_order_gets_a_condition_to_start_from(self):
        actions = "Be nice. Call {{receipt}}."

        (finding,) = check(actions)

        assert mended(actions, finding) == "Be nice. If the caller asks for it, call {{receipt}}."


class TestTwoAtOnce:
    @pytest.mark.parametrize(
        "actions",
        [
            "If they agree, call {{directions}} and {{menu}}.",
            "If they agree, call {{directions}}, then call {{menu}}.",
            "If they agree, call {{directions}}. Then call {{menu}}.",
            "If they agree, call {{directions}}. Also send {{menu}}.",
            "If they agree, call {{directions}}. Call {{menu}}.",
            "If they agree, call {{directions}}, {{menu}}.",
        ],
    )
    def test_two_in_one_turn_are_found_and_parted(self, actions):
        (finding,) = check(actions)

        assert (finding.code, finding.excerpt) == ("two-at-once", "{{menu}}")
        assert check(mended(actions, finding)) == []

    @pytest.mark.parametrize(
        "actions",
        [
            "If they agree, call {{directions}} or {{menu}}.",
            "If they agree, call {{directions}}. If they want the menu by text, call {{menu}}.",
            "If they agree, call {{directions}}; for the menu, call {{menu}}.",
            "If they agree, call either {{directions}} for the way, {{menu}} for the food.",
            "If they agree and are lost call {{directions}}, otherwise call {{menu}}.",
            "If they agree, call {{directions}}, not {{menu}}.",
            "If they agree, call {{directions}}. Then, when they ask for it, offer {{menu}}.",
            "If they agree, after {{directions}} call {{menu}}.",
            "If they agree, call {{directions}}. Say so. Call {{directions}} again if it fails.",
            "If they agree to a text:\n1. lost: {{directions}}\n2. hungry: {{menu}}",
        ],
    )
    def test_one_of_two_or_two_turns_are_left_alone(self, actions):
        assert codes(actions) == []

    def test_three_are_two_findings(self):
        assert (
            codes("If they agree, call {{directions}}, {{menu}} and {{SMS_template}}.") == ["two-at-once"] * 2
        )


class TestUnfilledVariable:
    asks = "If they agree to a text, call {{note}}."

    def test_one_that_nobody_speaks_of_is_found(self):
        (finding,) = check(self.asks, "", Template("note", variables=(Variable("ref_no"),)))

        assert (finding.code, finding.template) == ("unfilled-variable", "note")
        assert "{{ ref_no }}" in finding.message

    @pytest.mark.parametrize(
        "variable",
        [
            Variable("ref_no", description="The number of the booking"),
            Variable("ref_no", may_be_missing=True),
            Variable("shop", source="fixed"),
            Variable("campaign", source="campaign"),
            Variable("phone", source="caller_number"),
            Variable("who", source="caller_name", may_be_missing=True),
        ],
    )
    def test_one_that_is_filled_or_may_be_missing_is_left_alone(self, variable):
        assert codes(self.asks, "", Template("note", variables=(variable,))) == []

    @pytest.mark.parametrize(
        ("actions", "content"),
        [
            ("Once the guests are counted, and they agree to a text, call {{note}}.", ""),
            (asks, "Up to 8 guests."),
        ],
    )
    def test_one_that_the_topic_speaks_of_is_left_alone(self, actions, content):
        assert codes(actions, content, Template("note", variables=(Variable("guests"),))) == []

    def test_the_callers_name_may_be_unknown(self):
        (finding,) = check(
            self.asks, "", Template("note", variables=(Variable("who", source="caller_name"),))
        )

        assert "Give it a default" in finding.message


class TestSending:
    asks = "If they agree to a text, call {{note}}."

    def test_a_template_that_cannot_be_sent_says_why(self):
        (finding,) = check(self.asks, "", Template("note", obstacle="Its owner has no Twilio credentials."))

        assert finding.code == "cannot-send"
        assert finding.message == "“note” cannot be sent: Its owner has no Twilio credentials."

    @pytest.mark.parametrize(
        ("sender", "countries", "words"),
        [
            ("OliveThyme", ["US"], "take no text from a name"),
            ("OliveThyme", ["DE", "CA"], "Canada"),
            ("12", [], ""),
            ("1234567", ["US"], "no short code of US"),
            ("60606", ["US", "GB"], "GB and US"),
            ("+4915112345678", ["US"], "number of DE"),
        ],
    )
    def test_a_sender_that_the_callers_cannot_get_texts_from(self, sender, countries, words):
        reaches = tuple(Reach(f"Line {country}", country) for country in countries)

        found = check(self.asks, "", Template("note", sender=sender), reaches=reaches)

        assert [finding.code for finding in found] == (["wrong-sender"] if words else [])
        assert all(words in finding.message for finding in found)

    @pytest.mark.parametrize(
        ("sender", "countries"),
        [
            ("OliveThyme", ["DE", "GB"]),
            ("60606", ["US"]),
            ("+13125550142", ["US", "CA", "DE"]),
            ("+14165550142", ["US"]),
            ("+4915112345678", ["DE", "FR"]),
            ("MG" + "0123456789abcdef" * 2, ["US", "GB", "CN"]),
            ("", ["US"]),
        ],
    )
    def test_a_sender_that_they_can_is_left_alone(self, sender, countries):
        reaches = tuple(Reach(f"Line {country}", country) for country in countries)

        assert codes(self.asks, "", Template("note", sender=sender), reaches=reaches) == []

    def test_what_is_switched_off_is_said_once(self):
        off = Template("note", is_active=False, obstacle="“note” is switched off.", sender="OliveThyme")

        assert codes(self.asks, "", off, reaches=(US,)) == ["inactive-template"]


class TestFindings:
    def test_errors_come_first_then_by_place(self):
        found = codes("Call {{receipt}}. If they agree, {{nothing_like_it}}.", "In {{menu}}.")

        assert found == ["unknown-template", "reference-in-content"]

    def test_the_same_about_the_same_words_has_the_same_fingerprint_wherever_it_stands(self):
        one, other = check("Call {{receipt}}.")[0], check("Hello. Call {{receipt}}.")[0]

        assert one.start != other.start and one.fingerprint == other.fingerprint
        assert one.fingerprint != check("Call {{directions}}.")[0].fingerprint

    def test_codes_are_unique_and_every_rule_is_tried_here(self):
        assert len({rule.code for rule in lint.RULES}) == len(lint.RULES)


BITS = st.sampled_from(
    [
        "{{",
        "}}",
        "{",
        "}",
        "directions",
        "{{menu}}",
        "{{sms:",
        "fn:",
        " ",
        "\n",
        "If they agree, ",
        "call ",
        ". ",
    ]
    + ["and ", "without asking ", "- ", "1. ", "`", "“", "’", "😀", "\ud800", "｛｛", "_", "text you ", "→ "]
)
TEXTS = st.lists(BITS | st.text(max_size=8), max_size=40).map("".join)


class TestWhateverIsTyped:
    @given(actions=TEXTS, content=TEXTS)
    def test_nothing_raises_and_each_finding_lies_in_its_text(self, actions, content):
        for finding in check(actions, content, reaches=(US,)):
            written = {"actions": actions, "content": content}[finding.field]
            assert 0 <= finding.start <= finding.end <= len(written)
            assert finding.excerpt == written[finding.start : finding.end]
            assert finding.message and finding.fingerprint
            if finding.mend:
                assert 0 <= finding.mend.start <= finding.mend.end <= len(written)

    @given(actions=TEXTS)
    def test_a_mend_of_a_reference_leaves_one_error_less(self, actions):
        errors = [finding for finding in check(actions) if finding.is_error]
        # Beyond the most that a rule tells, others move up.
        for finding in errors[: len(errors) < 15]:
            if finding.mend:
                after = [each for each in check(mended(actions, finding)) if each.is_error]
                assert len(after) < len(errors)

    @pytest.mark.parametrize(
        "unit",
        [
            "{{a}}",
            "{{a b}}",
            "{{",
            "}}",
            "{ ",
            "a_",
            "if ",
            "want ",
            "agree to ",
            "never ",
            "ask x ",
            ". ",
            "\n",
            " ",
        ]
        + ["{{menu}} and ", "\n- {{menu}}", "{{menu}}. Call ", "[[", "<a", "`", "send text ", "x: ", "{{   "],
    )
    def test_the_longest_text_takes_a_second_at_most(self, unit):
        text = (unit * 10_000)[:10_000]
        started = time.thread_time()

        check(text, text, *[Template(f"template_{number}") for number in range(500)], reaches=(US,))

        assert time.thread_time() - started < 2
