"""The form of an SMS action: who writes the text, by which rules, to whom, and what the agent sees of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from builder.models import NO_CONSENT_OF_OTHERS, SmsAction
from sms.models import UserProfile
from tests import factories
from tests.factories import ACCOUNT_SID

pytestmark = pytest.mark.django_db

ADD = reverse("admin:builder_smsaction_add")
PREVIEW = reverse("admin:builder_smsaction_preview")
FORM = {
    "name": "note",
    "description": "Use this to text the caller the address when they ask for it.",
    "content": "agent",
    "template": "",
    "max_segments": "2",
    "allowed_hosts": "https://www.Example.com/book\nexample.com",
    "forbidden_words": "free\nFREE\nact now",
    "recipient": "caller",
    "provider": "twilio",
    "account_sid": ACCOUNT_SID,
    "default_from": "+13125550142",
    "send_within_seconds": "900",
    "is_active": "on",
}


@pytest.fixture
def bob(bob):
    """Bob may do what there is to do with actions."""
    bob.user_permissions.add(*Permission.objects.filter(content_type__model="smsaction"))
    return bob


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change(action) -> str:
    return reverse("admin:builder_smsaction_change", args=[action.pk])


def stored(action):
    return SmsAction.objects.get(pk=action.pk)


class TestWhoIsTextedWithoutConsent:
    """That the caller need not be asked was an administrator's decision, of the caller."""

    @pytest.fixture
    def waived(self, bob):
        return factories.ActionFactory(
            owner=bob, name="note", transactional=True, transactional_because="Asked for"
        )

    def test_stays_the_caller(self, bob, waived):
        form = {**FORM, "recipient": "anyone", "transactional": "on"}

        assert NO_CONSENT_OF_OTHERS in logged_in(bob).post(change(waived), form).text
        assert stored(waived).recipient == "caller"

    def test_is_anyone_once_the_agent_asks_again(self, bob, waived):
        logged_in(bob).post(change(waived), {**FORM, "recipient": "anyone"})

        assert (stored(waived).recipient, stored(waived).transactional) == ("anyone", False)

    def test_is_whom_an_administrator_says(self, bob, waived):
        ann = factories.UserFactory(username="ann", role="Admin")
        form = {**FORM, "recipient": "anyone", "transactional": "on", "transactional_because": "Asked for"}

        logged_in(ann).post(change(waived), {**form, "owner": bob.pk})

        assert (stored(waived).recipient, stored(waived).transactional) == ("anyone", True)


class TestWhatTheAgentWrites:
    def test_is_held_to_rules_that_are_stored_as_they_are_compared(self, bob):
        logged_in(bob).post(ADD, FORM)

        action = SmsAction.objects.get()
        assert (action.max_segments, action.allowed_hosts) == (2, ["example.com"])
        assert action.forbidden_words == ["free", "act now"]
        assert (action.template, action.owner) == (None, bob)

    def test_is_held_to_the_usual_ones_where_a_request_names_none(self, bob):
        logged_in(bob).post(
            ADD, {key: FORM[key] for key in FORM if key not in ("max_segments", "allowed_hosts")}
        )

        action = SmsAction.objects.get()
        assert (action.max_segments, action.allowed_hosts) == (3, [])

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("max_segments", "0", "Write a number from 1 to 10."),
            ("max_segments", "11", "Write a number from 1 to 10."),
            ("max_segments", "many", "Write a number from 1 to 10."),
            ("allowed_hosts", "ok.example\n192.0.2.1", "“192.0.2.1”: Write a name"),
            ("allowed_hosts", "*.example.com", "Write each host out"),
            (
                "allowed_hosts",
                "\n".join(f"h{number}.example" for number in range(21)),
                "20 web sites at most",
            ),
            ("forbidden_words", "(a+)+$", "Write a word, or a few"),
            ("forbidden_words", "x" * 61, "60 characters"),
        ],
    )
    def test_has_rules_that_make_sense_or_is_not_stored_and_nothing_is_lost(self, bob, field, value, says):
        page = logged_in(bob).post(ADD, {**FORM, field: value}).text

        assert says in page
        assert value.splitlines()[-1] in page and FORM["description"] in page
        assert not SmsAction.objects.exists()


class TestATemplate:
    def test_fixes_what_is_sent_and_the_rules_wait(self, bob):
        template = factories.TemplateFactory(name="directions", owner=bob)
        action = factories.ActionFactory(owner=bob, max_segments=1, forbidden_words=["free"])
        data = {
            **FORM,
            "content": "template",
            "template": template.pk,
            "max_segments": "99",
            "allowed_hosts": "!",
        }

        logged_in(bob).post(change(action), data)

        assert stored(action).template == template
        assert (stored(action).max_segments, stored(action).forbidden_words) == (1, ["free"])

    def test_has_to_be_chosen(self, bob):
        page = logged_in(bob).post(ADD, {**FORM, "content": "template"}).text

        assert "Choose a template, or let the agent write the text." in page
        assert not SmsAction.objects.exists()

    def test_is_let_go_where_the_agent_is_to_write(self, bob):
        template = factories.TemplateFactory(owner=bob)
        action = factories.ActionFactory(owner=bob, template=template)

        logged_in(bob).post(change(action), {**FORM, "template": template.pk})

        assert stored(action).template is None

    def test_is_what_a_request_means_that_names_one_and_no_choice(self, bob):
        template = factories.TemplateFactory(owner=bob)
        data = {key: FORM[key] for key in FORM if key != "content"}

        logged_in(bob).post(ADD, {**data, "template": template.pk})

        assert SmsAction.objects.get().template == template

    def test_of_somebody_else_is_neither_offered_nor_taken_nor_shown(self, bob):
        theirs = factories.TemplateFactory(name="theirs", body="A text of theirs.")
        data = {**FORM, "content": "template", "template": theirs.pk}
        client = logged_in(bob)

        assert "theirs" not in client.get(ADD).text
        assert "Select a valid choice" in client.post(ADD, data).text
        assert "A text of theirs." not in client.post(PREVIEW, data).text
        assert not SmsAction.objects.exists()

    def test_of_somebody_else_that_an_action_has_already_stays(self, bob):
        theirs = factories.TemplateFactory(name="theirs")
        action = factories.ActionFactory(owner=bob, template=theirs)

        logged_in(bob).post(change(action), {**FORM, "content": "template", "template": theirs.pk})

        assert stored(action).name == "note" and stored(action).template == theirs

    def test_that_is_switched_off_is_not_sent(self, bob):
        template = factories.TemplateFactory(name="directions", owner=bob, is_active=False)
        action = factories.ActionFactory(owner=bob, template=template)

        assert action.obstacle() == "Its template “directions” is switched off."
        page = logged_in(bob).get(reverse("admin:builder_smsaction_changelist")).text
        assert "Its template “directions” is switched off." in page


def test_that_texts_go_one_way_is_said_to_ops_and_to_the_agent(bob):
    page = logged_in(bob).get(ADD).text

    assert "One way only: nobody reads what is texted back" in page
    assert "Nobody reads a reply: ask for none." in page


class TestTheProvider:
    def test_is_stated_with_the_reason_where_there_is_no_choice(self, bob, settings):
        settings.ATLAS_ACCOUNT_SID = "AC" + "1" * 32
        UserProfile.objects.filter(user=bob).update(atlas_enabled=False)

        page = logged_in(bob).get(ADD).text

        assert "the only one enabled for you. An administrator may enable Atlas." in page
        assert 'type="hidden" id="id_provider" name="provider" value="twilio"' in page

    def test_that_is_not_enabled_is_neither_claimed_nor_taken(self, bob):
        UserProfile.objects.filter(user=bob).update(twilio_enabled=False, atlas_enabled=False)
        factories.ActionFactory(name="before", owner=bob)
        for url, form in ((ADD, FORM), (change(SmsAction.objects.get()), {**FORM, "name": "after"})):
            assert "None is enabled for you. An administrator enables one" in logged_in(bob).get(url).text
            assert "Twilio is not enabled for bob." in logged_in(bob).post(url, form).text
        assert SmsAction.objects.get().name == "before"

    def test_is_stated_where_the_platform_has_none(self, bob, settings):
        settings.ATLAS_ACCOUNT_SID = ""
        assert "Atlas is not set up here: the operator does that." in logged_in(bob).get(ADD).text


class TestThePreview:
    def test_shows_the_tool_the_hints_and_a_name_of_what_is_typed(self, bob):
        data = {**FORM, "name": "Bücher Link!", "description": "Send it.", "recipient": "anyone"}

        answer = logged_in(bob).post(PREVIEW, data).json()

        assert answer["name"] == "bucher_link"
        assert "It does not say when to send the text." in answer["hints"]
        assert "It does not say whom to text" in answer["said"]
        assert "Send it. Sends one text message (SMS) to a number that the caller gives." in answer["agent"]
        assert "At most 306 characters" in answer["agent"]
        assert "Only links to example.com" in answer["agent"] and "free, act now" in answer["agent"]
        assert not SmsAction.objects.exists()

    def test_shows_the_template_and_what_it_asks_for(self, bob):
        bob.user_permissions.add(Permission.objects.get(codename="view_smstemplate"))
        template = factories.TemplateFactory(owner=bob, body="<b>Hi</b> {{ guest }}")
        data = {**FORM, "content": "template", "template": template.pk}

        answer = logged_in(bob).post(PREVIEW, data).json()

        assert "&lt;b&gt;Hi&lt;/b&gt; {{ guest }}" in answer["template"]
        assert "guest" in answer["agent"] and "message" not in answer["agent"].replace("text message", "")

    def test_shows_no_text_of_templates_to_whoever_may_not_see_them(self, bob):
        template = factories.TemplateFactory(owner=bob, body="A text of Bob's.")
        data = {**FORM, "content": "template", "template": template.pk}

        answer = logged_in(bob).post(PREVIEW, data).json()

        assert "A text of Bob" not in str(answer)
        assert "You may not see SMS templates" in answer["template"]

    @pytest.mark.parametrize(
        "typed",
        [
            {},
            {"content": "x", "recipient": "x", "template": "x", "max_segments": "x"},
            {"content": "template", "template": "9" * 30},
            {"name": "\u202e" * 200, "description": "x" * 20_000, "max_segments": "-1"},
            {"allowed_hosts": "a\n" * 3000 + "*.x\n\\", "forbidden_words": "(\n[\n)+\n" + "y\n" * 3000},
            {"action": "", "description": "{{ }} {% x %} <script>"},
        ],
    )
    def test_answers_whatever_is_typed(self, bob, typed):
        response = logged_in(bob).post(PREVIEW, typed)

        assert response.status_code == 200
        assert "<script>" not in response.json()["agent"]

    def test_is_for_whoever_may_write_the_action(self, bob, client):
        theirs = factories.ActionFactory()
        mine = factories.ActionFactory(owner=bob)
        may = logged_in(bob)

        assert client.post(PREVIEW, FORM).status_code == 302
        assert may.get(PREVIEW).status_code == 405
        assert may.post(PREVIEW, {**FORM, "action": theirs.pk}).status_code == 403
        assert may.post(PREVIEW, {**FORM, "action": "9" * 30}).status_code == 404
        assert may.post(PREVIEW, {**FORM, "action": mine.pk}).status_code == 200
        bob.user_permissions.clear()
        assert logged_in(type(bob).objects.get(pk=bob.pk)).post(PREVIEW, FORM).status_code == 403


def test_a_name_that_no_tool_may_have_is_refused_with_one_that_it_may(bob):
    page = logged_in(bob).post(ADD, {**FORM, "name": "Booking link"}).text

    assert "without spaces." in page and ">booking_link</span>" in page


def test_whoever_may_only_look_sees_the_rules_and_no_form(bob):
    bob.user_permissions.clear()
    bob.user_permissions.add(Permission.objects.get(codename="view_smsaction"))
    action = factories.ActionFactory(allowed_hosts=["example.com"], forbidden_words=["free"])

    page = logged_in(bob).get(change(action)).text

    assert "example.com" in page and "free" in page
    assert 'name="content"' not in page and "data-agent" not in page


def test_a_secret_is_asked_for_again_where_something_else_is_to_be_mended(bob):
    typed = {**FORM, "name": "no good name", "auth_token": "9e" * 16}

    page = logged_in(bob).post(ADD, typed).text

    assert "Enter it once more" in page and typed["auth_token"] not in page
    assert not SmsAction.objects.exists()
    assert "Enter it once more" not in logged_in(bob).post(ADD, {**typed, "auth_token": ""}).text


class TestOnceItIsSaved:
    def test_the_next_step_is_said(self, bob):
        said = logged_in(bob).post(ADD, FORM, follow=True).text

        assert "It is used once it is attached" in said
        assert "cannot be sent yet" not in said

    def test_what_is_missing_for_it_to_be_sent_is_said_and_where_to_mend_that(self, bob):
        UserProfile.objects.update(twilio_account_sid="", twilio_auth_token=None, twilio_from="")
        form = {**FORM, "account_sid": "", "default_from": ""}

        said = logged_in(bob).post(ADD, form, follow=True).text

        assert "“note” cannot be sent yet." in said
        assert "They enter them under Account &gt; My profile." in said


class TestTheList:
    url = reverse("admin:builder_smsaction_changelist")

    def test_says_what_is_sent_to_whom_and_when_it_last_was(self, ann):
        factories.ActionFactory(name="one", owner=ann, allowed_hosts=["example.com"], max_segments=1)
        factories.ActionFactory(name="two", owner=ann, recipient="anyone")

        page = logged_in(ann).get(self.url).text

        assert "1 segment; links to example.com" in page and "Up to 3 segments; no links" in page
        assert f"Owner: {ann}" in page
        assert "anyone" in page and "Nowhere yet" in page and "No recent text" in page

    def test_says_the_next_step_where_there_is_none(self, ann):
        page = logged_in(ann).get(self.url).text

        assert "Add one, then attach it to a campaign" in page

    def test_takes_as_many_queries_for_twenty_as_for_two(self, ann, django_assert_max_num_queries):
        for _ in range(20):
            factories.ActionFactory(owner=ann, template=factories.TemplateFactory(owner=ann))
        client = logged_in(ann)

        with django_assert_max_num_queries(15):
            client.get(self.url)
