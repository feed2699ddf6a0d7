"""What the API says: the Message resource, pages of it, and refusals, in Twilio's names.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import functools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from . import codes
from .callbacks import API_VERSION
from .carrier import Account, Carrier, Text
from .faults import DAY_SECONDS

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1_000


class Refused(Exception):
    """The request is refused with a Twilio code; `value` is what the message repeats."""

    def __init__(self, code: int, value: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.value = value
        self.status = codes.http_status(code)

    def response(self) -> web.Response:
        body = {
            "code": self.code,
            "message": codes.message(self.code, self.value),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        return answer(body, self.status)


def answer(body: dict[str, Any], status: int = 200) -> web.Response:
    """`body` as the API answers it."""
    return web.Response(body=json.dumps(body).encode(), status=status, content_type="application/json")


def resource(text: Text) -> dict[str, Any]:
    """The Message resource, with Twilio's names."""
    uri = f"/{API_VERSION}/Accounts/{text.account_sid}/Messages/{text.sid}"
    return {
        "account_sid": text.account_sid,
        "api_version": API_VERSION,
        "body": text.body,
        "date_created": _rfc2822(int(text.created_at)),
        "date_sent": None if text.sent_at is None else _rfc2822(int(text.sent_at)),
        "date_updated": _rfc2822(int(text.updated_at)),
        "direction": text.direction,
        "error_code": text.error_code,
        "error_message": text.error_message(),
        "from": text.sender,
        "messaging_service_sid": text.service_sid,
        "num_media": "0",
        "num_segments": str(text.num_segments),
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text.to,
        "uri": f"{uri}.json",
    }


@functools.lru_cache(maxsize=1_024)
def _rfc2822(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


def page(carrier: Carrier, account: Account, request: web.Request) -> dict[str, Any]:
    """One page, newest first. A token names a text, so that new ones do not shift the pages."""
    filters = {
        name: request.query[name]
        for name in ("To", "From", "DateSent", "DateSent<", "DateSent>")
        if name in request.query
    }
    size = page_size(request)
    number = number_in(request, "Page", 0)
    token = request.query.get("PageToken", "")
    shelf = carrier.shelf(account.sid, filters.get("To"))
    start = _position(carrier, shelf, token) if token else None
    if token.startswith("PB"):
        newer = islice(_matching(islice(shelf, (start or 0) + 1, None), filters), size)
        texts, more = list(newer)[::-1], True
    else:
        older = _matching(islice(reversed(shelf), _skipped(shelf, start), None), filters)
        skipped = 0 if token else number * size
        texts = list(islice(older, skipped, skipped + size + 1))
        texts, more = texts[:size], len(texts) > size

    def uri(page: int, page_token: str = "") -> str:
        query = {**filters, "PageSize": size, "Page": page}
        if page_token:
            query["PageToken"] = page_token
        return f"{request.path}?{urlencode(query)}"

    return {
        "messages": [resource(text) for text in texts],
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, f"PA{texts[-1].sid}") if more and texts else None,
        "previous_page_uri": uri(number - 1, f"PB{texts[0].sid}") if number and texts else None,
        "page": number,
        "page_size": size,
        "start": number * size,
        "end": number * size + max(len(texts) - 1, 0),
        "uri": uri(number, token),
    }


def _position(carrier: Carrier, shelf: list[Text], token: str) -> int:
    text = carrier.texts.get(token[2:])
    if text is None or token[:2] not in ("PA", "PB"):
        raise Refused(20422, "PageToken")
    return carrier.position(shelf, text)


def page_size(request: web.Request) -> int:
    """How many things a request wants on a page, as far as it gets them."""
    return min(max(number_in(request, "PageSize", DEFAULT_PAGE_SIZE), 1), MAX_PAGE_SIZE)


def number_in(request: web.Request, name: str, default: int) -> int:
    """A number in the query. Raises Refused for what is none."""
    value = request.query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise Refused(20422, name)
    return int(value)


def _skipped(shelf: list[Text], position: int | None) -> int:
    """How many texts, from the newest, come before those older than the one at `position`."""
    return 0 if position is None else len(shelf) - position


def _matching(texts: Iterator[Text], filters: dict[str, str]) -> Iterator[Text]:
    """Those that are listed by now, come from `From`, and were sent when the filters say.

    Both bounds include midnight UTC, at the beginning of the day, as Twilio's do.
    """
    now, sender = time.time(), filters.get("From")
    earliest, latest = 0.0, float("inf")
    if "DateSent" in filters:
        day = _moment(filters["DateSent"]).replace(hour=0, minute=0, second=0, microsecond=0)
        earliest = day.timestamp()
        latest = earliest + DAY_SECONDS - 1e-6
    if "DateSent>" in filters:
        earliest = max(earliest, _moment(filters["DateSent>"]).timestamp())
    if "DateSent<" in filters:
        latest = min(latest, _moment(filters["DateSent<"]).timestamp())
    by_date = earliest > 0.0 or latest < float("inf")
    for text in texts:
        if text.listed_at > now or (sender is not None and text.sender != sender):
            continue
        if by_date and (text.sent_at is None or not earliest <= text.sent_at <= latest):
            continue
        yield text


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as e:
        raise Refused(20422, "DateSent") from e
