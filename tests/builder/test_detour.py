"""From a half-written topic to a new template and back: nothing is lost, nothing is mixed up."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from builder import detour, prompt
from builder.models import Topic
from sms.models import SmsTemplate
from tests import factories

ADD = "/admin/builder/topic/add/"
TYPED = {"name": "Parking", "questions": "Where?\r\nHow much?", "content": "Behind", "actions": "Offer it: "}
TEMPLATE = {
    "name": "parking",
    "description": "Use this when asked.",
    "body": "Behind the house.",
    "provider": "twilio",
    "sender": "",
    "send_within_seconds": "900",
    "is_active": "on",
}


@pytest.fixture
def ann(db):
    """Ann writes topics and templates."""
    ann = factories.UserFactory(username="ann", is_staff=True)
    allow(ann, "topic", "add", "change", "view")
    allow(ann, "smstemplate", "add", "change", "view")
    return ann


@pytest.fixture
def client(ann) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def allow(user, model: str, *verbs: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=[f"{verb}_{model}" for verb in verbs]))


def leave(client: Client, page: str = ADD, **typed: str) -> str:
    """The address one is sent to, to add a template."""
    response = client.post(page, {**TYPED, "_add_template": "", **typed})
    assert response.status_code == 302
    return response.url


def initial(response) -> dict[str, object]:
    return response.context["adminform"].form.initial


def test_one_comes_back_to_what_was_typed_with_the_template_where_the_caret_was(client):
    way = leave(client, actions="Offer it:  then go on.", _caret="10", is_active="on")

    page = client.post(way, TEMPLATE, follow=True)

    assert (
        initial(page).items()
        >= {
            "name": "Parking",
            "questions": "Where?\nHow much?",
            "content": "Behind",
            "actions": "Offer it: {{parking}} then go on.",
            "is_active": True,
        }.items()
    )
    assert 'data-caret="21"' in page.text
    assert "The topic itself is not saved yet" in page.text
    assert SmsTemplate.objects.exists() and not Topic.objects.exists()


def test_what_was_switched_off_stays_so_and_what_is_wrong_is_not_judged_yet(client):
    page = client.post(leave(client, name="", questions="q\n" * 30), TEMPLATE, follow=True)

    assert not initial(page)["is_active"]
    assert str(initial(page)["questions"]).count("q") == 30
    assert not page.context["errors"]


def test_lines_count_once_for_the_caret(client):
    way = leave(client, actions="One\r\ntwo\r\n", _caret="8")

    assert initial(client.post(way, TEMPLATE, follow=True))["actions"] == "One\ntwo\n{{parking}}"


@pytest.mark.parametrize("caret", ["", "-1", "99999", "9" * 5000, "²", "1e3", "x"])
def test_without_a_place_that_makes_sense_it_goes_to_the_end(client, caret):
    way = leave(client, actions="Offer it:", _caret=caret)

    assert initial(client.post(way, TEMPLATE, follow=True))["actions"] == "Offer it: {{parking}}"


def test_a_stored_topic_is_left_and_found_again_alike(client):
    topic = factories.TopicFactory(name="Parking")
    address = reverse("admin:builder_topic_change", args=[topic.pk])

    page = client.post(leave(client, f"{address}?_changelist_filters=q%3Dpark"), TEMPLATE, follow=True)

    assert page.request["PATH_INFO"] == address
    assert "_changelist_filters=q%3Dpark" in page.request["QUERY_STRING"]
    assert initial(page)["actions"] == "Offer it: {{parking}}"
    assert Topic.objects.get().actions == ""


def test_cancelling_leads_back_to_what_was_typed(client):
    form = client.get(leave(client))
    draft = form.context["draft"]

    assert f'href="{draft.url}"' in form.text
    assert initial(client.get(draft.url))["actions"] == "Offer it: "


def test_whoever_strays_is_offered_the_draft_until_the_topic_is_saved(client):
    way = leave(client)
    token = way.partition("topic=")[2]
    assert "You left “Parking”" in client.get(ADD).text
    assert "You left “Parking”" in client.get("/admin/builder/topic/").text

    client.post(f"{ADD}?draft={token}", {"name": "Parking"})

    assert Topic.objects.exists()
    assert "You left" not in client.get(ADD).text


def test_a_draft_is_thrown_away_only_by_a_post(client):
    discard = reverse("admin:builder_topic_discard", args=[leave(client).partition("topic=")[2]])

    client.get(discard)
    assert "You left" in client.get(ADD).text

    client.post(discard)
    assert "You left" not in client.get(ADD).text


def test_a_refused_save_keeps_the_draft(client):
    token = leave(client).partition("topic=")[2]

    client.post(f"{ADD}?draft={token}", {"name": ""})

    assert initial(client.get(f"{ADD}?draft={token}"))["name"] == "Parking"


def test_leaving_once_more_replaces_the_draft(client):
    first = leave(client).partition("topic=")[2]

    leave(client, f"{ADD}?draft={first}", name="Parking and bikes")

    page = client.get(ADD).text
    assert "You left “Parking and bikes”" in page and "You left “Parking”" not in page


def test_drafts_of_several_tabs_do_not_mix(client):
    ways = {name: leave(client, name=name, actions=f"{name}: ") for name in ("Parking", "Hours")}

    for name, way in ways.items():
        page = client.post(way, {**TEMPLATE, "name": name.lower()}, follow=True)
        assert initial(page)["actions"] == f"{name}: {{{{{name.lower()}}}}}"


def test_a_draft_shows_on_no_other_topic(client):
    token = leave(client).partition("topic=")[2]
    topic = factories.TopicFactory(name="Hours")

    page = client.get(f"{reverse('admin:builder_topic_change', args=[topic.pk])}?draft={token}")

    assert initial(page)["name"] == "Hours"
    assert "saved or thrown away" in page.text


def test_each_page_has_a_token_of_its_own_and_a_foreign_one_is_not_taken(client):
    tokens = {client.get(ADD).context["token"] for _ in range(3)}
    assert len(tokens) == 3

    token = tokens.pop()
    assert leave(client, _token=token).endswith(f"?topic={token}")
    assert "<" not in leave(client, _token="<script>" * 5)


def test_a_draft_is_nobody_elses(client):
    way = leave(client)
    other = Client()
    bea = factories.UserFactory(username="bea", is_staff=True, is_superuser=True)
    other.force_login(bea)

    assert "draft" not in other.get(way).context
    assert other.post(way, {**TEMPLATE, "owner": bea.pk}).url == reverse("admin:sms_smstemplate_changelist")


def test_the_oldest_drafts_make_room(client):
    for number in range(detour.MAX_DRAFTS + 3):
        leave(client, name=f"Topic {number}")

    page = client.get(ADD).text
    assert page.count("You left") == detour.MAX_DRAFTS
    assert "“Topic 2”" not in page and "“Topic 3”" in page


def test_a_template_that_is_refused_does_not_lose_the_way_back(client):
    way = leave(client)

    refused = client.post(way, {**TEMPLATE, "name": "not a name"})

    assert refused.status_code == 200
    assert "for the topic “Parking”" in refused.text
    assert "{{parking}}" in str(initial(client.post(way, TEMPLATE, follow=True))["actions"])


class TestWithoutThePermission:
    @pytest.fixture
    def bob(self, db):
        """Bob may write topics, and has nothing to do with templates."""
        bob = factories.UserFactory(username="bob", is_staff=True)
        allow(bob, "topic", "add", "view")
        client = Client()
        client.force_login(bob)
        return client

    def test_to_add_templates_none_is_offered(self, bob):
        assert "_add_template" not in bob.get(ADD).text
        assert bob.post(ADD, {**TYPED, "_add_template": ""}).status_code == 403

    def test_to_see_templates_their_names_are_shown_without_their_texts(self, bob):
        factories.TemplateFactory(name="directions", body="A text of somebody else's.")

        page = bob.get(ADD).text

        assert "directions" in page
        assert "A text of somebody" not in page

    def test_to_change_a_topic_its_form_is_not_kept(self, bob):
        topic = factories.TopicFactory()
        page = reverse("admin:builder_topic_change", args=[topic.pk])

        assert bob.post(page, {**TYPED, "_add_template": ""}).status_code == 403


class TestInserting:
    def test_puts_a_reference_where_the_caret_is(self):
        assert prompt.insert("Call  now.", "directions", 5) == ("Call {{directions}} now.", 19)

    def test_goes_to_the_end_where_no_place_is_known(self):
        assert prompt.insert("", "a") == ("{{a}}", 5)
        assert prompt.insert("Call", "a") == ("Call {{a}}", 10)
        assert prompt.insert("Call\n", "a", -1) == ("Call\n{{a}}", 10)
