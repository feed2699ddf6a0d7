"""What runtimes notice of attaching and detaching: firing obeys at once, and the list of tools says so."""

from __future__ import annotations

import json

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Fetched, ToolAttachment
from sms.models import Message
from tests import factories
from tests.campaigns.managing import logged_in, opened, save, url, words_of
from tests.factories import CALLER, SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann():
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def note(campaign):
    return factories.ActionFactory(name="note", owner=campaign.owner)


@pytest.fixture
def ask(connection):
    """Asks a door of the connection; keywords are headers."""

    def get(door="tools", /, **headers):
        return Client().get(
            f"/c/{connection.slug}/{door}", headers={"Authorization": f"Bearer {SECRET}", **headers}
        )

    return get


@pytest.fixture
def fire(connection):
    def post(call="call-1", tool="note"):
        request = {"callId": call, "customerPhoneNumber": CALLER}
        request["parameters"] = {"message": f"The soup is 9 dollars ({call}).", "consent": "Yes, please."}
        return Client().post(
            f"/c/{connection.slug}/tools/{tool}",
            data=json.dumps(request),
            content_type="application/json",
            headers={"Authorization": f"Bearer {SECRET}"},
        )

    return post


def offered(answer) -> list[str]:
    return [tool["name"] for tool in answer.json()["tools"]]


class TestFiring:
    def test_obeys_from_the_next_tool_call_on(self, ann, campaign, note, fire, ask):
        not_yet = fire()
        assert (not_yet.status_code, not_yet.json()["error"]) == (404, "unknown_tool")
        assert "note" not in offered(ask())

        save(ann, campaign, [note], shown=[])
        assert fire().json()["status"] == "accepted"
        assert "note" in offered(ask())

        save(ann, campaign, [], shown=[note], _confirmed="1")
        assert fire("call-2").status_code == 404
        assert "note" not in offered(ask())
        assert Message.objects.count() == 1

    def test_says_something_true_of_what_is_not_attached(self, fire):
        answer = fire().json()

        assert answer["say"] == "I can't send that text message on this line, so nothing was sent."
        assert "Ask for its tools again" in answer["message"]

    def test_is_refused_in_a_campaign_that_is_off(self, ann, campaign, note, fire):
        save(ann, campaign, [note], shown=[])
        campaign.is_active = False
        campaign.save()

        answer = fire().json()

        assert (answer["status"], answer["code"]) == ("refused", "campaign_off")
        assert answer["say"]


class TestVersion:
    def test_is_one_for_all_shapes_and_changes_with_the_tools(self, ann, campaign, note, ask):
        first = {ask(f"tools?format={shape}").json()["version"] for shape in ("json", "openai", "anthropic")}
        assert len(first) == 1

        save(ann, campaign, [note], shown=[])
        second = ask().json()["version"]
        note.description = "Use this when the caller asks for the price."
        note.save()
        third = ask().json()["version"]

        assert len({*first, second, third}) == 3

    def test_comes_back_with_the_tools(self, campaign, note, ask):
        before = ask().json()["version"]
        ToolAttachment.attach(campaign, [note], campaign.owner)
        ToolAttachment.detach(campaign, [note], campaign.owner)

        assert ask().json()["version"] == before

    def test_stands_on_the_page(self, ann, campaign, ask):
        assert f"The tools are version {ask().json()['version']} ;" in words_of(opened(ann, campaign))


@pytest.mark.parametrize("door", ["tools", "tools?format=openai", "prompt"])
class TestETag:
    def test_spares_an_answer_that_somebody_has(self, ask, door):
        first = ask(door)
        tag = first["ETag"]

        again = ask(door, **{"If-None-Match": tag})

        assert tag.startswith('"') and len(tag) > 30
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
        assert first["Cache-Control"] == again["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize("written", ["*", "W/{}", '"another", {}'])
    def test_is_compared_as_the_standard_has_it(self, ask, door, written):
        tag = ask(door)["ETag"]

        assert ask(door, **{"If-None-Match": written.format(tag)}).status_code == 304

    @pytest.mark.parametrize("written", ['"another"', "", "nonsense", '"'])
    def test_of_another_answer_gets_this_one(self, ask, door, written):
        assert ask(door, **{"If-None-Match": written}).status_code == 200

    def test_changes_with_the_answer(self, campaign, note, ask, door):
        tag = ask(door)["ETag"]
        ToolAttachment.attach(campaign, [note], campaign.owner)
        campaign.instructions = "You are brief."
        campaign.save()

        answer = ask(door, **{"If-None-Match": tag})

        assert answer.status_code == 200 and answer["ETag"] != tag

    def test_opens_nothing_without_the_secret(self, ask, door):
        tag = ask(door)["ETag"]

        answer = ask(door, **{"If-None-Match": tag, "Authorization": "Bearer wrong"})

        assert answer.status_code == 401 and "ETag" not in answer

    def test_is_documented(self, connection, door):
        path = "/c/{connection}/" + door.partition("?")[0]
        documented = Client().get("/api/openapi.json").json()["paths"][path]["get"]

        assert "If-None-Match" in [each["name"] for each in documented["parameters"]]
        assert set(documented["responses"]) >= {"200", "304", "401"}
        assert "ETag" in documented["responses"]["200"]["headers"]


def test_each_shape_has_an_etag_of_its_own(ask):
    assert ask("tools")["ETag"] != ask("tools?format=openai")["ETag"]


class TestWhatAConnectionHas:
    def test_is_shown_with_whether_it_is_old(self, ann, campaign, note, ask):
        assert "It has not asked for its tools." in opened(ann, campaign)

        version = ask().json()["version"]
        assert "has these tools since" in words_of(opened(ann, campaign))

        save(ann, campaign, [note], shown=[])
        assert f"has older tools version {version} , since" in words_of(opened(ann, campaign))

        ask()
        assert "has these tools since" in words_of(opened(ann, campaign))

    def test_is_written_only_when_it_is_another(self, ask):
        ask()
        since = Fetched.objects.get().at

        with CaptureQueriesContext(database) as seen:
            ask(**{"If-None-Match": ask()["ETag"]})

        assert Fetched.objects.get().at == since
        assert not [each for each in seen if each["sql"].startswith(("INSERT", "UPDATE"))]

    def test_is_known_of_a_runtime_that_speaks_mcp_too(self, ann, campaign, connection):
        Client().post(
            f"/c/{connection.slug}/mcp",
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            content_type="application/json",
            headers={
                "Authorization": f"Bearer {SECRET}",
                "Accept": "application/json, text/event-stream",
                "MCP-Protocol-Version": "2025-11-25",
            },
        )

        assert "has these tools since" in words_of(opened(ann, campaign))

    def test_makes_no_process_compile_its_tools_anew(self, campaign, note, ask, django_assert_num_queries):
        ToolAttachment.attach(campaign, [note], campaign.owner)
        with database.cursor() as cursor:
            cursor.execute("SELECT number FROM campaigns_revision")
            before = cursor.fetchone()
            ask()
            cursor.execute("SELECT number FROM campaigns_revision")
            assert cursor.fetchone() == before

    def test_is_not_read_where_a_tool_fires(self, campaign, note, fire):
        ToolAttachment.attach(campaign, [note], campaign.owner)
        fire()

        with CaptureQueriesContext(database) as seen:
            assert fire("call-2").json()["status"] == "accepted"

        assert not [each for each in seen if "fetched" in each["sql"] or "toolchange" in each["sql"]]


def test_a_page_of_manage_tools_writes_nothing(ann, campaign, note):
    client = logged_in(ann)
    client.get(url(campaign))

    with CaptureQueriesContext(database) as seen:
        client.get(url(campaign))

    assert not [each for each in seen if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
