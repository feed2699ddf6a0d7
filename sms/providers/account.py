"""What Twilio says of an account: whether a credential opens it, what it may do, and which senders it has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from sms.fields import Secret
from sms.providers.base import (
    VERIFY_SECONDS,
    Account,
    Credential,
    Throttled,
    Unverified,
    WrongCredential,
)

if TYPE_CHECKING:
    from twilio.rest import Client

T = TypeVar("T")
Connect = Callable[[Credential], "Client"]

# More senders than these are no list to choose from; nor is any refused then.
MAX_SENDERS = 1_000
# https://www.twilio.com/docs/api/errors: the credential is unknown, the account does not send.
UNKNOWN, TEST_CREDENTIALS, NOT_FOUND = 20003, 20008, 20404
INACTIVE = {20005, 20006}
REFUSING = (401, 403, 404)
CONSOLE = "Look at the account's first page in the Twilio console."

_UNREACHABLE = (
    Throttled,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    TwilioException,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


async def verify(credential: Credential, connect: Connect) -> Account:
    """What Provider.verify() says it does. `connect` gives a client for a credential."""
    client = connect(credential)
    # The SDK imports each part of the API when it is first touched; that is not the provider's time.
    _ = client.api.accounts, client.messages, client.incoming_phone_numbers, client.messaging.v1.services
    try:
        async with asyncio.timeout(VERIFY_SECONDS):
            return await _look(credential, client, connect)
    except (WrongCredential, Unverified):
        raise
    except _UNREACHABLE as error:
        raise Unverified("Twilio could not be reached, or did not answer in time.") from error


async def _look(credential: Credential, client: Client, connect: Connect) -> Account:
    by_key = bool(credential.api_key)
    # An account is shown to its tokens only, however good a key is.
    account, second, messages, numbers, services = await asyncio.gather(
        _account(credential.account_sid, credential.auth_token, connect),
        _account(credential.account_sid, credential.secondary_token, connect),
        _answer(lambda: client.messages.list_async(limit=1, page_size=1)),
        _answer(lambda: client.incoming_phone_numbers.list_async(MAX_SENDERS, page_size=MAX_SENDERS)),
        _answer(lambda: client.messaging.v1.services.list_async(limit=MAX_SENDERS, page_size=MAX_SENDERS)),
    )
    if isinstance(account, _Refusal):
        raise _wrong_token(account)
    if isinstance(second, _Refusal):
        raise WrongCredential("secondary_token", "Twilio does not accept this secondary token.")
    if account and account.status != "active":
        raise _inactive(account.status or "not active")
    reads = (messages, numbers, services)
    for refusal in (each for each in reads if isinstance(each, _Refusal)):
        if refusal.code in INACTIVE:
            raise _inactive("not active")
    if by_key and all(isinstance(each, _Refusal) and each.code in (UNKNOWN, NOT_FOUND) for each in reads):
        raise WrongCredential(
            "api_secret",
            f"Twilio does not accept the API key with this secret for the account {credential.account_sid}. "
            "Copy both once more; a secret is shown only once, so make a new key if it is lost.",
        )
    return Account(
        name=(account.friendly_name or "") if account else "",
        status=account.status if account else "",
        may_list=not isinstance(messages, _Refusal),
        senders=_senders(numbers, services),
    )


class _Refusal:
    """That Twilio refuses a request, and with which code."""

    def __init__(self, code: int) -> None:
        self.code = code


async def _account(sid: str, token: Secret | str | None, connect: Connect) -> Any:
    """The account as a token opens it, or that it does not; None without one."""
    if not token:
        return None
    return await _answer(lambda: connect(Credential(sid, token)).api.accounts(sid).fetch_async())


async def _answer(ask: Callable[[], Awaitable[T]]) -> T | _Refusal:
    """What is answered, or that it is refused."""
    try:
        return await ask()
    except TwilioException as error:
        status, code = _said(error)
        if status not in REFUSING:
            raise
        return _Refusal(code)


def _said(error: TwilioException) -> tuple[int, int]:
    """The HTTP status and the code of an answer that the SDK made an error of; 0 for what it had not."""
    if isinstance(error, (TwilioRestException, TwilioServiceException)):
        return error.status, int(error.code or 0)
    # Of a list, the SDK tells no more than that there is no page of it.
    answer = error.args[1] if len(error.args) > 1 else None
    if not isinstance(answer, Response):
        return 0, 0
    try:
        return answer.status_code, int(json.loads(answer.text)["code"])
    except (ValueError, KeyError, TypeError):
        return answer.status_code, 0


def _wrong_token(refusal: _Refusal) -> WrongCredential:
    if refusal.code in INACTIVE:
        return _inactive("not active")
    if refusal.code == TEST_CREDENTIALS:
        return WrongCredential(
            "auth_token", "These are test credentials, which send nothing: enter the live ones."
        )
    if refusal.code == NOT_FOUND:
        return WrongCredential(
            "account_sid", f"Twilio knows no account of this SID. {CONSOLE} Copy the Account SID once more."
        )
    return WrongCredential(
        "auth_token",
        "Twilio does not accept this token for this account. Copy the Account SID and the Auth Token once "
        "more from the account's first page in the Twilio console; nothing has been changed.",
    )


def _inactive(status: str) -> WrongCredential:
    return WrongCredential("account_sid", f"The account is {status} at Twilio: it sends nothing. {CONSOLE}")


def _senders(numbers: Any, services: Any) -> dict[str, str] | None:
    if any(isinstance(each, _Refusal) or len(each) >= MAX_SENDERS for each in (numbers, services)):
        return None
    found = {each.sid: str(each.friendly_name or "") for each in services}
    for each in numbers:
        if dict(each.capabilities or {}).get("sms"):
            found[each.phone_number] = str(each.friendly_name or "")
    return found
