"""Each rule of the table: a tool call that it alone refuses, what the agent is told, and that nothing leaves.

The cases stand by the rules' codes; a rule without one fails here.
"""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import models, switches, tools
from campaigns.drafts import Caller
from campaigns.models import Consent, ToolCall
from campaigns.parameters import checked
from campaigns.safeguards import BY_THE_CLOCK, RULES, Outcome, Request, Rule, verdicts
from sms import outbox
from sms.erasing import erasing
from sms.models import AtlasDay, Message, OptOut
from tests import factories
from tests.conftest import ATLAS_SID
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db

TOOL = "note"
REFUSING = [rule for rule in RULES if rule is not BY_THE_CLOCK]
CASES = {}


def refuses(code):
    """Marks a case: what makes the rule of that code refuse a text to which nothing else stands opposed."""

    def note(case):
        assert code not in CASES
        CASES[code] = case
        return case

    return note


class Call:
    """A tool call that would be accepted, and its world; a case spoils one thing."""

    def __init__(self, campaign, connection, settings):
        self.campaign, self.connection, self.settings = campaign, connection, settings
        self.number, self.name = CALLER, ""
        # How many texts were accepted before it.
        self.before = 0
        self.parameters = {"message": "The soup is 9 dollars.", "consent": "Yes, please."}
        self.action = factories.ActionFactory(name=TOOL, owner=campaign.owner)
        factories.AttachmentFactory(campaign=campaign, action=self.action)

    def change(self, thing, **fields):
        for name, value in fields.items():
            setattr(thing, name, value)
        thing.save()

    def with_template(self, body, **variable):
        template = factories.TemplateFactory(owner=self.campaign.owner, body=body)
        factories.VariableFactory(template=template, **variable)
        self.change(self.action, template=template)
        self.parameters = {"consent": "Yes, please."}

    def to_anyone(self, number):
        self.change(self.action, recipient="anyone")
        self.parameters |= {"to": number, "recipient_confirmed": number[-4:]}

    def earlier(self, message="The wine is 4 dollars.", number="+14155550177", call_id="call-0"):
        """Another text of the same tool, which was accepted before."""
        spoken = {**self.parameters, "message": message}
        self.before += 1
        assert self.fire(call_id, number, spoken)["status"] == "accepted"

    def limit(self, field):
        """One text before this one, and no more than that is allowed."""
        self.earlier()
        self.change(self.campaign, **{field: 1})

    def fire(self, call_id="call-1", number=None, parameters=None):
        response = Client().post(
            f"/c/{self.connection.slug}/tools/{TOOL}",
            json.dumps(
                {
                    "callId": call_id,
                    "customerPhoneNumber": self.number if number is None else number,
                    "customerName": self.name,
                    "parameters": parameters or self.parameters,
                }
            ),
            content_type="application/json",
            headers={"Authorization": f"Bearer {SECRET}"},
        )
        assert response.status_code == 200, response.text
        return response.json()

    def verdicts(self) -> dict[str, Outcome]:
        tool = next(each for each in tools.of(self.campaign) if each.name == TOOL)
        caller = Caller(self.number, self.name)
        noted = models.Call.objects.filter(external_id="call-1").first()
        request = Request(self.campaign, tool, caller, checked(tool, self.parameters), "en", noted)
        return {rule.code: verdict.outcome for rule, verdict in verdicts(request)}


@pytest.fixture
def call(campaign, connection, settings):
    return Call(campaign, connection, settings)


@refuses("paused")
def _(call):
    switches.pause(call.campaign, "The price is wrong", "olive")


@refuses("campaign_off")
def _(call):
    call.change(call.campaign, is_active=False)


@refuses("not_configured")
def _(call):
    call.change(call.campaign.owner.sms_profile, twilio_from="")


@refuses("sender_held")
def _(call):
    call.fire()
    outbox.hold(factories.ACCOUNT_SID, None, "The account is suspended.")
    with erasing():
        Consent.objects.all().delete()
    ToolCall.objects.all().delete()
    Message.objects.all().delete()


@refuses("consent_required")
def _(call):
    call.parameters["consent"] = "I don't know"


@refuses("no_caller_number")
def _(call):
    call.number = ""


@refuses("invalid_recipient")
def _(call):
    call.to_anyone("my sister")


@refuses("number_not_textable")
def _(call):
    call.number = "+19005550123"


@refuses("country_not_allowed")
def _(call):
    call.number = "+18765551234"


@refuses("recipient_not_confirmed")
def _(call):
    call.to_anyone("+13125550100")
    call.parameters["recipient_confirmed"] = "0101"


@refuses("link_not_allowed")
def _(call):
    call.parameters["message"] = "See example.com."


@refuses("forbidden_word")
def _(call):
    call.change(call.action, forbidden_words=["soup"])


@refuses("phone_number_not_allowed")
def _(call):
    call.parameters["message"] = "Call 415 555 0199."


@refuses("confidential")
def _(call):
    call.parameters["message"] = "The card is 4111 1111 1111 1111."


@refuses("hidden_characters")
def _(call):
    call.parameters["message"] = "The so\u200bup is hot."


@refuses("no_caller_name")
def _(call):
    call.with_template("Hello {{ who }}.", name="who", source="caller_name")


@refuses("too_many_segments")
def _(call):
    call.parameters["message"] = "soup " * 100


@refuses("opted_out")
def _(call):
    OptOut.objects.create(recipient=CALLER)


@refuses("already_sent")
def _(call):
    call.earlier(call.parameters["message"], CALLER)


@refuses("call_limit")
def _(call):
    call.earlier(number=CALLER, call_id="call-1")
    call.change(call.campaign, texts_per_call=1)


@refuses("number_limit")
def _(call):
    call.earlier(number=CALLER)
    call.change(call.campaign, texts_per_number=1)


@refuses("tool_limit")
def _(call):
    call.limit("texts_per_tool")


@refuses("campaign_limit")
def _(call):
    call.limit("texts_per_day")


@refuses("sender_limit")
def _(call):
    call.limit("texts_per_sender")


@refuses("country_limit")
def _(call):
    call.limit("texts_per_country")


@refuses("segment_limit")
def _(call):
    call.limit("segments_per_day")


@refuses("daily_cap")
def _(call):
    call.settings.ATLAS_ACCOUNT_SID, call.settings.ATLAS_FROM = ATLAS_SID, "+13125550100"
    call.settings.ATLAS_MAX_PER_DAY = 3
    AtlasDay.objects.create(user=call.campaign.owner, day=timezone.now().date(), texts=3)
    call.change(call.action, provider="atlas")


def test_each_rule_has_a_case_of_its_own():
    assert set(CASES) == {rule.code for rule in REFUSING}


@pytest.mark.parametrize("rule", REFUSING, ids=lambda rule: rule.code)
def test_it_alone_refuses_and_nothing_is_sent(call, rule: Rule):
    CASES[rule.code](call)

    found = call.verdicts()
    answer = call.fire()

    assert [code for code, outcome in found.items() if outcome is Outcome.REFUSES] == [rule.code]
    assert (answer["status"], answer["code"], answer["messageId"]) == ("refused", rule.code, None)
    assert answer["say"].endswith((".", "?"))
    fired = ToolCall.objects.order_by("pk").last()
    assert (fired.outcome, fired.refusal, fired.say) == ("refused", rule.code, answer["say"])
    assert Message.objects.count() == Consent.objects.count() == call.before


def test_without_any_of_it_the_text_is_promised(call):
    assert Outcome.REFUSES not in call.verdicts().values()
    assert call.fire()["status"] == "accepted"
    assert Message.objects.count() == 1


def test_each_rule_has_its_own_code_and_sentences():
    assert len({rule.code for rule in RULES}) == len({rule.title for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.say.endswith((".", "?")) and rule.plain.endswith(".") and not rule.title.endswith(".")


def test_each_rule_is_in_the_published_contract():
    schemas = Client().get("/api/openapi.json").json()["components"]["schemas"]

    described = schemas["ToolCallAnswer"]["properties"]["code"]["description"]

    assert all(f"`{rule.code}`: {rule.plain}" in described for rule in REFUSING)
    assert BY_THE_CLOCK.code not in described
