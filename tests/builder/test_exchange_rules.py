"""The rules of the forms on import: what is stored beside the file counts, and each rule stands once."""

from __future__ import annotations

import pytest

from builder.models import NO_CONSENT_OF_OTHERS, SmsAction
from sms.models import SmsTemplate, UserProfile
from tests import factories
from tests.builder.exchange import all_of_build, errors, imported, may_all, planned, warnings
from tests.factories import UserFactory

CHANGE = "midcall: 1\ntemplates:\n- name: directions\n"


@pytest.fixture
def template(ann):
    """A template whose Spanish text takes three segments, which is the most it may take."""
    template = factories.TemplateFactory(name="directions", owner=ann, body="{{ day }}: Mill Lane.")
    factories.TranslationFactory(template=template, body="{{ day }} " + "x" * 400)
    return template


class TestAStoredText:
    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ("  max_segments: 1\n", 4),
            ("  send_within_seconds: 600\n  max_segments: 2\n", 5),
            (f"  variables:\n    day:\n      source: fixed\n      fixed_text: {'y' * 100}\n", 5),
        ],
    )
    def test_that_would_be_too_long_from_then_on_stops_the_import(self, ann, template, change, line):
        ((where, says),) = errors(CHANGE + change, ann)

        assert where == line and "The text in Spanish takes" in says and "is the most" in says

    def test_stops_it_where_the_new_language_is_its_own(self, ann, template):
        ((where, says),) = errors(CHANGE + "  language: es\n", ann)

        assert where == 4 and "There is a translation into this language already." in says

    def test_that_comes_shorter_with_the_same_file_does_not(self, ann, template):
        imported(CHANGE + "  max_segments: 1\n  translations:\n    es: Calle Mill.\n", ann)

        assert SmsTemplate.objects.get().max_segments == 1

    def test_stops_nothing_that_leaves_it_as_it_is(self, ann, template):
        imported(CHANGE + "  description: Use this when the caller asks for the way.\n", ann)

        assert SmsTemplate.objects.get().description.endswith("the way.")


class TestASender:
    @pytest.mark.parametrize(
        ("written", "stored"),
        [("+1 312 555 0142", "+13125550142"), (f"mg{'A' * 32}", f"MG{'a' * 32}"), ("Olive", "Olive")],
    )
    def test_is_stored_as_the_form_stores_it_and_is_no_difference_afterwards(
        self, ann, template, written, stored
    ):
        file = f"{CHANGE}  sender: '{written}'\n"
        imported(file, ann)

        assert SmsTemplate.objects.get().sender == stored
        assert planned(file, ann).unchanged == 1

    def test_that_is_no_number_of_any_country_is_refused(self, ann, template):
        ((line, says),) = errors(f"{CHANGE}  sender: '+1312555'\n", ann)

        assert line == 4 and "too few digits" in says

    def test_is_left_out_where_atlas_has_its_own(self, ann, template, settings):
        settings.ATLAS_ACCOUNT_SID = "AC" + "9" * 32
        plan = imported(f"{CHANGE}  provider: atlas\n  sender: Olive\n", ann)

        assert [each.message for each in plan.notes] == ["The sender Olive is left out: Atlas has its own."]
        assert (SmsTemplate.objects.get().provider, SmsTemplate.objects.get().sender) == ("atlas", "")


def test_a_provider_that_is_no_longer_enabled_stops_every_change_as_in_the_form(ann, template):
    UserProfile.objects.filter(user=ann).update(twilio_enabled=False)

    found = errors(f"{CHANGE}  description: Other.\n", type(ann).objects.get(pk=ann.pk))

    assert [says for _, says in found] == ["Provider: Twilio is not enabled for ann."]


def test_a_language_may_be_called_by_its_name(ann):
    file = (
        "midcall: 1\ntemplates:\n- name: x\n  description: d\n  language: Spanish\n  body: Hola\n"
        "  translations:\n    Brazilian Portuguese: Oi\n"
    )
    imported(file, ann)

    assert SmsTemplate.objects.get().bodies() == {"es": "Hola", "pt-BR": "Oi"}
    assert planned(file, ann).unchanged == 1


class TestWhatKeepsCallersSafe:
    FILE = (
        "midcall: 1\ntemplates:\n- name: x\n  description: d\n  body: See {{ page }}\n  variables:\n"
        "    page:\n      allows_links: true\n  transactional: true\n"
        "  transactional_because: They call for it\n"
        "sms_actions:\n- name: y\n  description: d\n  recipient: anyone\n"
    )

    def test_is_loosened_only_with_a_warning_that_stands_before_all_others(self, ann):
        file = "midcall: 1\ntopics:\n- name: a\n  actions: Call {{x}}.\n" + self.FILE.partition("\n")[2]

        found = warnings(file, ann)

        assert [line for line, _ in found[:3]] == [11, 12, 17]
        assert [says for _, says in found[:3]] == [
            "{{ page }} may hold a link: the agent will be able to text a web address of its own.",
            "No consent needed: the agent will text callers without asking them first.",
            "Anyone: the agent will text whatever number it is told, not only the caller's.",
        ]
        assert [line for line, _ in found[3:]] == [4] * len(found[3:])

    def test_is_said_of_what_is_stored_when_the_file_changes_it_and_not_again(self, ann):
        strict = self.FILE.replace("true", "false").replace("anyone", "caller")
        imported(strict, ann)
        assert [planned(strict, ann).warnings, len(warnings(self.FILE, ann))] == [[], 3]

        imported(self.FILE, ann)

        assert warnings(self.FILE, ann) == []
        assert warnings(self.FILE.replace("See {{", "Look at {{"), ann) == []

    def test_is_loosened_as_to_consent_by_an_administrator_alone(self, ann, bob):
        may_all(bob)
        file = self.FILE.partition("sms_actions")[0]

        assert [words for _, words in errors(file, bob)] == [
            "Only an administrator may decide that no consent is needed. Leave it out.",
            "Only an administrator says why no consent is needed. Leave it out.",
        ]
        [(_, words)] = errors(file.replace("  transactional_because: They call for it\n", ""), ann)
        assert words == "Why none is needed: Say why no consent is needed: somebody will ask."

    def test_keeps_a_waived_consent_to_the_caller_but_for_an_administrator(self, ann, bob):
        may_all(bob)
        factories.ActionFactory(owner=bob, name="y", transactional=True, transactional_because="Asked for")
        file = "midcall: 1\nsms_actions:\n- name: y\n  recipient: anyone\n"

        [(line, words)] = errors(file, bob)
        assert (line, words) == (4, f"{NO_CONSENT_OF_OTHERS} Leave it out, or have the agent ask.")
        assert errors(file + "  transactional: false\n", bob) == []
        assert errors(file + "  owner: bob\n", ann) == []


class TestOwners:
    FILE = "midcall: 1\nsms_actions:\n- name: note\n  owner: {}\n  description: Of Ann.\n"

    def test_nobody_without_the_right_to_name_them_learns_who_there_is(self, ann, bob):
        may_all(bob)

        found = {errors(self.FILE.format(name), bob)[0] for name in ("ann", "nobody")}

        assert found == {(4, "You may not add SMS actions for others. Leave the owner out.")}

    def test_whoever_sees_an_action_may_say_whose_it_is(self, ann, bob):
        may_all(bob)
        for owner in (ann, UserFactory(username="eve")):
            factories.ActionFactory(name="note", owner=owner, description=f"Of {owner}.")

        assert planned(all_of_build(), bob).unchanged == 2
        ((_, says),) = errors(self.FILE.format("ann").replace("Of Ann", "Mine"), bob)
        assert "belongs to ann" in says

    def test_a_superuser_is_told_of_a_name_that_there_is_not_and_may_add_for_others(self, ann, bob):
        assert errors(self.FILE.format("nobody"), ann)[0][1].startswith("There is no user “nobody” here")

        imported(self.FILE.format("bob"), ann)

        assert SmsAction.objects.get().owner == bob


class TestAnActionsContentRules:
    FILE = "midcall: 1\nsms_actions:\n- name: note\n  description: Use this when asked.\n"

    def test_come_back_as_they_went(self, ann):
        action = factories.ActionFactory(
            name="note",
            owner=ann,
            max_segments=1,
            allowed_hosts=["example.com"],
            forbidden_words=["act now", "18"],
        )
        file = all_of_build()
        action.delete()

        imported(file, ann)

        stored = SmsAction.objects.get()
        assert (stored.max_segments, stored.allowed_hosts) == (1, ["example.com"])
        assert stored.forbidden_words == ["act now", "18"]
        assert all_of_build() == file
        assert planned(file, ann).unchanged == 1

    def test_are_the_usual_ones_where_a_file_says_nothing(self, ann):
        imported(self.FILE, ann)

        stored = SmsAction.objects.get()
        assert (stored.max_segments, stored.allowed_hosts, stored.forbidden_words) == (3, [], [])

    def test_are_stored_as_the_form_stores_them_and_are_no_difference_afterwards(self, ann):
        file = (
            f"{self.FILE}  allowed_hosts: ['https://www.Example.com/book', example.com, bücher.example]\n"
            "  forbidden_words: [Free, free, ' act now ']\n"
        )
        imported(file, ann)

        stored = SmsAction.objects.get()
        assert stored.allowed_hosts == ["example.com", "xn--bcher-kva.example"]
        assert stored.forbidden_words == ["Free", "act now"]
        assert planned(file, ann).unchanged == 1

    @pytest.mark.parametrize(
        ("written", "says"),
        [
            ("allowed_hosts: ['192.0.2.1']", "links to numbers are never texted"),
            ("allowed_hosts: ['*.com']", "Write each host out"),
            ("allowed_hosts: ['https://example.com@evil.example']", "without a port or a name before an @"),
            ("allowed_hosts: ['javascript:alert(1)']", "Write the host alone"),
            (f"allowed_hosts: ['{'a' * 300}.com']", "Allowed link 1 has 304 characters, and 253 is the most"),
            (
                f"allowed_hosts: {[f'h{number}.example' for number in range(21)]}",
                "There are 21 allowed links",
            ),
            ("allowed_hosts: example.com", "must be a list of texts"),
            ("forbidden_words: ['(a+)+$']", "Write a word"),
            (f"forbidden_words: ['{'a' * 61}']", "Forbidden word 1 has 61 characters, and 60 is the most"),
            (f"forbidden_words: {[f'w{number}' for number in range(51)]}", "There are 51 forbidden words"),
            ("max_segments: 0", "greater than or equal to 1"),
            ("max_segments: 11", "less than or equal to 10"),
            ("max_segments: 40000", "less than or equal to 10"),
            ("max_segments: many", "must be a whole number"),
        ],
    )
    def test_are_refused_at_their_line_where_they_are_none(self, ann, written, says):
        ((line, message),) = errors(f"{self.FILE}  {written}\n", ann)

        assert line == 5 and says in message
        assert not SmsAction.objects.exists()

    def test_that_become_looser_are_told_first(self, ann):
        factories.ActionFactory(
            name="note", owner=ann, allowed_hosts=["a.example"], forbidden_words=["free", "spam"]
        )
        plan = planned(
            f"{self.FILE}  allowed_hosts: [a.example, b.example]\n  forbidden_words: [spam]\n", ann
        )

        assert [(each.is_grave, each.message) for each in plan.warnings] == [
            (True, "b.example: the agent will be able to text links to it, to any page there."),
            (True, "“free” is forbidden no more: the agent will be able to text it."),
        ]
