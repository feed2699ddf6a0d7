"""The phone page, and the API by which people, tests and checkers steer the carrier.

Everything under /simulator/ is for this machine: a request that a web page of another origin makes,
or that comes by another host name, is refused.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from aiohttp import web

from .callbacks import Callbacks
from .carrier import INBOUND, MAX_PACE_SECONDS, OUTBOUND, RIGHTS, Account, Carrier
from .events import Events
from .faults import ACCOUNT_SID, FAULTS, PHONE_NUMBER, BadRule, Parameter
from .twilio_api import MAX_BODY_CHARACTERS, SERVICE_SID, is_web_address

STATIC = Path(__file__).parent / "static"
PAGE_FILES = {
    "/": ("phone.html", "text/html"),
    **{f"/{name}.css": (f"{name}.css", "text/css") for name in ("page", "phone", "panel")},
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in ("page", "phone", "panel")},
}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
ACCOUNT_STATUSES = ("active", "suspended", "closed")
MAX_TOKEN_CHARACTERS = 256
TEXTS_PER_CHUNK = 500
KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}", re.ASCII)
# What an account holds, and what each of a list of them must say.
HOLDINGS = {
    "numbers": "phone_number, and perhaps friendly_name and sms (true or false)",
    "services": "sid (MG and 32 hexadecimal digits), and perhaps friendly_name",
    "keys": f"sid (SK and 32 hexadecimal digits), secret, and perhaps rights (of {', '.join(RIGHTS)})",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The routes of the page and of the control API, in front of one carrier."""

    def __init__(self, carrier: Carrier, callbacks: Callbacks, events: Events, host: str) -> None:
        self._carrier = carrier
        self._callbacks = callbacks
        self._events = events
        self._hosts = LOCAL_HOSTS | {host.lower()}
        self._files = {
            path: ((STATIC / name).read_bytes(), kind) for path, (name, kind) in PAGE_FILES.items()
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.get(path, self.file) for path in PAGE_FILES),
            web.get("/favicon.ico", self.no_content),
            web.get("/healthz", self.health),
        ]

    def api(self) -> web.Application:
        """The application to mount at /simulator/."""
        api = web.Application(middlewares=[self.guard])
        api.add_routes(
            [
                web.get("/accounts", self.accounts),
                web.post("/accounts", self.put_account),
                web.get("/texts", self.texts),
                web.delete("/texts", self.clear_texts),
                web.get("/posts", self.posts),
                web.get("/count", self.count),
                web.get("/events", self._events.stream),
                web.get("/faults", self.faults),
                web.get("/misbehaviour", self.rules),
                web.put("/misbehaviour", self.add_rule),
                web.delete("/misbehaviour", self.clear_rules),
                web.delete(r"/misbehaviour/{id:\d{1,9}}", self.remove_rule),
                web.get("/pace", self.pace),
                web.put("/pace", self.set_pace),
                web.post("/inbound", self.inbound),
            ]
        )
        return api

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keeps other origins and other host names out, and answers mistakes in JSON."""
        origin = request.headers.get("Origin")
        if _hostname(request.host) not in self._hosts:
            return _problem(403, "this address is not the simulated carrier's own")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            return _problem(403, "pages of another origin may not steer the simulated carrier")
        if request.method in ("POST", "PUT") and request.content_type != "application/json":
            return _problem(415, "Content-Type must be application/json")
        try:
            return await handler(request)
        except BadRule as e:
            return _problem(422, str(e))
        except web.HTTPRequestEntityTooLarge:
            return _problem(413, "the body is too large")
        except web.HTTPException as e:
            return _problem(e.status, e.reason)

    async def file(self, request: web.Request) -> web.Response:
        body, kind = self._files[request.path]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=PAGE_HEADERS)

    async def no_content(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def accounts(self, _: web.Request) -> web.Response:
        return _json([_public(account) for account in self._carrier.accounts.values()])

    async def put_account(self, request: web.Request) -> web.Response:
        changes = await _object(request)
        sid = changes.get("sid")
        if not (isinstance(sid, str) and ACCOUNT_SID.fullmatch(sid)):
            _refuse("sid must be AC and 32 hexadecimal digits")
        if sid not in self._carrier.accounts and "auth_token" not in changes:
            _refuse("a new account needs auth_token")
        for name, value in changes.items():
            _check_account_field(name, value)
        return _json(_public(self._carrier.put_account(changes)))

    async def texts(self, request: web.Request) -> web.StreamResponse:
        """Every text that was taken, oldest first; ?to=, ?since= (seconds), ?direction=inbound."""
        since, to = _since(request), request.query.get("to")
        direction = INBOUND if request.query.get("direction") == INBOUND else OUTBOUND
        texts = [
            text
            for text in self._carrier.texts.values()
            if text.created_at >= since and text.direction == direction and to in (None, text.to)
        ]
        response = web.StreamResponse()
        response.content_type = "application/json"
        await response.prepare(request)
        # In pieces, so that a list of 100,000 does not hold up the texts that come meanwhile.
        for first in range(0, len(texts), TEXTS_PER_CHUNK):
            views = json.dumps([text.view() for text in texts[first : first + TEXTS_PER_CHUNK]])
            await response.write(f"{',' if first else '['}{views[1:-1]}".encode())
        await response.write(b"]" if texts else b"[]")
        return response

    async def clear_texts(self, _: web.Request) -> web.Response:
        self._carrier.clear_texts()
        return web.Response(status=204)

    async def posts(self, request: web.Request) -> web.Response:
        """Every request to send a text, refused ones included, oldest first; ?to=, ?since=."""
        since, to = _since(request), request.query.get("to")
        return _json(
            [
                post.view()
                for post in self._carrier.posts
                if post.received_at >= since and to in (None, post.to)
            ]
        )

    async def count(self, _: web.Request) -> web.Response:
        texts = [t for t in self._carrier.texts.values() if t.direction == OUTBOUND]
        return _json(
            {
                "received": self._carrier.received,
                "accepted": len(texts),
                "by_status": Counter(text.status for text in texts),
            }
        )

    async def faults(self, _: web.Request) -> web.Response:
        return _json(
            {
                name: {
                    "aspect": fault.aspect,
                    "words": fault.words,
                    "parameters": {key: _described(p) for key, p in fault.parameters.items()},
                }
                for name, fault in FAULTS.items()
            }
        )

    async def rules(self, _: web.Request) -> web.Response:
        return _json([rule.view() for rule in self._carrier.rules.rules])

    async def add_rule(self, request: web.Request) -> web.Response:
        return _json(self._carrier.rules.add(await _object(request)).view(), 201)

    async def remove_rule(self, request: web.Request) -> web.Response:
        if not self._carrier.rules.remove(int(request.match_info["id"])):
            raise web.HTTPNotFound(reason="there is no rule with that id")
        return web.Response(status=204)

    async def clear_rules(self, _: web.Request) -> web.Response:
        self._carrier.rules.clear()
        return web.Response(status=204)

    async def pace(self, _: web.Request) -> web.Response:
        return _json({"seconds": self._carrier.pace})

    async def set_pace(self, request: web.Request) -> web.Response:
        seconds = (await _object(request)).get("seconds")
        self._carrier.pace = float(Parameter("", most=MAX_PACE_SECONDS).check("seconds", seconds))
        return await self.pace(request)

    async def inbound(self, request: web.Request) -> web.Response:
        """Sends a text from a phone to one of an account's numbers, and says what came back."""
        wanted = await _object(request)
        sender, to, body = wanted.get("from"), wanted.get("to"), wanted.get("body")
        if not (isinstance(sender, str) and PHONE_NUMBER.fullmatch(sender)):
            _refuse("from must be a phone number such as +14155550123")
        if not (isinstance(to, str) and 0 < len(to) <= 16):
            _refuse("to must be the number or sender that the text is for")
        if not (isinstance(body, str) and 0 < len(body) <= MAX_BODY_CHARACTERS):
            _refuse(f"body must have from 1 to {MAX_BODY_CHARACTERS} characters")
        account = self._owner(wanted.get("account"), sender, to)
        if not account.inbound_url:
            _refuse("the account has no inbound_url: set it with POST /simulator/accounts")
        text = self._carrier.take_inbound(account, sender, to, body)
        answer = await self._callbacks.tell_inbound(account, text)
        self._carrier.note_receipt(text, text.status, answer.status)
        return _json(
            {
                "sid": text.sid,
                "status": answer.status,
                "content_type": answer.content_type,
                "body": answer.body,
            }
        )

    def _owner(self, sid: object, phone: str, number: str) -> Account:
        """The account named, or the one that last texted `phone` from `number`, or the only one."""
        accounts = self._carrier.accounts
        if isinstance(sid, str) and sid in accounts:
            return accounts[sid]
        if sid is not None:
            _refuse("account must be the SID of an account")
        for text in reversed(self._carrier.texts.values()):
            if text.to == phone and text.sender == number:
                return accounts[text.account_sid]
        if len(accounts) != 1:
            _refuse("no text went from that number to that phone: name the account")
        return next(iter(accounts.values()))


def _json(body: Any, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers={"X-Content-Type-Options": "nosniff"})


def _problem(status: int, words: str) -> web.Response:
    return _json({"detail": words}, status)


def _refuse(words: str) -> NoReturn:
    raise web.HTTPUnprocessableEntity(reason=words)


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


async def _object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object. Raises a 400 that says why it is none."""
    try:
        body = json.loads(await request.read())
        # Half a surrogate pair passes as JSON, but is no text that could be sent or signed.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as e:
        raise web.HTTPBadRequest(reason="the body is not JSON") from e
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(reason="the body is not a JSON object")
    return body


def _since(request: web.Request) -> float:
    value = request.query.get("since", "0")
    try:
        since = float(value)
    except ValueError:
        since = math.nan
    if math.isnan(since):
        _refuse("since must be in seconds since the epoch")
    return since


def _check_account_field(name: str, value: object) -> None:
    if name in ("auth_token", "secondary_token"):
        if name == "secondary_token" and value is None:
            return
        if not (isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARACTERS):
            _refuse(f"{name} must have from 1 to {MAX_TOKEN_CHARACTERS} characters")
    elif name == "status":
        if value not in ACCOUNT_STATUSES:
            _refuse(f"status must be one of {', '.join(ACCOUNT_STATUSES)}")
    elif name == "inbound_url":
        if value is not None and not (isinstance(value, str) and is_web_address(value)):
            _refuse("inbound_url must be an http or https address, or null")
    elif name == "friendly_name":
        if not (isinstance(value, str) and 0 < len(value) <= 64):
            _refuse("friendly_name must have from 1 to 64 characters")
    elif name in HOLDINGS:
        if not (isinstance(value, list) and all(_is_holding(name, each) for each in value)):
            _refuse(f"{name} must be a list of objects with {HOLDINGS[name]}")
    elif name != "sid":
        _refuse(f"an account has no {name[:40]!r}")


def _is_holding(kind: str, value: object) -> bool:
    if not isinstance(value, dict):
        return False
    name = value.get("friendly_name", "")
    if kind != "keys" and not (isinstance(name, str) and len(name) <= 64):
        return False
    if kind == "numbers":
        number, sends = value.get("phone_number"), value.get("sms", True)
        return isinstance(number, str) and bool(PHONE_NUMBER.fullmatch(number)) and isinstance(sends, bool)
    sid, secret, rights = value.get("sid"), value.get("secret"), value.get("rights")
    if kind == "services":
        return isinstance(sid, str) and bool(SERVICE_SID.fullmatch(sid))
    return (
        isinstance(sid, str)
        and bool(KEY_SID.fullmatch(sid))
        and isinstance(secret, str)
        and 0 < len(secret) <= MAX_TOKEN_CHARACTERS
        and (rights is None or (isinstance(rights, list) and all(right in RIGHTS for right in rights)))
    )


def _public(account: Account) -> dict[str, Any]:
    """The account without its tokens."""
    return {
        "sid": account.sid,
        "status": account.status,
        "inbound_url": account.inbound_url,
        "has_secondary_token": account.secondary_token is not None,
        "friendly_name": account.friendly_name,
        "numbers": account.numbers,
        "services": account.services,
        "keys": [{"sid": key["sid"], "rights": key.get("rights")} for key in account.keys],
    }


def _described(parameter: Parameter) -> dict[str, Any]:
    return {
        "words": parameter.words,
        "default": parameter.default,
        "least": parameter.least,
        "most": parameter.most,
        "whole": parameter.whole,
        "choices": parameter.choices,
        "known": parameter.known,
    }
