"""What an account holds besides its texts, in Twilio's names: itself, its numbers, its Messaging Services.

https://www.twilio.com/docs/iam/api/account
https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
https://www.twilio.com/docs/messaging/api/service-resource
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from aiohttp import web

from .callbacks import API_VERSION
from .carrier import Account, Carrier, Holding
from .resource import Refused, answer, number_in, page_size

ACCOUNT = f"/{API_VERSION}/Accounts/{{account}}"
SERVICES = "/v1/Services"
# Where accounts stand that nobody has told otherwise; no page shows when they were opened.
OPENED = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)

T = TypeVar("T")
Opener = Callable[[web.Request, str], Account]


class Holdings:
    """The routes, in front of one carrier. `opener` says whose request it is, and whether it may."""

    def __init__(self, carrier: Carrier, opener: Opener) -> None:
        self._carrier = carrier
        self._open = opener

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{ACCOUNT}.json", self.account),
            web.get(f"{ACCOUNT}/IncomingPhoneNumbers.json", self.numbers),
            web.get(SERVICES, self.services),
            web.get(f"{SERVICES}/{{sid}}", self.service),
        ]

    async def account(self, request: web.Request) -> web.Response:
        try:
            account = self._open(request, "account")
        except Refused as refused:
            return refused.response()
        return answer(_account(account, request.path))

    async def numbers(self, request: web.Request) -> web.Response:
        """The account's numbers; ?PhoneNumber= narrows them to those that have it in them, as Twilio does."""
        try:
            account = self._open(request, "numbers")
            wanted = request.query.get("PhoneNumber", "")
            found = [each for each in account.numbers if wanted in each["phone_number"]]
            shown, number, size = _page(request, found)
        except Refused as refused:
            return refused.response()
        filters = {"PhoneNumber": wanted} if wanted else {}

        def uri(page: int) -> str:
            return f"{request.path}?{urlencode({**filters, 'PageSize': size, 'Page': page})}"

        has_more = len(found) > (number + 1) * size
        return answer(
            {
                "incoming_phone_numbers": [_number(account, each) for each in shown],
                "first_page_uri": uri(0),
                "next_page_uri": uri(number + 1) if has_more else None,
                "previous_page_uri": uri(number - 1) if number else None,
                "page": number,
                "page_size": size,
                "start": number * size,
                "end": number * size + max(len(shown) - 1, 0),
                "uri": uri(number),
            }
        )

    async def services(self, request: web.Request) -> web.Response:
        try:
            account = self._open(request, "services")
            shown, number, size = _page(request, account.services)
        except Refused as refused:
            return refused.response()
        url = f"{request.scheme}://{request.host}{SERVICES}"

        def at(page: int) -> str:
            return f"{url}?{urlencode({'PageSize': size, 'Page': page})}"

        has_more = len(account.services) > (number + 1) * size
        return answer(
            {
                "services": [_service(account, each, url) for each in shown],
                "meta": {
                    "page": number,
                    "page_size": size,
                    "first_page_url": at(0),
                    "previous_page_url": at(number - 1) if number else None,
                    "url": at(number),
                    "next_page_url": at(number + 1) if has_more else None,
                    "key": "services",
                },
            }
        )

    async def service(self, request: web.Request) -> web.Response:
        try:
            account = self._open(request, "services")
            sid = request.match_info["sid"]
            found = next((each for each in account.services if each["sid"] == sid), None)
            if found is None:
                raise Refused(20404, request.path)
        except Refused as refused:
            return refused.response()
        return answer(_service(account, found, f"{request.scheme}://{request.host}{SERVICES}"))


def _page(request: web.Request, held: Sequence[T]) -> tuple[Sequence[T], int, int]:
    number, size = number_in(request, "Page", 0), page_size(request)
    return held[number * size : (number + 1) * size], number, size


def _account(account: Account, uri: str) -> dict[str, Any]:
    parts = {"messages": "Messages", "incoming_phone_numbers": "IncomingPhoneNumbers"}
    bare = uri.removesuffix(".json")
    return {
        # Twilio's own answer has the token in it, too; nobody should rely on that.
        "date_created": format_datetime(OPENED),
        "date_updated": format_datetime(OPENED),
        "friendly_name": account.friendly_name,
        "owner_account_sid": account.sid,
        "sid": account.sid,
        "status": account.status,
        "subresource_uris": {name: f"{bare}/{part}.json" for name, part in parts.items()},
        "type": "Full",
        "uri": uri,
    }


def _number(account: Account, held: Holding) -> dict[str, Any]:
    number = held["phone_number"]
    sid = _sid("PN", account, number)
    sends = bool(held.get("sms", True))
    return {
        "account_sid": account.sid,
        "address_requirements": "none",
        "address_sid": None,
        "api_version": API_VERSION,
        "beta": False,
        "bundle_sid": None,
        "capabilities": {"fax": False, "mms": sends, "sms": sends, "voice": True},
        "date_created": format_datetime(OPENED),
        "date_updated": format_datetime(OPENED),
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "emergency_status": "Inactive",
        "friendly_name": held.get("friendly_name") or number,
        "identity_sid": None,
        "origin": "twilio",
        "phone_number": number,
        "sid": sid,
        "sms_application_sid": "",
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": account.inbound_url or "",
        "status": "in-use",
        "status_callback": "",
        "status_callback_method": "POST",
        "trunk_sid": None,
        "type": "local",
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{sid}.json",
        "voice_application_sid": "",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": "",
        "voice_method": "POST",
        "voice_receive_mode": "voice",
        "voice_url": "",
    }


def _service(account: Account, held: Holding, url: str) -> dict[str, Any]:
    here = f"{url}/{held['sid']}"
    parts = {
        "alpha_senders": "AlphaSenders",
        "messages": "Messages",
        "phone_numbers": "PhoneNumbers",
        "short_codes": "ShortCodes",
    }
    return {
        "account_sid": account.sid,
        "area_code_geomatch": True,
        "date_created": OPENED.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "date_updated": OPENED.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fallback_method": "POST",
        "fallback_to_long_code": False,
        "fallback_url": None,
        "friendly_name": held.get("friendly_name") or held["sid"],
        "inbound_method": "POST",
        "inbound_request_url": account.inbound_url,
        "links": {name: f"{here}/{part}" for name, part in parts.items()},
        "mms_converter": True,
        "scan_message_content": "inherit",
        "sid": held["sid"],
        "smart_encoding": True,
        "status_callback": None,
        "sticky_sender": True,
        "synchronous_validation": False,
        "url": here,
        "us_app_to_person_registered": False,
        "use_inbound_webhook_on_number": False,
        "usecase": "notifications",
        "validity_period": 36_000,
    }


def _sid(kind: str, account: Account, name: str) -> str:
    """Always the same for the same thing, as a carrier's ids are."""
    return kind + hashlib.sha256(f"{account.sid} {name}".encode()).hexdigest()[:32]
