"""The page on which ops enter what a vendor signs with."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from campaigns.models import Connection
from tests import factories

pytestmark = pytest.mark.django_db

NOW, NEXT = "key_of_now_0123456789", "key_of_next_0123456789"
VAPI = {
    "secret": NOW,
    "algorithm": "sha512",
    "signature_header": "x-acme",
    "timestamp_header": "x-timestamp",
    "signature_prefix": "",
    "payload_format": "{timestamp}.{body}",
    "message_id_header": "svix-id",
    "signature_encoding": "base64",
}


@pytest.fixture
def client(olive):
    olive.is_staff = olive.is_superuser = True
    olive.save()
    client = Client()
    client.force_login(olive)
    return client


@pytest.fixture
def page(client, campaign):
    """The page of a connection of a runtime: gets it, or posts to it."""

    def page(runtime, post=None, found=None):
        found = found or factories.ConnectionFactory(campaign=campaign, runtime=runtime)
        address = reverse("admin:campaigns_campaign_signing", args=[campaign.pk, found.pk])
        response = client.get(address) if post is None else client.post(address, post)
        return response, Connection.objects.get(pk=found.pk)

    return page


def test_what_vapis_credential_says_is_copied(page):
    response, found = page("vapi", VAPI)

    assert response.status_code == 302
    assert found.signing_secrets() == [NOW]
    assert found.signing["algorithm"] == "sha512" and found.is_signed


def test_a_stored_secret_is_not_on_the_page_and_empty_keeps_it(page):
    _, found = page("vapi", VAPI)

    shown, _ = page("vapi", found=found)
    _, kept = page("vapi", {**VAPI, "secret": "", "keep_previous": "on"}, found)

    assert NOW not in shown.text and "x-acme" in shown.text
    assert kept.signing_secrets() == [NOW]


def test_the_previous_one_holds_until_it_is_switched_off(page):
    _, found = page("retell", {"secret": NOW})
    _, both = page("retell", {"secret": NEXT, "keep_previous": "on"}, found)
    assert both.signing_secrets() == [NEXT, NOW]

    _, alone = page("retell", {"secret": ""}, found)

    assert alone.signing_secrets() == [NEXT]


def test_telnyx_public_key_is_checked(page):
    key = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()

    wrong, none = page("telnyx", {"public_key": key[:-4]})
    _, found = page("telnyx", {"public_key": key})

    assert "This is no public key" in wrong.text and not none.is_signed
    assert found.signing == {"public_key": key}


def test_checking_can_be_stopped(page):
    _, found = page("retell", {"secret": NOW})

    _, stopped = page("retell", {"_stop": "1"}, found)

    assert not stopped.is_signed and stopped.signing_secrets() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret": ""}, "Copy the secret"),
        ({"payload_format": "{timestamp}"}, "It must have {body} once"),
        ({"payload_format": "{body}{body}"}, "It must have {body} once"),
        ({"signature_header": "x y"}, "Enter a valid value"),
        ({"algorithm": "md5"}, "Select a valid choice"),
        ({"secret_is_base64": "on", "secret": "!"}, "This is not Base64"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_stored(page, wrong, said):
    response, found = page("vapi", VAPI | wrong)

    assert response.status_code == 200
    assert said in response.text
    assert NOW not in response.text
    assert not found.is_signed


@pytest.mark.parametrize("runtime", ["http", "bland"])
def test_runtimes_that_do_not_sign_have_no_such_page(page, runtime):
    assert page(runtime)[0].status_code == 404


def test_who_may_not_change_the_campaign_does_not_see_it(campaign):
    get_user_model().objects.create_user("vera", is_staff=True)
    vera = Client()
    vera.force_login(get_user_model().objects.get(username="vera"))
    found = factories.ConnectionFactory(campaign=campaign, runtime="retell")

    answer = vera.post(
        reverse("admin:campaigns_campaign_signing", args=[campaign.pk, found.pk]), {"secret": NOW}
    )

    assert answer.status_code == 403
    assert not Connection.objects.get(pk=found.pk).is_signed


def test_the_connections_page_shows_the_vendors_own_address_and_the_way_to_signing(client, campaign, page):
    _, found = page("retell", {"secret": NOW})

    shown = client.get(reverse("admin:campaigns_campaign_connection", args=[campaign.pk, found.pk])).text

    assert f"{found.address}/retell" in shown
    assert "Retell, signed" in shown
    assert reverse("admin:campaigns_campaign_signing", args=[campaign.pk, found.pk]) in shown
