"""Twilio's Messages API, as the official SDK speaks it, and the ways in which it can go wrong.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import asyncio
import json
import re
import socket
import struct
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from .callbacks import API_VERSION
from .carrier import Account, Carrier, Post, Submission, Text
from .faults import PHONE_NUMBER, Aspect, Rule
from .holdings import Holdings
from .resource import Refused, answer, page, resource

ACCOUNT_PATH = f"/{API_VERSION}/Accounts/{{account}}"
MAX_BODY_CHARACTERS = 1_600
VALIDITY_SECONDS = range(1, 36_001)
MAX_FORM_FIELDS = 1_000
MAX_URL_CHARACTERS = 4_000

SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}", re.ASCII)
SHORT_CODE = re.compile(r"[0-9]{3,8}", re.ASCII)
SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}", re.ASCII)

# What stands between a client and Twilio when the answer is not Twilio's own.
GATEWAY_PAGE = "<html><body><h1>{}</h1></body></html>"
# With a zero linger time, closing a socket resets its connection.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class TwilioApi:
    """The routes of the API, in front of one carrier."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def routes(self) -> list[web.RouteDef]:
        messages = f"{ACCOUNT_PATH}/Messages"
        return [
            web.post(f"{messages}.json", self.create),
            web.get(f"{messages}.json", self.list),
            web.get(f"{messages}/{{sid}}.json", self.fetch),
            *Holdings(self._carrier, self._account).routes(),
            web.route("*", f"/{API_VERSION}/{{tail:.*}}", self.not_found),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        account_sid, to = request.match_info["account"][:34], ""
        try:
            fields = await _form(request)
            to = fields.get("To", "")[:64]
            self._account(request, "send")
            submission = _submission(fields)
        except Refused as refused:
            self._carrier.record(Post(account_sid, to, f"{refused.status} {refused.code}"))
            return refused.response()
        except web.HTTPRequestEntityTooLarge:
            self._carrier.record(Post(account_sid, to, "413"))
            raise
        rule = self._carrier.rules.pick(Aspect.ANSWER, account_sid, to)
        if rule is not None:
            return await self._misbehave(request, rule, submission)
        post = self._carrier.record(Post(account_sid, to, "201"))
        return answer(resource(self._carrier.accept(submission, post)), 201)

    async def fetch(self, request: web.Request) -> web.Response:
        try:
            account = self._account(request, "read")
            text = self._carrier.texts.get(request.match_info["sid"])
            if text is None or text.account_sid != account.sid:
                raise Refused(20404, request.path)
        except Refused as refused:
            return refused.response()
        return answer(resource(text))

    async def list(self, request: web.Request) -> web.Response:
        try:
            account = self._account(request, "list")
            rule = self._carrier.rules.pick(Aspect.LISTING, account.sid, request.query.get("To"))
            if rule is not None:
                raise Refused(20429 if rule.parameters["status"] == 429 else 20500)
            return answer(page(self._carrier, account, request))
        except Refused as refused:
            return refused.response()

    async def not_found(self, request: web.Request) -> web.Response:
        return Refused(20404, request.path).response()

    def _account(self, request: web.Request, right: str) -> Account:
        """Whose request it is. Raises Refused if it may not do what `right` is for."""
        found = self._carrier.authenticate(request.headers.get("Authorization", ""))
        if found is None:
            raise Refused(20003)
        account, rights = found
        if right == "account" and right not in rights:
            # Twilio says so of any key but a main one, though its secret is right:
            # https://www.twilio.com/docs/api/errors/20003
            raise Refused(20003)
        if account.sid != request.match_info.get("account", account.sid):
            raise Refused(20404, request.path)
        if account.status != "active" and right != "account":
            raise Refused(20005)
        if right not in rights:
            raise Refused(20403)
        return account

    async def _misbehave(
        self, request: web.Request, rule: Rule, submission: Submission
    ) -> web.StreamResponse:
        def record(said: str) -> Post:
            sid = request.match_info["account"]
            return self._carrier.record(Post(sid, submission.to, said, rule.fault))

        def accept(said: str) -> Text:
            return self._carrier.accept(submission, record(said))

        match rule.fault:
            case "never_accept_reset":
                record("reset")
                return _reset(request)
            case "never_accept_500":
                record("500")
                return Refused(20500).response()
            case "hang":
                record("none")
                await asyncio.sleep(rule.seconds())
                return _reset(request)
            case "rate_limited":
                record("429 20429")
                response = Refused(20429).response()
                response.headers["Retry-After"] = _retry_after(rule)
                return response
            case "error":
                refused = Refused(rule.whole("code"), submission.to)
                record(f"{refused.status} {refused.code}")
                return refused.response()
            case "accept_then_reset":
                accept("reset")
                return _reset(request)
            case "accept_late":
                post = record("201")
                await asyncio.sleep(rule.seconds())
                return answer(resource(self._carrier.accept(submission, post)), 201)
            case "answer_slow":
                text = accept("201")
                await asyncio.sleep(rule.seconds())
                return answer(resource(text), 201)
            case "answer_dripped":
                return await _drip(request, resource(accept("201")), rule.seconds())
            case "truncated_answer":
                return await _truncate(request, resource(accept("201 truncated")))
            case "not_json":
                accept("201 not JSON")
                return _gateway_page(201, "Created")
            case "no_sid":
                body = resource(accept("201 without sid"))
                for name in ("sid", "uri", "subresource_uris"):
                    del body[name]
                return answer(body, 201)
            case "another_to":
                return answer({**resource(accept("201 another To")), "to": "+15005550009"}, 201)
            case "accept_then_500":
                accept("500")
                return Refused(20500).response()
            case "accept_then_503":
                accept("503")
                return Refused(20503).response()
            case _:
                status = int(rule.fault.removeprefix("accept_then_"))
                accept(str(status))
                return _gateway_page(status, "Bad Gateway" if status == 502 else "Gateway Timeout")


def _retry_after(rule: Rule) -> str:
    """Both forms of RFC 9110, 10.2.3."""
    if rule.parameters["written"] == "date":
        return formatdate(time.time() + rule.seconds(), usegmt=True)
    return f"{rule.seconds():g}"


async def _form(request: web.Request) -> dict[str, str]:
    raw = await request.read()
    try:
        pairs = parse_qsl(
            raw.decode(errors="replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError as e:
        raise Refused(20422, "body") from e
    return dict(pairs)


def _submission(fields: dict[str, str]) -> Submission:
    """What a create request asks for. Raises Refused with Twilio's code for the mistake."""
    to, body = fields.get("To", ""), fields.get("Body", "")
    sender, service = fields.get("From", ""), fields.get("MessagingServiceSid", "")
    callback, validity = fields.get("StatusCallback", ""), fields.get("ValidityPeriod", "")
    if not to:
        raise Refused(21604)
    if not PHONE_NUMBER.fullmatch(to):
        raise Refused(21211, to[:64])
    if not sender and not service:
        raise Refused(21603)
    if sender and not any(form.fullmatch(sender) for form in (PHONE_NUMBER, SHORT_CODE, SENDER_ID)):
        raise Refused(21212, sender[:64])
    if service and not SERVICE_SID.fullmatch(service):
        raise Refused(21701)
    if not body.strip():
        raise Refused(21602)
    if len(body) > MAX_BODY_CHARACTERS:
        raise Refused(21617)
    if callback and not is_web_address(callback):
        raise Refused(21609, callback[:200])
    if validity and not (validity.isascii() and validity.isdigit() and len(validity) <= 5):
        raise Refused(90007, validity[:64])
    if validity and int(validity) not in VALIDITY_SECONDS:
        raise Refused(90007, validity)
    return Submission(
        to, body, sender or None, service or None, callback or None, int(validity) if validity else None
    )


def is_web_address(url: str) -> bool:
    """Whether `url` is an absolute http(s) URL that a request can be sent to."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    printable = url.isascii() and url.isprintable() and " " not in url
    return (
        printable
        and len(url) <= MAX_URL_CHARACTERS
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and has_port
    )


def _gateway_page(status: int, words: str) -> web.Response:
    return web.Response(text=GATEWAY_PAGE.format(words), status=status, content_type="text/html")


def _reset(request: web.Request) -> web.Response:
    """Resets the connection. The answer returned never leaves, for there is nothing to carry it."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Promises the whole of `body`, sends half, and closes."""
    whole = json.dumps(body).encode()
    response = _unfinished(len(whole))
    response.force_close()
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    return response


async def _drip(request: web.Request, body: dict[str, Any], seconds: float) -> web.StreamResponse:
    """Sends `body` byte by byte, over `seconds`."""
    whole = json.dumps(body).encode()
    response = _unfinished(len(whole))
    await response.prepare(request)
    for position in range(len(whole)):
        await response.write(whole[position : position + 1])
        await asyncio.sleep(seconds / len(whole))
    return response


def _unfinished(length: int) -> web.StreamResponse:
    response = web.StreamResponse(status=201)
    response.content_type = "application/json"
    response.content_length = length
    return response
