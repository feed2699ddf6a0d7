"""A connection's page: what is shown there, how it is made, and how its secret is replaced."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Call, Connection
from campaigns.runtimes import GUIDES
from tests import factories
from tests.factories import SECRET

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(olive):
    olive.is_staff = olive.is_superuser = True
    olive.save()
    client = Client()
    client.force_login(olive)
    return client


def url(page, campaign, *more) -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk, *more])


@pytest.fixture
def shown(client, campaign, connection):
    """The connection's page, as it is opened later."""
    return lambda: client.get(url("connection", campaign, connection.pk)).text


@pytest.fixture
def rotate(client, campaign, connection):
    """Makes a new secret, and returns it."""

    def rotate(**posted):
        answer = client.post(url("secret", campaign, connection.pk), posted)
        return answer.context and answer.context["secret"]

    return rotate


class TestMakingOne:
    @pytest.mark.parametrize("runtime", Connection.Runtime.values)
    def test_the_page_has_the_real_address_and_once_the_real_secret(
        self, client, campaign, template, runtime
    ):
        made = client.post(url("connect", campaign), {"runtime": runtime})
        found, secret = Connection.objects.get(), made.context["secret"]
        later = client.get(url("connection", campaign, found.pk))

        assert found.opens_with(secret) and found.runtime == runtime
        assert f"/c/{found.slug}/" in made.text and "YOUR_SECRET" not in made.text
        assert made.text.count(secret) > 2
        assert secret not in later.text and "YOUR_SECRET" in later.text
        assert f"put the secret that ends in {secret[-4:]}" in later.text

    def test_every_runtime_stands_on_the_page_to_choose_from(self, client, campaign):
        page = client.get(url("connect", campaign)).text

        offered = set(re.findall(r'name="runtime" value="([^"]+)"', page))
        assert offered == set(Connection.Runtime.values) == GUIDES.keys()

    def test_without_a_name_it_has_its_runtimes(self, client, campaign):
        client.post(url("connect", campaign), {"runtime": "twilio"})

        assert Connection.objects.get().name == "Twilio ConversationRelay"

    def test_a_page_that_is_sent_twice_makes_one_connection(self, client, campaign):
        form = {
            "runtime": "vapi",
            "slug": client.get(url("connect", campaign)).context["form"]["slug"].value(),
        }

        first = client.post(url("connect", campaign), form)
        again = client.post(url("connect", campaign), form, follow=True)

        found = Connection.objects.get()
        assert found.opens_with(first.context["secret"])
        assert "was made already" in again.text and again.context["secret"] == ""

    def test_an_address_is_not_taken_from_another_campaign(self, client, campaign, connection):
        other = factories.CampaignFactory()
        Connection.objects.update(slug="0123456789ab")

        assert (
            client.post(url("connect", other), {"runtime": "vapi", "slug": "0123456789ab"}).status_code == 404
        )
        assert client.post(url("connect", other), {"runtime": "vapi", "slug": "../admin"}).status_code == 200
        assert Connection.objects.count() == 1

    def test_a_campaign_that_sends_nothing_says_so(self, client, campaign):
        page = client.post(url("connect", campaign), {"runtime": "mcp"})

        assert "has no text to send yet" in page.text

    def test_the_prompt_stands_there_with_its_version(self, client, campaign, connection, shown, door):
        campaign.instructions = "You answer the phone of Olive & Thyme."
        campaign.save()
        headers = {"Authorization": f"Bearer {SECRET}"}

        prompt = Client().get(f"/c/{connection.slug}/prompt", headers=headers).json()
        tools = Client().get(f"/c/{connection.slug}/tools", headers=headers).json()

        page = shown()
        assert "You answer the phone of Olive &amp; Thyme." in page
        assert prompt["version"] in page and tools["version"] in page

    def test_who_may_only_read_sees_no_buttons(self, campaign, connection, template):
        vera = factories.UserFactory(username="vera", role="Viewer")
        client = Client()
        client.force_login(vera)

        page = client.get(url("connection", campaign, connection.pk)).text

        assert f"/c/{connection.slug}/tools" in page
        assert "Make a new secret" not in page and "Revoke" not in page

    def test_who_may_not_see_templates_is_not_shown_what_they_say(self, campaign, connection, template):
        bob = factories.UserFactory(username="bob", is_staff=True)
        bob.user_permissions.add(Permission.objects.get(codename="view_campaign"))
        client = Client()
        client.force_login(bob)

        page = client.get(url("connection", campaign, connection.pk)).text

        assert template.description not in page


class TestANewSecret:
    def test_works_beside_the_previous_one_for_a_day(self, connection, rotate, door, monkeypatch):
        secret = rotate()

        assert door(secret=secret, callId="call-1").status_code == 200
        assert door(secret=SECRET, callId="call-2").status_code == 200
        later = timezone.now() + timedelta(hours=24, seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: later)
        assert door(secret=SECRET, callId="call-3").status_code == 401
        assert door(secret=secret, callId="call-4").status_code == 200

    def test_the_previous_one_ends_when_somebody_ends_it(self, client, campaign, connection, rotate, door):
        secret = rotate()
        # Kept by this process, too.
        assert door(secret=SECRET, callId="call-1").status_code == 200

        client.post(url("end_previous", campaign, connection.pk))

        assert door(secret=SECRET, callId="call-2").status_code == 401
        assert door(secret=secret, callId="call-3").status_code == 200
        assert set(Call.objects.values_list("external_id", flat=True)) == {"call-1", "call-3"}

    def test_replaces_the_previous_one_at_once_if_it_must(self, rotate, door):
        assert door(secret=SECRET, callId="call-1").status_code == 200
        secret = rotate(_at_once="1")

        assert door(secret=SECRET, callId="call-2").status_code == 401
        assert door(secret=secret, callId="call-3").status_code == 200

    def test_of_three_the_first_works_no_more(self, connection, rotate):
        second, third = rotate(), rotate()

        connection.refresh_from_db()
        assert not connection.opens_with(SECRET)
        assert connection.opens_with(second) and connection.opens_with(third)

    def test_a_page_that_is_sent_twice_makes_one(self, connection, rotate):
        form = {"secret_end": SECRET[-4:]}
        second = rotate(**form)

        assert rotate(**form) is None
        connection.refresh_from_db()
        assert connection.opens_with(SECRET) and connection.opens_with(second)

    def test_the_page_says_which_one_was_used_last(self, rotate, door, shown):
        assert "not used yet" in shown()
        door(secret=SECRET, callId="call-1")
        assert f'ends in <code class="mc-mono">{SECRET[-4:]}</code>, last used' in shown()

        secret = rotate()

        assert f"{secret[-4:]}</code>, not used yet" in shown()
        assert f"{SECRET[-4:]}</code>, last used" in shown()
        door(secret=secret, callId="call-2")
        assert f"{secret[-4:]}</code>, last used" in shown()

    def test_a_webhook_takes_both(self, campaign, connection, rotate):
        Connection.objects.update(runtime="bland")
        secret = rotate()

        for each in (SECRET, secret):
            answer = Client().post(
                f"/c/{connection.slug}/bland",
                {
                    "tool": "get_sms_status",
                    "call_id": each[-4:],
                    "caller": factories.CALLER,
                    "parameters": {},
                },
                content_type="application/json",
                headers={"Authorization": f"Bearer {each}"},
            )
            assert (answer.status_code, answer.json()["status"]) == (200, "done")
