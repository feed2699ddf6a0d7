"""An export goes in again as it came out; and who may export and import what."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.exchange.exporting import FORMATS, export
from builder.exchange.schema import KEYS, MODELS, VARIABLE_KEYS
from builder.models import SmsAction, Topic
from sms.models import SmsTemplate, UserProfile, Variable
from tests import factories
from tests.builder.exchange import FILE, all_of_build, errors, imported, may_all, planned
from tests.builder.test_admin import allow
from tests.factories import ACCOUNT_SID, AUTH_TOKEN


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
        # Who shares what is decided where it is, not in a file.
        left_out = {"id", "owner", "is_shared", "created_at", "updated_at", "accepted_warnings", "template"}
        for kind, model in MODELS.items():
            own = {key.of_model for key in KEYS[kind]}
            assert {field.name for field in model._meta.concrete_fields} - own <= left_out
        own = {key.of_model for key in VARIABLE_KEYS} | {"name"}
        assert {field.name for field in Variable._meta.concrete_fields} - own <= left_out

    def test_holds_what_one_may_view(self, ann, bob):
        imported(FILE, ann)
        allow(bob, "view_topic")

        text = export(FORMATS["midcall"], bob)

        assert "Finding us" in text and "sms_actions" not in text and "templates" not in text


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
