"""Webhooks: what the carrier tells an application about its texts, signed as Twilio signs.

https://www.twilio.com/docs/usage/security and .../docs/usage/webhooks/webhooks-connection-overrides
"""

import asyncio
import random
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urldefrag, urlencode

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from twilio.request_validator import (  # type: ignore[import-untyped, unused-ignore]
    RequestValidator,
)
from yarl import URL

from .carrier import Account, Carrier, Text

API_VERSION = "2010-04-01"
CONCURRENT_CALLBACKS = 50
CONNECT_TIMEOUT_SECONDS = 5
TIMEOUT_SECONDS = 15
DEFAULT_RETRIES = 1
RETRY_COUNTS = ("0", "1", "2", "3", "4", "5")
MAX_ANSWER_BYTES = 16_384

OPT_OUT_KEYWORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}


@dataclass(frozen=True, slots=True)
class Callback:
    """One status of a text, to be told once. Copies of it carry the same token, as retries do."""

    status: str
    fields: Mapping[str, str]
    token: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook answered. `status` is None when nobody did; `body` then says why."""

    status: int | None
    body: str = ""
    content_type: str = ""


class Callbacks:
    """Sends webhooks over kept connections, at most CONCURRENT_CALLBACKS at a time."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self._queues: dict[str, deque[Callback]] = {}
        self._held: dict[str, list[Callback]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(CONCURRENT_CALLBACKS)
        self._session = ClientSession(
            connector=TCPConnector(limit=CONCURRENT_CALLBACKS),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_TIMEOUT_SECONDS),
            headers={
                "User-Agent": "TwilioProxy/1.1",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        carrier.on_told_status.append(self.tell)
        carrier.on_clear.append(self.forget)

    def tell(self, text: Text) -> None:
        """Tells the text's status to its StatusCallback, as far as the rules let it."""
        if not text.status_callback:
            return
        rule, callback = text.receipt_rule, Callback(text.status, _status_fields(text))
        if rule is None:
            self._enqueue(text, [callback])
            return
        match rule.fault:
            case "callbacks_dropped":
                pass
            case "callbacks_repeated":
                self._enqueue(text, [callback] * rule.whole("count"))
            case "callbacks_shuffled":
                self._hold(text, callback, rule.whole("count"))
            case "callbacks_delayed":
                loop = asyncio.get_running_loop()
                loop.call_later(rule.seconds(), self._enqueue, text, [callback])
            case _:
                self._enqueue(text, [callback])

    async def tell_inbound(self, account: Account, text: Text) -> Answer:
        """Tells the account's inbound address of a text from a phone, and returns what it said."""
        fields = {
            **_common_fields(text),
            "SmsMessageSid": text.sid,
            "SmsStatus": text.status,
            "Body": text.body,
            "NumMedia": "0",
            "NumSegments": str(text.num_segments),
        }
        opt_out = OPT_OUT_KEYWORDS.get(text.body.strip().upper())
        if opt_out:
            fields["OptOutType"] = opt_out
        callback = Callback(text.status, fields)
        url = account.inbound_url or ""
        return await self._post(url, callback, _sign(account, url, fields))

    def forget(self) -> None:
        """Drops what is held back of texts that are gone; what is queued drops by itself."""
        self._held.clear()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def _hold(self, text: Text, callback: Callback, copies: int) -> None:
        """Keeps callbacks back until the last status, and tells that one before the rest."""
        held = self._held.setdefault(text.sid, [])
        held.append(callback)
        if text.next_status() is None:
            rest = held * copies
            rest.remove(callback)
            random.shuffle(rest)
            del self._held[text.sid]
            self._enqueue(text, [callback, *rest])

    def _enqueue(self, text: Text, callbacks: list[Callback]) -> None:
        queue = self._queues.get(text.sid)
        if queue is not None:
            queue.extend(callbacks)
            return
        self._queues[text.sid] = deque(callbacks)
        task = asyncio.get_running_loop().create_task(self._drain(text, self._queues[text.sid]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, text: Text, queue: deque[Callback]) -> None:
        """Sends a text's callbacks one after the other, so that none overtakes another unasked."""
        while queue:
            callback = queue.popleft()
            async with self._places:
                if text.sid not in self._carrier.texts:
                    break
                answer = await self._post(
                    text.status_callback or "", callback, self._signature(text, callback)
                )
            self._carrier.note_receipt(text, callback.status, answer.status)
        self._queues.pop(text.sid, None)

    def _signature(self, text: Text, callback: Callback) -> str | None:
        fault = text.receipt_rule.fault if text.receipt_rule else None
        if fault == "callbacks_unsigned":
            return None
        fields = callback.fields
        if fault == "callbacks_wrong_signature":
            fields = {**fields, "MessageStatus": "forged"}
        account = self._carrier.accounts[text.account_sid]
        return _sign(account, text.status_callback or "", fields)

    async def _post(self, url: str, callback: Callback, signature: str | None) -> Answer:
        """Posts, and again as the URL's fragment asks; without one, once if nobody was reached."""
        address, fragment = urldefrag(url)
        headers = {"I-Twilio-Idempotency-Token": callback.token}
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        retries, policy = _retry_policy(fragment)
        while True:
            answer, failure = await self._attempt(address, callback.fields, headers)
            retries -= 1
            if retries < 0 or failure is None or not policy & {failure, "all"}:
                return answer

    async def _attempt(
        self, address: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[Answer, str | None]:
        """The answer, and what was wrong with it in the words of Twilio's retry policy."""
        try:
            async with self._session.post(
                # The URL is signed as it was given, so no character of it may be quoted anew.
                URL(address, encoded=True),
                data=urlencode(fields).encode(),
                headers=headers,
                allow_redirects=False,
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES)
                answer = Answer(response.status, body.decode(errors="replace"), response.content_type)
                return answer, f"{response.status // 100}xx" if response.status >= 400 else None
        except ConnectionTimeoutError:
            return Answer(None, f"no connection within {CONNECT_TIMEOUT_SECONDS} s"), "ct"
        except TimeoutError:
            return Answer(None, f"no answer within {TIMEOUT_SECONDS} s"), "rt"
        except (ClientError, OSError, ValueError) as e:
            return Answer(None, str(e) or type(e).__name__), "ct"


def _sign(account: Account, url: str, fields: Mapping[str, str]) -> str:
    signature: str = RequestValidator(account.auth_token).compute_signature(urldefrag(url).url, dict(fields))
    return signature


def _retry_policy(fragment: str) -> tuple[int, set[str]]:
    """How often and after which failures to retry: `rc` and `rp` of a URL's fragment."""
    overrides = parse_qs(fragment)
    count = overrides.get("rc", [""])[0]
    retries = int(count) if count in RETRY_COUNTS else DEFAULT_RETRIES
    return retries, set(overrides.get("rp", ["ct"])[0].split(","))


def _common_fields(text: Text) -> dict[str, str]:
    return {
        "MessageSid": text.sid,
        "SmsSid": text.sid,
        "AccountSid": text.account_sid,
        "From": text.sender or "",
        "To": text.to,
        "ApiVersion": API_VERSION,
    }


def _status_fields(text: Text) -> dict[str, str]:
    fields = {**_common_fields(text), "MessageStatus": text.status, "SmsStatus": text.status}
    if text.error_code is not None:
        fields["ErrorCode"] = str(text.error_code)
    if text.service_sid:
        fields["MessagingServiceSid"] = text.service_sid
    return fields
