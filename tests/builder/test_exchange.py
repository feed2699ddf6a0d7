"""Import and export: what a file would change, who may, all of it or nothing, and the two commands."""

from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.exchange import read
from builder.exchange.exporting import FORMATS, export
from builder.exchange.importing import carry_out, rehearse
from builder.exchange.plan import Status
from builder.models import SmsAction, Topic
from sms.models import SmsTemplate, Translation, UserProfile, Variable
from tests import factories
from tests.builder.test_admin import allow, logged_in
from tests.factories import ACCOUNT_SID, AUTH_TOKEN

IMPORT = reverse("admin:builder_topic_import")
CHECK = reverse("admin:builder_topic_import_check")
OFFER = "Offer to text the caller the directions. If they agree, call {{directions}}."
FILE = f"""\
midcall: 1
templates:
  - name: directions
    description: Use this when the caller asks for the way.
    body: |-
      Olive & Thyme, 48 Mill Lane.
      Ask for {{{{ person }}}}.
    translations:
      es: Calle Mill 48. Pregunte por {{{{ person }}}}.
    variables:
      person:
        description: Whom to ask for
        max_characters: 20
    sender: '+13125550142'
sms_actions:
  - name: text_the_way
    description: Use this when nothing else fits.
    template: directions
topics:
  - name: Finding us
    questions:
      - Where are you?
      - Is there parking?
    content: Six minutes on foot from the station.
    actions: {OFFER}
"""


class Nowhere:
    """Topics and actions that stand in no campaign."""

    def reaches_of(self, topics):
        return {}

    def clash(self, topics, actions):
        return ""


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob is staff; each test says what he may do."""
    return factories.UserFactory(username="bob", is_staff=True)


def planned(text, user):
    return rehearse(read(text.encode()), user, Nowhere())


def imported(text, user, agrees=lambda plan: True):
    plan = carry_out(read(text.encode()), user, Nowhere(), agrees)
    assert [notice.message for notice in plan.errors] == []
    return plan


def errors(text, user):
    return [(each.line, each.message) for each in planned(text, user).errors]


def warnings(text, user):
    return [(each.line, each.message) for each in planned(text, user).warnings]


def all_of_build() -> str:
    return export(FORMATS["midcall"])


def may_all(user) -> None:
    user.user_permissions.add(
        *Permission.objects.filter(content_type__model__in=["topic", "smsaction", "smstemplate"])
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

        client = logged_in(ann)
        page = client.post(IMPORT, {"text": file}, follow=True)

        assert "two tools would have one name" in page.text
        assert "directions" in Topic.objects.get().actions

    def test_so_is_a_template_that_would_become_one_by_being_switched_on(self, ann, campaign):
        imported(FILE, ann)
        SmsTemplate.objects.update(is_active=False)
        SmsAction.objects.update(name="directions")
        campaign.topics.add(Topic.objects.get())
        factories.AttachmentFactory(campaign=campaign, action=SmsAction.objects.get())
        file = "midcall: 1\ntemplates:\n- name: directions\n  active: true\n"

        page = logged_in(ann).post(IMPORT, {"text": file}, follow=True)

        assert "two tools would have one name" in page.text


class TestWarnings:
    FILE = "midcall: 1\ntopics:\n- name: Finding us\n  actions: Call {{directions}}.\n"

    @pytest.fixture(autouse=True)
    def template(self, ann):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")

    def test_are_those_of_the_linter_and_must_be_agreed_to(self, ann):
        plan = carry_out(read(self.FILE.encode()), ann, Nowhere(), lambda plan: not plan.warnings)

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
        imported(self.FILE, ann)

        assert Topic.objects.get().open_findings() == []
        assert warnings(self.FILE, ann) == []
        assert warnings(self.FILE + "  content: Other.\n", ann) == []


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


class TestWhoMay:
    def test_nobody_changes_what_belongs_to_somebody_else(self, ann, bob):
        may_all(bob)
        imported(FILE, ann)

        assert planned(FILE, bob).unchanged == 3
        ((line, says),) = errors(FILE.replace("48 Mill Lane", "50 Mill Lane"), bob)
        assert line == 3 and "belongs to ann" in says

    def test_a_superuser_does_and_it_stays_theirs(self, ann, bob):
        may_all(bob)
        imported(FILE, bob)

        imported(FILE.replace("48 Mill Lane", "50 Mill Lane"), ann)

        assert "50 Mill Lane" in SmsTemplate.objects.get().body
        assert SmsTemplate.objects.get().owner == bob

    def test_topics_are_everybodys_who_may_change_topics(self, ann, bob):
        imported(FILE, ann)
        allow(bob, "change_topic")
        sheet = "Topic,Content\nFinding us,Other.\n"

        imported(sheet, bob)

        assert (Topic.objects.get().content, Topic.objects.get().owner) == ("Other.", ann)
        assert errors("Topic,Content\nNew,x\n", bob) == [(2, "You may not add topics.")]

    def test_nobody_sees_what_they_may_not_view(self, ann, bob):
        imported(FILE, ann)
        allow(bob, "add_smstemplate")

        found = errors("midcall: 1\ntemplates:\n- name: directions\n  body: x\n", bob)

        assert "you may not see the SMS templates that there are" in found[0][1]

    def test_a_provider_must_be_enabled_for_the_owner(self, ann):
        UserProfile.objects.filter(user=ann).update(twilio_enabled=False)
        ann = type(ann).objects.get(pk=ann.pk)

        assert any(
            "Twilio is not enabled for ann" in says
            for _, says in errors(FILE.replace("    sender:", "    provider: twilio\n    sender:"), ann)
        )

    def test_an_action_of_the_same_name_of_somebody_else_is_told_apart_by_its_owner(self, ann, bob):
        factories.ActionFactory(name="note", owner=ann, description="Of Ann.")
        factories.ActionFactory(name="note", owner=bob, description="Of Bob.")
        text = all_of_build()

        assert text.index("owner: ann") < text.index("owner: bob")
        assert planned(text, ann).unchanged == 2
        assert errors(text.replace("owner: bob", "owner: eve"), ann)[0][1].startswith(
            "There is no user “eve” here"
        )
        imported(text.replace("Of Bob.", "Of Bob's."), ann)
        assert SmsAction.objects.get(owner=bob).description == "Of Bob's."


class TestAnExport:
    def test_goes_in_again_and_comes_out_the_same_to_the_byte(self, ann):
        imported(FILE, ann)
        factories.TemplateFactory(
            name="spare", owner=ann, body="{{b}} and {{ a }}", is_active=False, max_segments=1
        )
        text = all_of_build()
        for model in (Topic, SmsAction, SmsTemplate):
            model.objects.all().delete()

        imported(text, ann)

        assert all_of_build() == text
        assert planned(text, ann).unchanged == 4

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}"), max_size=40),
            max_size=4,
        ),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{}"), max_size=80),
        st.sampled_from(["midcall", "csv"]),
    )
    def test_holds_whatever_is_stored(self, ann, questions, text, format):
        Topic.objects.all().delete()
        factories.TopicFactory(name="x", owner=ann, questions=questions, content=text, actions=text)
        first = export(FORMATS[format])

        assert planned(first, ann).unchanged == 1
        Topic.objects.all().delete()
        imported(first, ann)
        assert export(FORMATS[format]) == first

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(
            st.sampled_from(["{{ day }}", "{{who}}", " to ", "\n", "é", "“", " #", ": ", "- "]), min_size=1
        ),
        st.dictionaries(
            st.sampled_from(["es", "no", "pt-BR"]), st.sampled_from(["Hei {{ who }}", "y", "null"])
        ),
        st.dictionaries(
            st.sampled_from(["day", "who"]),
            st.fixed_dictionaries(
                {},
                optional={
                    "description": st.sampled_from(["yes", "Such as: Friday", "#1", "'"]),
                    "max_characters": st.integers(1, 99),
                    "pattern": st.sampled_from(["[A-Z]{1,3}", "a|b"]),
                    "is_required": st.booleans(),
                    "allows_links": st.booleans(),
                },
            ),
        ),
    )
    def test_holds_whatever_is_stored_of_a_template(self, ann, pieces, translations, variables):
        SmsTemplate.objects.all().delete()
        template = factories.TemplateFactory(name="x", owner=ann, body="x" + "".join(pieces))
        for language, body in translations.items():
            factories.TranslationFactory(template=template, language=language, body=body)
        for name, rules in variables.items():
            factories.VariableFactory(template=template, name=name, **rules)
        first = all_of_build()

        assert planned(first, ann).unchanged == 1
        SmsTemplate.objects.all().delete()
        imported(first, ann)
        assert all_of_build() == first

    def test_has_no_ids_no_times_and_no_secrets(self, ann):
        imported(FILE, ann)
        UserProfile.objects.filter(user=ann).update(twilio_from="+13125550177")

        for format in FORMATS.values():
            text = export(format)
            for secret in (AUTH_TOKEN, ACCOUNT_SID, "+13125550177", "ann", "created", "updated", "password"):
                assert secret not in text

    def test_names_every_field_of_the_models_or_says_why_not(self):
        from builder.exchange.schema import KEYS, MODELS, NEVER_IN_A_FILE, VARIABLE_KEYS

        for kind, model in MODELS.items():
            own = {key.of_model for key in KEYS[kind]}
            assert {field.name for field in model._meta.concrete_fields} - own <= NEVER_IN_A_FILE
        own = {key.of_model for key in VARIABLE_KEYS} | {"name"}
        assert {field.name for field in Variable._meta.concrete_fields} - own <= NEVER_IN_A_FILE

    def test_holds_what_one_may_view(self, ann, bob):
        imported(FILE, ann)
        allow(bob, "view_topic")

        text = export(FORMATS["midcall"], bob)

        assert "Finding us" in text and "sms_actions" not in text and "templates" not in text


class TestThePages:
    def test_stand_on_the_three_lists_for_those_who_may(self, ann, bob):
        allow(bob, "view_topic")
        for name in ("builder_topic", "sms_smstemplate", "builder_smsaction"):
            page = logged_in(ann).get(reverse(f"admin:{name}_changelist")).text
            assert reverse(f"admin:{name}_import") in page and reverse(f"admin:{name}_export") in page
        page = logged_in(bob).get(reverse("admin:builder_topic_changelist")).text
        assert IMPORT not in page and reverse("admin:builder_topic_export") in page
        assert logged_in(bob).get(IMPORT).status_code == 403
        assert logged_in(bob).get(CHECK).status_code == 403
        assert logged_in(bob).get(reverse("admin:sms_smstemplate_export")).status_code == 403
        assert Client().get(IMPORT).status_code == 302

    def test_take_a_file_show_what_it_changes_and_import_it(self, ann):
        client = logged_in(ann)

        page = client.post(IMPORT, {"file": SimpleUploadedFile("build.yaml", FILE.encode())}, follow=True)

        assert "3 new" in page.text and not Topic.objects.exists()
        done = client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"}, follow=True)
        assert "Imported: 3 added, 0 changed, 0 as they were." in done.text
        assert Topic.objects.get().owner == ann

    def test_show_it_anew_if_something_changed_meanwhile(self, ann):
        imported(FILE, ann)
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": FILE.replace("Six", "Five")}, follow=True)
        Topic.objects.update(content="Seven minutes.")

        again = client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"})

        assert "since you looked, something changed here" in again.text
        assert Topic.objects.get().content == "Seven minutes."
        client.post(CHECK, {"seen": again.context["plan"].digest, "accept": "on"})
        assert Topic.objects.get().content.startswith("Five minutes")

    def test_want_warnings_accepted(self, ann):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": TestWarnings.FILE}, follow=True)
        seen = page.context["plan"].digest

        assert "accept the warnings first" in client.post(CHECK, {"seen": seen}).text
        assert not Topic.objects.exists()
        client.post(CHECK, {"seen": seen, "accept": "on"})
        assert Topic.objects.exists()

    def test_keep_a_text_that_cannot_be_read_so_that_it_can_be_mended(self, ann):
        broken = FILE.replace("topics:", "topics")

        for data in ({"text": broken}, {"file": SimpleUploadedFile("build.yaml", broken.encode())}):
            page = logged_in(ann).post(IMPORT, data)
            assert "Line 20" in page.text or "Line 19" in page.text
            assert "Six minutes on foot" in page.text

    def test_give_back_a_text_with_errors_to_mend_it(self, ann):
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": "Topic,Actions\nBad,Call {{nothing}}.\n"}, follow=True)

        assert "line 2" in page.text and "There is no SMS template called “nothing”" in page.text
        assert "Call {{nothing}}." in client.get(f"{IMPORT}?again=1").text
        assert "Call {{nothing}}." not in client.get(IMPORT).text

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            ({}, "Choose a file, or paste its text"),
            ({"text": "x", "file": SimpleUploadedFile("x.csv", b"Topic\nx\n")}, "give one of them"),
            ({"file": SimpleUploadedFile("x.csv", b"")}, "There is nothing in it"),
            ({"file": SimpleUploadedFile("x.csv", b"Topic\n" + b"x" * 3_000_000)}, "2 MB is the most"),
            ({"text": "no such thing"}, "This is no file that Midcall reads"),
        ],
    )
    def test_say_what_is_wrong_with_what_was_given(self, ann, data, says):
        assert says in logged_in(ann).post(IMPORT, data).text

    def test_keep_one_text_a_person_and_forget_it_when_it_is_imported(self, ann, bob):
        client = logged_in(ann)
        before = Session.objects.count()
        for _ in range(3):
            page = client.post(IMPORT, {"text": FILE}, follow=True)
        assert Session.objects.count() == before + 1

        client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"})

        assert Session.objects.count() == before
        assert "choose it again" in client.get(CHECK, follow=True).text

    def test_show_a_hostile_text_as_it_stands(self, ann):
        sheet = 'Topic,Content\n<script>alert(1)</script>,"</textarea><b onmouseover=x>"\n'

        page = logged_in(ann).post(IMPORT, {"text": sheet}, follow=True).text

        assert "<script>alert" not in page and "<b onmouseover" not in page and "&lt;script&gt;" in page

    def test_hand_out_the_formats_of_each_list(self, ann):
        imported(FILE, ann)
        client = logged_in(ann)
        url = reverse("admin:builder_topic_export")

        assert "topics.csv" in client.get(url).text and "sms_templates.yaml" not in client.get(url).text
        response = client.get(url, {"format": "csv"})
        assert response["Content-Disposition"] == 'attachment; filename="topics.csv"'
        assert response.content.decode() == export(FORMATS["csv"])
        assert client.get(url, {"format": "adk"}).status_code == 404
        assert (
            client.get(reverse("admin:builder_smsaction_export"), {"format": "midcall"}).text
            == all_of_build()
        )


class TestTheCommands:
    @pytest.fixture
    def run(self, tmp_path, capsys):
        def run(text, *arguments):
            file = tmp_path / "build.yaml"
            file.write_text(text)
            try:
                call_command("import_build", str(file), *arguments)
                code = 0
            except SystemExit as ended:
                code = ended.code
            except CommandError as error:
                code = error.returncode
            said = capsys.readouterr()
            return code, said.out, said.err.replace(str(tmp_path), "")

        return run

    def test_export_to_a_file_and_import_it_again(self, ann, tmp_path, run):
        imported(FILE, ann)
        file = tmp_path / "out.yaml"

        call_command("export_build", str(file))

        assert file.read_bytes() == all_of_build().encode()
        Topic.objects.update(content="")
        code, out, _ = run(file.read_text())
        assert code == 0
        assert "~ topic “Finding us”\n    Content\n    + Six minutes on foot" in out
        assert "Imported: 0 new, 1 changed, 2 unchanged." in out
        assert run(file.read_text())[1] == "Nothing to import: 0 new, 0 changed, 3 unchanged.\n"

    def test_write_to_the_standard_output_and_read_from_the_standard_input(self, ann, capsys, monkeypatch):
        imported(FILE, ann)
        call_command("export_build", "--format", "csv")
        text = capsys.readouterr().out
        Topic.objects.all().delete()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

        call_command("import_build", "-")

        assert Topic.objects.get().questions == ["Where are you?", "Is there parking?"]

    def test_a_dry_run_says_what_it_would_do(self, ann, run):
        code, out, _ = run(FILE, "--dry-run")

        assert (code, Topic.objects.exists()) == (0, False)
        assert "+ SMS template “directions”" in out and "it would be: 3 new" in out

    def test_an_error_is_named_like_a_compilers_and_ends_with_1(self, ann, run):
        code, out, err = run("midcall: 1\ntopics:\n- name: x\n  actions: Call {{nothing}}.\n")

        assert code == 1 and not Topic.objects.exists()
        assert err.startswith("/build.yaml:4: error: topic “x”: There is no SMS template called “nothing”.")
        assert "Nothing was imported: 1 error" in out
        assert run("midcall: 1\ntopics: {")[::2] == (1, run("midcall: 1\ntopics: {")[2])
        assert "/build.yaml:" in run("midcall: 1\ntopics: {")[2]

    def test_warnings_end_with_3_until_they_are_accepted(self, ann, run):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")

        code, _, err = run(TestWarnings.FILE)
        assert code == 3 and "warning: topic “Finding us”" in err and not Topic.objects.exists()
        assert run(TestWarnings.FILE, "--accept-warnings")[0] == 0 and Topic.objects.exists()

    def test_whoever_imports_must_be_named_where_it_is_not_clear(self, ann, bob, run):
        factories.UserFactory(username="eve", is_superuser=True)

        assert run(FILE)[0] == 2
        assert run(FILE, "--owner", "nobody")[0] == 2
        assert run(FILE, "--owner", "bob")[0] == 1
        may_all(bob)
        assert run(FILE, "--owner", "bob")[0] == 0
        assert Topic.objects.get().owner == bob
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_build", "nowhere.yaml", "--owner", "bob")
