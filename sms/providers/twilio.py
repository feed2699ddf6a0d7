"""Twilio's API, through its SDK's async client. What it says of an account is in account.py."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.connector import Connection
from django.conf import settings
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from yarl import URL

from sms import text
from sms.models import Claimed, Message, State, UserProfile
from sms.providers import account, base, codes, keywords
from sms.providers.base import (
    Account,
    Credential,
    Inbound,
    NoCredential,
    NotAccepted,
    Provider,
    Rejected,
    Report,
    Throttled,
    Unconfirmed,
    Wish,
    write_before,
)
from sms.providers.codes import Consequence

if TYPE_CHECKING:
    from twilio.rest import Client

FORM = "application/x-www-form-urlencoded"
# For one try to reach a host, with TLS agreed upon; and for all of them, with its name resolved.
REACH_SECONDS, CONNECT_SECONDS = 3, 10
# Below what servers and proxies in front of the API keep idle connections for.
KEEP_ALIVE_SECONDS = 20
# A text is asked for by its creation time; Twilio's clock and ours may differ by this much.
CLOCK_SKEW = timedelta(seconds=5)
LIST_PAGE_SIZE = 100
# ValidityPeriod, https://www.twilio.com/docs/messaging/api/message-resource
MIN_VALIDITY_SECONDS, MAX_VALIDITY_SECONDS = 1, 36_000

# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
STATES = {
    "accepted": State.ACCEPTED,
    "scheduled": State.ACCEPTED,
    "queued": State.ACCEPTED,
    "sending": State.ACCEPTED,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "partially_delivered": State.SENT,
    "undelivered": State.UNDELIVERED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}

# 429: "never processed and always safe to retry", https://www.twilio.com/docs/api/errors/20429
TOO_MANY_REQUESTS = 429
MAX_RETRY_AFTER_SECONDS = 300
# Twilio's own codes have five digits, https://www.twilio.com/docs/api/errors
FIRST_ERROR_CODE = 10_000
# These mean "perhaps, later": a proxy between may have passed the request on.
AMBIGUOUS_STATUSES = {408, 425, 499}

# What reading an answer may raise, beside an answer that says no.
_UNREADABLE = (
    *(TwilioException, aiohttp.ClientError, TimeoutError, OSError),
    *(ValueError, KeyError, TypeError, AttributeError),
)
_CODE = re.compile(r"[0-9]{1,6}")
_ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
_E164 = re.compile(r"\+[1-9][0-9]{4,14}")
_SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")


class Twilio(Provider):
    """The owner's own Twilio account."""

    def __init__(self) -> None:
        self._http: _KeptAlive | None = None
        self._clients: dict[Credential, Client] = {}

    def credential(self, profile: UserProfile | None, account_sid: str) -> Credential:
        if profile is None or not profile.has_credentials:
            raise NoCredential("The owner's Twilio credentials have been removed.")
        if profile.twilio_account_sid != account_sid:
            raise NoCredential("The owner has another Twilio account by now than this was promised with.")
        return Credential.of(profile)

    def credentials(self, account_sid: str) -> list[Credential]:
        if not _ACCOUNT_SID.fullmatch(account_sid):
            return []
        profiles = UserProfile.objects.filter(twilio_account_sid=account_sid, twilio_auth_token__isnull=False)
        return [Credential.of(profile) for profile in profiles]

    async def verify(self, credential: Credential) -> Account:
        # With connections of its own: whoever waits has an event loop of their own, too.
        http = _KeptAlive()
        try:
            return await account.verify(credential, partial(_client, http=http))
        finally:
            await http.close()

    async def send(self, message: Claimed, credential: Credential) -> Report:
        try:
            # What messages.create_async() comes to. It looks at thirty parameters first, and then makes an
            # object of an answer of which four fields are read: an eighth of what sending takes.
            created = await self._client(credential).api.v2010.create_async(
                "POST",
                f"/Accounts/{credential.account_sid}/Messages.json",
                data={
                    "To": message.recipient,
                    "MessagingServiceSid" if message.sender.startswith("MG") else "From": message.sender,
                    "Body": message.body,
                    "StatusCallback": message.status_url(),
                    "ValidityPeriod": max(
                        MIN_VALIDITY_SECONDS, min(message.seconds_left, MAX_VALIDITY_SECONDS)
                    ),
                },
            )
            report = _report(
                str(created.get("sid")), str(created.get("status") or ""), created.get("error_code")
            )
            texted = created.get("to")
        except (TwilioRestException, TwilioServiceException) as error:
            raise _verdict(error) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotAccepted("The provider could not be reached.") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unconfirmed(
                f"The connection broke before the provider answered ({type(error).__name__})."
            ) from error
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unconfirmed("The provider's answer could not be read.") from error
        if not _SID.fullmatch(report.sid):
            raise Unconfirmed("The provider's answer names no message.")
        if texted and texted != message.recipient:
            raise Unconfirmed("The provider's answer is about another number.")
        return report

    async def find(
        self, message: Message, credential: Credential, since: datetime, known_sids: set[str | None]
    ) -> Report | None:
        try:
            listed = await self._client(credential).messages.stream_async(
                to=message.recipient, page_size=LIST_PAGE_SIZE
            )
            async for held in listed:
                created = held.date_created or since
                if created.replace(tzinfo=created.tzinfo or UTC) < since - CLOCK_SKEW:
                    break
                if (
                    held.sid not in known_sids
                    and held.direction == "outbound-api"
                    and _same_text(held.body, message.body)
                    and message.sender in (held.from_, held.messaging_service_sid)
                ):
                    return _report(held.sid, held.status, held.error_code)
        except _UNREADABLE as error:
            raise NotAccepted("The provider's list could not be read.") from error
        return None

    async def ask(self, message: Message, credential: Credential) -> Report:
        try:
            held = await self._client(credential).messages(message.provider_sid).fetch_async()
        except _UNREADABLE as error:
            raise NotAccepted("The provider does not say.") from error
        if held.sid != message.provider_sid:
            raise NotAccepted("The provider's answer is about another message.")
        return _report(held.sid, held.status, held.error_code)

    def is_authentic(
        self, url: str, params: Mapping[str, str], signature: str, credential: Credential
    ) -> bool:
        # The SDK's validator fails on a header that is missing or not ASCII, instead of saying no.
        return signature.isascii() and any(
            RequestValidator(token).validate(url, params, signature) for token in credential.signing_tokens()
        )

    def receipt(self, params: Mapping[str, str]) -> Report:
        sid = params.get("MessageSid", "")
        status = params.get("MessageStatus", "")
        code = params.get("ErrorCode", "")
        if not _SID.fullmatch(sid) or not re.fullmatch(r"[a-z_-]{1,20}", status):
            raise ValueError("No MessageSid and MessageStatus of Twilio's.")
        return _report(sid, status, int(code) if _CODE.fullmatch(code) else None)

    def inbound(self, params: Mapping[str, str]) -> Inbound:
        body = params.get("Body", "").replace("\0", "")[: text.MAX_BODY_CHARACTERS]
        sender = params.get("From", "")
        # As the carrier writes it, whether or not we would text it: a STOP is a STOP.
        if not _E164.fullmatch(sender):
            raise ValueError("No From that is a number.")
        # Set where Twilio's own opt-out handling has recognised a keyword. To HELP it answers by itself.
        wish = {"STOP": Wish.STOP, "START": Wish.START}.get(params.get("OptOutType", ""))
        return Inbound(sender, body, wish or keywords.wish(body))

    def warm(self) -> None:
        from twilio.rest import Client

        # The SDK imports each part of the API when it is first touched.
        _ = Client("AC", "warm").messages

    async def close(self) -> None:
        if self._http:
            await self._http.close()
        self._http = None
        self._clients.clear()

    def _client(self, credential: Credential) -> Client:
        client = self._clients.get(credential)
        if client is None:
            if self._http is None:
                self._http = _KeptAlive()
            client = _client(credential, self._http)
            self._clients[credential] = client
        return client


class _InTime(aiohttp.TCPConnector):
    """Hands out connections, new and kept ones, and looks at the clock at the last moment before bytes leave.

    A trace could look as well; but with one, aiohttp tells it of each step of each request.
    """

    async def connect(self, *args: Any, **kwargs: Any) -> Connection:
        connection = await super().connect(*args, **kwargs)
        if time.monotonic() > write_before.get():
            connection.release()
            raise Unconfirmed("The worker was stopped for too long.")
        return connection


class _KeptAlive(AsyncHttpClient):  # type: ignore[misc]
    """The SDK's HTTP client with kept-alive connections and time-outs.

    The SDK's own passes its default of no time-out over the session's, so that a hung answer hangs for ever.
    """

    def __init__(self) -> None:
        super().__init__(logging.getLogger("twilio"), is_async=True)
        # Bounded by whoever sends: see Provider.send().
        self._sending = aiohttp.ClientTimeout(None, CONNECT_SECONDS, sock_connect=REACH_SECONDS)
        self._session = aiohttp.ClientSession(
            # Unlimited here: whoever sends bounds how many texts are under way.
            connector=_InTime(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(base.ANSWER_SECONDS, CONNECT_SECONDS, sock_connect=REACH_SECONDS),
            # A cookie that the API sets for one account has no business in another's requests.
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        response = await self._session.request(
            method.upper(),
            url,
            params=params,
            # aiohttp makes a form of a mapping, for which it takes as long as for all the rest.
            data=aiohttp.BytesPayload(_form(data), content_type=FORM) if data else None,
            headers={**(headers or {}), **_authorization(auth)},
            allow_redirects=False,
            timeout=self._sending if data else self._session.timeout,
        )
        # This gives the connection back, or closes it if it fails.
        body = await response.read()
        if response.status == TOO_MANY_REQUESTS and not _forbids(body):
            raise Throttled(
                "The account sends faster than the provider takes.", _retry_after(response.headers)
            )
        return Response(response.status, await response.text(), response.headers)

    async def close(self) -> None:
        await self._session.close()
        # aiohttp closes TLS transports a moment later, and warns if the loop is gone by then.
        await asyncio.sleep(0)


def _form(data: Mapping[str, str | int]) -> bytes:
    return URL.build(query=data).raw_query_string.encode()


def _client(credential: Credential, http: _KeptAlive) -> Client:
    # Here, because most processes of the web server verify signatures with this module and never send: 30 MB.
    from twilio.rest import Client

    client = Client(*credential.login(), account_sid=credential.account_sid, http_client=http)
    if settings.TWILIO_API_URL:
        # Each part of the API has a host name of its own.
        client.api.base_url = client.messaging.base_url = settings.TWILIO_API_URL
    return client


def _same_text(held: str | None, ours: str) -> bool:
    # Line ends may come back otherwise, and a trial account's texts begin with words of Twilio's.
    return bool(held) and _trimmed(str(held)).endswith(_trimmed(ours))


def _trimmed(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _authorization(auth: tuple[str, str] | None) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}


def _report(sid: str, status: str, error_code: Any) -> Report:
    # A word that Twilio adds later means no more than that it has the text.
    state = STATES.get(status, State.ACCEPTED)
    return Report(sid, status, state, int(error_code) if error_code else None)


def _verdict(error: TwilioRestException | TwilioServiceException) -> Exception:
    """What an HTTP answer other than success means for the text."""
    # A proxy's own 4xx has no code of Twilio's (the SDK then repeats the HTTP status), and says nothing of
    # what Twilio did.
    code = int(error.code or 0)
    definite = 400 <= error.status < 500 and error.status not in AMBIGUOUS_STATUSES
    if definite and code >= FIRST_ERROR_CODE:
        return Rejected(code)
    return Unconfirmed(f"The provider answered with HTTP {error.status}.")


def _forbids(body: bytes) -> bool:
    """Whether an answer 429 is more than "not so fast": a used up day's limit (63038) comes with it, too."""
    try:
        known = codes.MEANINGS.get(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return False
    return known is not None and known.consequence is not Consequence.RETRY


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    """How long a carrier wants to be left alone: in seconds, or until a time by its own clock (RFC 9110,
    10.2.3); a second if it does not say."""
    value = headers.get("Retry-After", "")
    if value.isascii() and value.isdigit():
        seconds = int(value[:9])
    else:
        seconds = math.ceil((_moment(value) - _moment(headers.get("Date", ""))).total_seconds())
    return timedelta(seconds=min(max(seconds, 1), MAX_RETRY_AFTER_SECONDS))


def _moment(date: str) -> datetime:
    """An HTTP date; now, for what is none."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return datetime.now(UTC)
    return moment.replace(tzinfo=moment.tzinfo or UTC)
