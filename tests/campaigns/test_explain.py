"""What would become of a tool call: told by a command and on the campaign's page, and nothing is written."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from campaigns.models import Allowance, Call, ToolCall
from campaigns.safeguards import RULES
from campaigns.safeguards.limits import LIMITS
from sms.models import Message, OptOut
from tests import factories
from tests.factories import CALLER

pytestmark = pytest.mark.django_db


@pytest.fixture
def note(campaign):
    action = factories.ActionFactory(name="note", owner=campaign.owner)
    factories.AttachmentFactory(campaign=campaign, action=action)
    return action


@pytest.fixture
def explain(campaign, note):
    """The command's exit code and output."""

    def run(*words: str, tool="note"):
        out, code = StringIO(), 0
        with CaptureQueriesContext(database) as seen:
            try:
                call_command("explain", campaign.name, tool, *words, stdout=out)
            except SystemExit as end:
                code = end.code
        assert not [each for each in seen if not each["sql"].strip().startswith("SELECT")]
        assert not any(model.objects.exists() for model in (Message, Call, ToolCall, Allowance))
        return code, out.getvalue()

    return run


AGREED = ("--caller", CALLER, "--consent", "Yes, please.", "--set", "message=The soup is 9 dollars.")


class TestTheCommand:
    def test_says_what_each_rule_says_and_the_answer(self, explain):
        code, said = explain(*AGREED)

        assert code == 0
        for rule in RULES:
            [line] = [line for line in said.splitlines() if f"  {rule.code} " in f"{line} "]
            assert line.startswith(("passes", "not asked")) and rule.title in line
        assert "Accepted. The agent says: The text is on its way to the number ending in 2 3." in said
        assert f"To {CALLER}: The soup is 9 dollars." in said

    def test_says_what_refuses_it(self, explain):
        OptOut.objects.create(recipient=CALLER)

        code, said = explain(*AGREED, "--consent", "no")

        assert code == 1
        refusing = [line for line in said.splitlines() if line.startswith("refuses")]
        assert ["consent_required" in refusing[0], "opted_out" in refusing[1], len(refusing)] == [
            True,
            True,
            2,
        ]
        assert "Refused. The agent says: I haven't sent anything yet." in said

    def test_says_what_is_broken(self, explain):
        code, said = explain("--caller", CALLER, "--set", "tone=warm")

        assert code == 2 and "no parameter “tone”" in said

    @pytest.mark.parametrize(
        ("words", "tool", "why"),
        [
            ((), "memo", "it has note"),
            (("--caller", "me"), "note", "not a phone number"),
            (("--set", "message"), "note", "NAME=VALUE"),
            (("--language", "English"), "note", "en for English"),
        ],
    )
    def test_says_what_it_was_called_wrong_with(self, campaign, note, words, tool, why):
        with pytest.raises(CommandError, match=why):
            call_command("explain", campaign.name, tool, *words)

    def test_knows_no_other_campaign(self, note):
        with pytest.raises(CommandError, match="no campaign"):
            call_command("explain", "Nowhere", "note")


class TestThePage:
    @pytest.fixture
    def shown_by(self, campaign, note):
        campaign.owner.is_staff = campaign.owner.is_superuser = True
        campaign.owner.save()
        client = Client()
        client.force_login(campaign.owner)
        url = reverse("admin:campaigns_campaign_safeguards", args=[campaign.pk])

        def show(**typed):
            if not typed:
                return client.get(url).text
            with CaptureQueriesContext(database) as seen:
                shown = client.post(url, {"tool": "note", **typed}).text
            assert not [each for each in seen if not each["sql"].strip().startswith("SELECT")]
            return shown

        return show

    TYPED = {"caller": CALLER, "parameter-message": "Hi.", "parameter-consent": "Yes, please."}

    def test_lists_each_rule_with_its_sentences(self, shown_by):
        shown = shown_by()

        for rule in RULES:
            assert all(escape(words) in shown for words in (rule.title, rule.plain, rule.say))

    def test_shows_how_much_of_a_limit_is_used_and_until_when(self, shown_by, door):
        door("note", parameters={"message": "Hello.", "consent": "Yes, please."})

        shown = shown_by()

        assert "1 of 3,000" in shown and "1 of 500" in shown and "1 of 6,000" in shown
        assert "Until 00:00 UTC." in shown

    def test_shows_what_each_rule_says_of_a_tool_call(self, shown_by):
        shown = shown_by(**self.TYPED)

        assert "<strong>Accepted.</strong>" in shown and CALLER in shown
        assert shown.count(">passes<") + shown.count(">not asked<") == len(RULES)
        assert not Message.objects.exists()

    def test_shows_what_refuses_it(self, shown_by):
        shown = shown_by(**{**self.TYPED, "parameter-consent": "No."})

        assert "<strong>Refused.</strong> The agent did not say" in shown
        assert shown.count(">refuses<") == 1

    def test_says_what_is_broken_and_keeps_what_was_typed(self, shown_by):
        shown = shown_by(**{**self.TYPED, "parameter-message": "<b>\u202e</b>"})

        assert "The request is broken" in shown and "&lt;b&gt;" in shown

    def test_refuses_a_number_that_is_none(self, shown_by):
        assert "A runtime that gives such a number gets an error." in shown_by(
            **{**self.TYPED, "caller": "me"}
        )

    def test_of_a_campaign_without_tools_says_what_to_do(self, shown_by, campaign):
        campaign.attachments.all().delete()

        assert "The agent has no tool yet." in shown_by()


def test_a_limit_is_changed_on_the_campaigns_form_and_stands_in_its_history(campaign):
    campaign.owner.is_staff = campaign.owner.is_superuser = True
    campaign.owner.save()
    client = Client()
    client.force_login(campaign.owner)
    url = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    form = client.get(url).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    fields = {name: value for name, value in shown.items() if value not in (None, False)}
    fields |= {**dict.fromkeys((rule.field for rule in LIMITS), ""), "texts_per_call": "2"}
    fields["minutes_before_repeat"] = ""

    refused = client.post(url, {**fields, "texts_per_call": "0"}).text
    client.post(url, fields)

    assert "greater than or equal to 1" in refused
    campaign.refresh_from_db()
    assert (campaign.texts_per_call, campaign.texts_per_day) == (2, None)
    assert campaign.minutes_before_repeat is None
    shown = client.get(reverse("admin:campaigns_campaign_history", args=[campaign.pk])).text
    assert "texts in one call" in shown.lower()
