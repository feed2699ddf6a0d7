"""An import: what it adds and changes, all of it or nothing, and what it warns of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.exchange import read
from builder.exchange.exporting import FORMATS, export
from builder.exchange.importing import carry_out, rehearse
from builder.exchange.midcall import SECTIONS
from builder.exchange.plan import Status
from builder.exchange.schema import usual_values
from builder.exchange.yamls import written
from builder.models import SmsAction, Topic
from sms.models import SmsTemplate, Translation, Variable
from tests import factories
from tests.builder.exchange import (
    FILE,
    OFFER,
    WITH_WARNINGS,
    Nowhere,
    errors,
    imported,
    may_all,
    planned,
    warnings,
)


class TestAnImport:
    def test_adds_what_is_new_with_all_that_belongs_to_it(self, bob):
        may_all(bob)

        plan = imported(FILE, bob)

        assert (plan.new, plan.changed, plan.unchanged, plan.is_applied) == (3, 0, 0, True)
        template = SmsTemplate.objects.get()
        assert template.body == "Olive & Thyme, 48 Mill Lane.\nAsk for {{ person }}."
        assert template.bodies()["es"] == "Calle Mill 48. Pregunte por {{ person }}."
        assert [(each.name, each.max_characters) for each in template.variables()] == [("person", 20)]
        assert (template.owner, SmsAction.objects.get().owner, Topic.objects.get().owner) == (bob, bob, bob)
        assert SmsAction.objects.get().template == template
        assert Topic.objects.get().questions == ["Where are you?", "Is there parking?"]

    def test_says_the_same_in_a_dry_run_and_stores_nothing(self, ann):
        dry = planned(FILE, ann)

        assert (
            not Topic.objects.exists() and not SmsTemplate.objects.exists() and not LogEntry.objects.exists()
        )
        assert imported(FILE, ann).digest == dry.digest

    def test_changes_nothing_the_second_time(self, ann):
        imported(FILE, ann)
        before = Topic.objects.get().updated_at

        again = imported(FILE, ann)

        assert (again.new, again.changed, again.unchanged) == (0, 0, 3)
        assert Topic.objects.get().updated_at == before

    def test_shows_each_field_that_differs_before_and_after(self, ann):
        imported(FILE, ann)
        changed = FILE.replace("48 Mill Lane", "50 Mill Lane").replace("max_characters: 20", "required: no")

        (step,) = [each for each in planned(changed, ann).steps if each.status is Status.CHANGED]

        body = "Olive & Thyme, {} Mill Lane.\nAsk for {{{{ person }}}}."
        assert [(each.label, each.before, each.after) for each in step.changes] == [
            ("Body", body.format(48), body.format(50)),
            ("{{ person }}: characters at most", "20", "60"),
            ("{{ person }}: required", "yes", "no"),
        ]
        assert ("-", " 48") in list(step.changes[0].pieces()) and ("+", " 50") in list(
            step.changes[0].pieces()
        )

    def test_leaves_alone_what_the_file_does_not_name(self, ann):
        imported(FILE, ann)
        SmsTemplate.objects.update(max_segments=2)

        imported("midcall: 1\ntemplates:\n- name: directions\n  body: Mill Lane.\n  translations: {}\n", ann)

        template = SmsTemplate.objects.get()
        assert (template.body, template.max_segments, template.sender) == ("Mill Lane.", 2, "+13125550142")
        assert not Translation.objects.exists()
        assert Variable.objects.exists()

    def test_is_in_the_history_of_what_it_touched(self, ann):
        imported(FILE, ann)
        imported(FILE.replace("Six minutes", "Five minutes"), ann)

        found = LogEntry.objects.order_by("pk").values_list(
            "object_repr", "action_flag", "change_message", "user"
        )
        assert list(found) == [
            ("directions", 1, "Imported.", ann.pk),
            ("text_the_way", 1, "Imported.", ann.pk),
            ("Finding us", 1, "Imported.", ann.pk),
            ("Finding us", 2, "Imported.", ann.pk),
        ]

    def test_takes_over_a_whole_file_of_polyais_kit(self, ann):
        kit = "sms_templates:\n- name: directions\n  text: Hi {{vrbl:name}}, Mill Lane.\n"

        plan = imported(kit, ann)

        assert SmsTemplate.objects.get().body == "Hi {{ name }}, Mill Lane."
        said = " ".join(notice.message for notice in plan.warnings)
        assert "Use this to text the caller the directions" in SmsTemplate.objects.get().description
        assert "do not say when to send them" in said and "{{ name }} was filled in by code" in said
        assert planned(kit, ann).warnings == []

    def test_does_not_take_a_placeholder_spelt_with_other_spaces_for_a_change(self, ann):
        factories.TemplateFactory(name="directions", owner=ann, body="Hi {{name}}, Mill Lane.")

        assert planned(export(FORMATS["adk"]), ann).unchanged == 1


class TestAllOrNothing:
    def test_a_bad_row_is_named_by_its_line_and_nothing_is_imported(self, ann):
        sheet = "Topic,Content,Actions\nGood,x,\nBad,y,Call {{nothing}}.\n"

        plan = carry_out(read(sheet.encode()), ann, Nowhere(), lambda plan: True)

        assert [(each.line, each.about) for each in plan.errors] == [(3, "topic “Bad”")]
        assert "There is no SMS template called “nothing”" in plan.errors[0].message
        assert not plan.is_applied and not Topic.objects.exists()

    def test_a_finding_is_named_by_its_line_within_a_text(self, ann):
        actions = "If they ask,\n    tell them.\n    Call {{nothing}}."
        text = f"midcall: 1\ntopics:\n- name: x\n  actions: |-\n    {actions}\n"

        assert [line for line, _ in errors(text, ann)] == [7]

    def test_a_topic_may_refer_to_a_template_of_the_same_file(self, ann):
        assert errors(FILE, ann) == []
        assert (
            "no SMS template called" in errors(FILE.replace("- name: directions", "- name: other"), ann)[0][1]
        )

    def test_a_topic_is_not_blamed_for_a_template_that_is_wrong_itself(self, ann):
        found = errors(FILE.replace("48 Mill Lane", "{{ 48 Mill Lane"), ann)

        assert [line for line, _ in found] == [5 + 1]
        assert "A placeholder is written {{ name }}" in found[0][1]

    @pytest.mark.parametrize(
        ("old", "new", "line", "says"),
        [
            ("Olive & Thyme", "O" * 500, 6, "takes 4 segments"),
            ("es: Calle", "en: Calle", 9, "already"),
            ("      person:", "      persona:", 11, "No text of this template has {{ persona }}"),
            ("max_characters: 20", "max_characters: 2000", 13, "less than or equal to 300"),
            ("sender: '+13125550142'", "sender: phone number!!", 14, "A sender is a number with +"),
            ("name: text_the_way", "name: stop_texting", 16, "Every campaign has a tool of this name"),
            ("name: text_the_way", "name: text the way", 16, "letters, digits, _ and - only"),
            (
                "template: directions",
                "template: direction",
                18,
                "There is no SMS template called “direction”",
            ),
            ("    description: Use this when nothing else fits.\n", "", 16, "Description"),
        ],
    )
    def test_the_rules_of_the_forms_hold(self, ann, old, new, line, says):
        found = errors(FILE.replace(old, new), ann)

        assert found[0][0] == line and says in found[0][1]

    def test_a_text_and_its_variables_are_looked_at_together(self, ann):
        imported(FILE, ann)

        ((line, says),) = errors(FILE.replace("{{ person }}", "Olive"), ann)

        assert line == 11 and "No text of this template has {{ person }}" in says

    def test_two_of_one_name_in_a_file_are_refused_capitals_or_not(self, ann):
        sheet = "Topic,Content\nHours,x\nHOURS,y\n"

        assert errors(sheet, ann) == [(3, "There are two of this name; the first is in line 2. Keep one.")]

    def test_a_template_of_other_capitals_is_refused_and_a_topic_takes_them_over(self, ann):
        imported(FILE, ann)

        assert (
            "It is called “directions” here"
            in errors("midcall: 1\ntemplates:\n- name: Directions\n  body: x\n", ann)[0][1]
        )
        imported("Topic,Content\nFINDING US,x\n", ann)
        assert Topic.objects.get().name == "FINDING US"

    def test_the_longest_file_is_planned_and_imported_in_seconds(self, ann):
        row = '"Topic {}","When?\nTill when?","{}","Offer it. If they agree, call {{{{directions}}}}."'
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")
        sheet = "Topic,Sample Questions,Content,Actions\n" + "\n".join(
            row.format(n, "c " * 100) for n in range(2000)
        )

        plan = imported(sheet, ann)

        assert (plan.new, Topic.objects.count()) == (2000, 2000)

    def test_tools_of_one_name_in_a_campaign_are_refused(self, ann, campaign):
        imported(FILE, ann)
        SmsAction.objects.update(name="booking")
        factories.TemplateFactory(name="booking", owner=ann, body="Booked.")
        campaign.topics.add(Topic.objects.get())
        factories.AttachmentFactory(campaign=campaign, action=SmsAction.objects.get())
        file = (
            f"midcall: 1\ntopics:\n- name: Finding us\n  actions: {OFFER.replace('directions', 'booking')}\n"
        )

        (clash,) = rehearse(read(file.encode()), ann, site.get_model_admin(Topic)).errors

        assert "two tools would have one name" in clash.message
        assert "directions" in Topic.objects.get().actions

    def test_so_is_a_template_that_would_become_one_by_being_switched_on(self, ann, campaign):
        imported(FILE, ann)
        SmsTemplate.objects.update(is_active=False)
        SmsAction.objects.update(name="directions")
        campaign.topics.add(Topic.objects.get())
        factories.AttachmentFactory(campaign=campaign, action=SmsAction.objects.get())
        file = "midcall: 1\ntemplates:\n- name: directions\n  active: true\n"

        (clash,) = rehearse(read(file.encode()), ann, site.get_model_admin(Topic)).errors

        assert "two tools would have one name" in clash.message


nasty = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
nasty |= st.sampled_from(
    ["", "{{ x }}", "{{", "0", "99999999", "directions", "es", "atlas", "[a", "a" * 2000]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([*SECTIONS]), st.integers(0), nasty), max_size=3), nasty, nasty)
def test_no_values_stop_an_import_otherwise_than_in_words(ann, spoilt, name, said):
    rules = {"description": "Whom to ask for", "pattern": "[A-Z][a-z]{1,20}", "default": "Olive"}
    things = {section: [usual_values(kind)] for section, kind in SECTIONS.items()}
    things["templates"][0] |= {"name": "x", "description": "d", "body": "{{ a }}", "variables": {"a": rules}}
    things["sms_actions"][0] |= {"name": "y", "description": "d", "template": "x"}
    things["topics"][0] |= {"name": "z", "actions": "If they agree, call {{x}}."}
    for section, number, value in spoilt:
        keys = [*things[section][0]]
        things[section][0][keys[number % len(keys)]] = value
    if isinstance(things["templates"][0]["variables"], dict):
        things["templates"][0]["variables"] |= {name: {"pattern": said}}

    plan = planned(written({"midcall": 1, **things}), ann)

    assert all(each.message and each.line for each in plan.notices)


class TestWarnings:
    @pytest.fixture(autouse=True)
    def template(self, ann):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")

    def test_are_those_of_the_linter_and_must_be_agreed_to(self, ann):
        plan = carry_out(read(WITH_WARNINGS.encode()), ann, Nowhere(), lambda plan: not plan.warnings)

        assert [each.line for each in plan.warnings] == [4] * len(plan.warnings) and plan.warnings
        assert not plan.is_applied

    def test_name_the_references_of_other_builders_which_stay(self, ann):
        text = "name: Paying\nenabled: true\nactions: |-\n  Use {{fn:route_call}}\n  with {{vrbl:reason}}.\n"

        found = warnings(text, ann)

        assert [line for line, _ in found] == [4, 5]
        assert "“{{fn:route_call}}” is no reference to a template" in found[0][1]
        imported(text, ann)
        assert Topic.objects.get().actions == "Use {{fn:route_call}}\nwith {{vrbl:reason}}."

    def test_keep_silent_once_they_were_accepted(self, ann):
        imported(WITH_WARNINGS, ann)

        assert Topic.objects.get().open_findings() == []
        assert warnings(WITH_WARNINGS, ann) == []
        assert warnings(WITH_WARNINGS + "  content: Other.\n", ann) == []


@pytest.mark.django_db(transaction=True)
def test_a_name_that_somebody_takes_between_the_look_and_the_write_is_looked_at_anew(ann):
    factories.TopicFactory(name="Old", owner=ann)

    class InBetween(Nowhere):
        """While the import looks at what is stored, somebody else stores a topic."""

        times = 0

        def reaches_of(self, topics):
            self.times += 1
            if self.times == 1:
                with ThreadPoolExecutor(1) as other:
                    other.submit(self.store).result()
            return {}

        def store(self):
            factories.TopicFactory(name="new", owner=ann, content="Theirs.")
            connection.close()

    around = InBetween()
    document = read(b"Topic,Content\nOld,x\nNew,Ours.\n")
    plan = carry_out(document, ann, around, lambda plan: not plan.changed > 1)

    assert (around.times, plan.new, plan.changed, plan.is_applied) == (2, 0, 2, False)
    assert {topic.name: topic.content for topic in Topic.objects.all()} == {"Old": "", "new": "Theirs."}
