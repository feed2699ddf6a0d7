"""The simulated carrier shows accounts, numbers and Messaging Services as Twilio does, to those who may."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.sms.test_simulator import OTHER_SID, OTHER_TOKEN, SENDER, SID, TOKEN, Simulator, a_number

KEY, SECRET = "SK" + "5" * 32, "secret of a key"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def twilio(simulator: Simulator) -> Client:
    return client(simulator, SID, TOKEN)


def client(simulator: Simulator, name: str, secret: str) -> Client:
    made = Client(name, secret, account_sid=SID, http_client=TwilioHttpClient(timeout=5))
    made.api.base_url = made.messaging.base_url = simulator.url
    return made


def with_key(simulator: Simulator, **key) -> Client:
    key = {"sid": KEY, "secret": SECRET, **key}
    assert simulator.ask("POST", "accounts", {"sid": SID, "keys": [key]}).status_code == 200
    return client(simulator, KEY, SECRET)


def refusal(act) -> tuple[int, int]:
    with pytest.raises(TwilioException) as refused:
        act()
    if isinstance(refused.value, TwilioRestException):
        return refused.value.status, refused.value.code
    # Of a list, the SDK hands on the answer as it came.
    answer = refused.value.args[1]
    return answer.status_code, json.loads(answer.text)["code"]


def test_an_account_says_what_it_is_called_and_how_it_stands(simulator, twilio):
    simulator.ask("POST", "accounts", {"sid": SID, "friendly_name": "Olive & Thyme"})

    account = twilio.api.accounts(SID).fetch()

    assert (account.sid, account.friendly_name, account.status) == (SID, "Olive & Thyme", "active")
    assert (account.type, account.owner_account_sid) == ("Full", SID)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_does_not_send_still_says_so(simulator, status):
    sid = "AC" + "e" * 32
    simulator.ask("POST", "accounts", {"sid": sid, "auth_token": "e", "status": status})

    assert simulator.client(sid, "e").api.accounts(sid).fetch().status == status
    assert refusal(lambda: simulator.client(sid, "e").messages.list()) == (403, 20005)


def test_numbers_say_whether_they_can_text(simulator, twilio):
    numbers = [{"phone_number": "+13125550101"}, {"phone_number": "+13125550102", "sms": False}]
    simulator.ask("POST", "accounts", {"sid": SID, "numbers": numbers})

    held = twilio.incoming_phone_numbers.list()

    assert [(each.phone_number, each.capabilities["sms"]) for each in held] == [
        ("+13125550101", True),
        ("+13125550102", False),
    ]
    assert [each.sid for each in held] == [each.sid for each in twilio.incoming_phone_numbers.list()]
    found = twilio.incoming_phone_numbers.list(phone_number="+13125550102")
    assert [each.phone_number for each in found] == ["+13125550102"]


def test_long_lists_go_on_from_page_to_page(simulator, twilio):
    numbers = [{"phone_number": f"+131255501{n:02}"} for n in range(7)]
    services = [{"sid": "MG" + f"{n:032x}", "friendly_name": f"Line {n}"} for n in range(5)]
    simulator.ask("POST", "accounts", {"sid": SID, "numbers": numbers, "services": services})

    held = twilio.incoming_phone_numbers.list(page_size=3)
    lines = twilio.messaging.v1.services.list(page_size=2)

    assert [each.phone_number for each in held] == [each["phone_number"] for each in numbers]
    assert [(each.sid, each.friendly_name) for each in lines] == [
        (each["sid"], each["friendly_name"]) for each in services
    ]
    assert twilio.messaging.v1.services(services[3]["sid"]).fetch().friendly_name == "Line 3"


def test_a_page_of_services_has_twilios_meta(simulator):
    page = requests.get(f"{simulator.url}/v1/Services", auth=(SID, TOKEN), timeout=5).json()

    assert set(page) == {"services", "meta"}
    assert set(page["meta"]) == {
        "page", "page_size", "first_page_url", "previous_page_url", "url", "next_page_url", "key",
    }  # fmt: skip


def test_another_accounts_services_and_numbers_are_not_found(simulator, twilio):
    sid = "MG" + "9" * 32
    simulator.ask("POST", "accounts", {"sid": OTHER_SID, "services": [{"sid": sid}]})

    assert refusal(lambda: twilio.messaging.v1.services(sid).fetch()) == (404, 20404)
    stranger = simulator.client(OTHER_SID, OTHER_TOKEN)
    assert refusal(lambda: stranger.api.accounts(SID).incoming_phone_numbers.list()) == (404, 20404)


def test_a_standard_key_may_do_all_but_see_the_account(simulator):
    keyed = with_key(simulator)

    assert keyed.messages.create(to=a_number(), from_=SENDER, body="by key").status == "queued"
    assert keyed.messages.list(limit=1)[0].body == "by key"
    assert keyed.incoming_phone_numbers.list(limit=1)
    assert refusal(lambda: keyed.api.accounts(SID).fetch()) == (401, 20003)


def test_a_restricted_key_may_do_what_it_was_given_the_right_to(simulator):
    keyed = with_key(simulator, rights=["send", "numbers"])

    assert keyed.messages.create(to=a_number(), from_=SENDER, body="by key")
    assert keyed.incoming_phone_numbers.list(limit=1)
    assert refusal(lambda: keyed.messages.list(limit=1)) == (403, 20403)
    assert refusal(lambda: keyed.messaging.v1.services.list(limit=1)) == (403, 20403)


def test_a_key_that_was_revoked_opens_nothing(simulator):
    keyed = with_key(simulator)
    simulator.ask("POST", "accounts", {"sid": SID, "keys": []})

    assert refusal(lambda: keyed.messages.list(limit=1)) == (401, 20003)


def test_the_secret_of_a_key_is_shown_to_nobody(simulator):
    with_key(simulator, rights=["list"])

    shown = simulator.ask("GET", "accounts")

    assert SECRET not in shown.text
    assert {"sid": KEY, "rights": ["list"]} in shown.json()[0]["keys"]


@pytest.mark.parametrize(
    "holdings",
    [
        {"numbers": "+13125550101"},
        {"numbers": [{"phone_number": "555"}]},
        {"numbers": [{"phone_number": "+13125550101", "sms": "yes"}]},
        {"services": [{"sid": "MG1"}]},
        {"services": [{"sid": "MG" + "1" * 32, "friendly_name": 5}]},
        {"keys": [{"sid": KEY}]},
        {"keys": [{"sid": KEY, "secret": "s", "rights": ["everything"]}]},
        {"friendly_name": ""},
    ],
)
def test_holdings_that_make_no_sense_are_refused_in_words(simulator, holdings):
    response = simulator.ask("POST", "accounts", {"sid": SID, **holdings})

    assert response.status_code == 422
    assert next(iter(holdings)) in response.json()["detail"]
