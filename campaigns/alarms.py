"""Tell people what was paused by itself: its owners and Admins by e-mail, and programs by a signed webhook.

The webhook is one of Standard Webhooks (https://www.standardwebhooks.com): a POST of JSON with the headers
`webhook-id`, `webhook-timestamp` (seconds since 1970) and `webhook-signature`, which is "v1," and, in Base64,
the HMAC-SHA256 of "<id>.<timestamp>.<body>" with the bytes that the secret stands for. It is tried as often
as there are RETRY_DELAYS, and once more; the id stays the same, so that whoever gets it twice can tell.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.models import Alarm, Notice
from campaigns.switches import CAMPAIGN
from sms.fields import WrongEncryptionKey
from sms.models import Pause
from sms.models.pauses import ACCOUNT, EVERYTHING
from sms.roles import ADMINISTER

logger = logging.getLogger(__name__)

TRIPPED, TEST = "brake.tripped", "test"
RETRY_DELAYS = [timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800)]
# How long one try may take, all in all.
TRY_SECONDS = 10
CONNECT_SECONDS = 3
# Whoever tries one that another process tries leaves it for so long.
LEASE = timedelta(seconds=3 * TRY_SECONDS)
AT_ONCE = 20
# By which a network that speaks IPv6 alone reaches an address of IPv4, the last 32 bits (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")
# Where there is no mail server, what would be sent is printed.
_CONSOLE = "django.core.mail.backends.console.EmailBackend"


class Undelivered(Exception):
    """The webhook did not take it; the message says why, in words that may be shown."""


class OwnNetwork(OSError):
    """The webhook leads to where only this server can reach."""


def tell(run_seconds: float = TRY_SECONDS / 2) -> None:
    """Send what is to be told and was not. A text that nobody could be told of is still paused.

    After so long no other mail, and no other webhook, is tried: the worker is there for texts, and the next
    beat goes on.
    """
    for due, tell_of in ((_due("mail_tries", "next_mail_at"), _mail), (_due("tries", "next_try_at"), _try)):
        until = time.monotonic() + run_seconds
        for notice in due:
            tell_of(notice)
            if time.monotonic() >= until:
                break


def _due(tries: str, at: str) -> Iterator[Notice]:
    """Notices whose time has come by the field `at`, each once among all processes, counted in `tries`."""
    rows = Notice.objects.filter(**{f"{at}__lte": Now()})
    for notice in rows.select_related("pause")[:AT_ONCE]:
        number = getattr(notice, tries)
        if rows.filter(pk=notice.pk, **{tries: number}).update(**{tries: number + 1, at: Now() + LEASE}):
            setattr(notice, tries, number + 1)
            yield notice


def test() -> Notice:
    """Have the webhook tried with nothing in it; what came of it."""
    notice = Notice.objects.create(kind=TEST, tries=1)
    _try(notice, again=False)
    notice.refresh_from_db()
    return notice


def unheard(scope: str = EVERYTHING) -> str:
    """Why nobody would get an e-mail of a pause of this scope, in plain words and with what to do; "" if
    somebody would."""
    if settings.EMAIL_BACKEND == _CONSOLE:
        return "No e-mail leaves this installation: whoever runs it has not set EMAIL_URL."
    if not _addresses(scope):
        return "Nobody who would be told has an e-mail address: enter one under Account > Users."
    return ""


def refusal(url: str) -> str:
    """Why an address is not one that notices go to, and what to do; "" if it is."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "This is no address. Write it as https://alerts.example.com/midcall."
    if not host or parts.username is not None or parts.password is not None:
        return "Write it as https://alerts.example.com/midcall, without a user and a password in it."
    if parts.scheme == "https" or (parts.scheme == "http" and settings.DEMO and _is_loopback(host)):
        return ""
    return "It must begin with https://, so that nobody reads or changes on the way what it says."


def signed(key: bytes, notice_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that prove a notice."""
    content = f"{notice_id}.{at}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }


def _try(notice: Notice, again: bool = True) -> None:
    alarm = Alarm.load()
    if not alarm.url:
        Notice.objects.filter(pk=notice.pk).update(next_try_at=None, problem="There is no webhook.")
        return
    try:
        _deliver(alarm, notice)
    except Undelivered as error:
        logger.warning("notice %s could not be delivered: %s", notice.pk, error)
        Notice.objects.filter(pk=notice.pk, tries=notice.tries).update(
            next_try_at=_next(notice.tries) if again else None, problem=str(error)[:200]
        )
    else:
        Notice.objects.filter(pk=notice.pk).update(next_try_at=None, delivered_at=Now(), problem="")


def _deliver(alarm: Alarm, notice: Notice) -> None:
    """Post it. Raises Undelivered."""
    # Here and in _post(), because nearly every process imports this module, and few ever post.
    import aiohttp

    if why := refusal(alarm.url):
        raise Undelivered(why)
    body = json.dumps(_payload(notice), separators=(",", ":")).encode()
    try:
        if alarm.secret is None:
            raise Undelivered("There is no secret to sign it with.")
        headers = signed(Alarm.key(alarm.secret.reveal()), str(notice.pk), int(time.time()), body)
        status = asyncio.run(_post(alarm.url, body, headers))
    except WrongEncryptionKey:
        raise Undelivered("The secret cannot be read with the keys that are configured.") from None
    except ValidationError:
        raise Undelivered("The secret is none: enter it anew.") from None
    except OwnNetwork:
        raise Undelivered(
            "It leads into this server's own network. If that is meant, the operator names the network in "
            "WEBHOOK_NETWORKS."
        ) from None
    except TimeoutError:
        raise Undelivered("It did not answer in time.") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Undelivered(f"It could not be reached ({type(error).__name__}).") from None
    if not 200 <= status < 300:
        raise Undelivered(f"It answered {status}.")


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer, of which nothing else is read. Redirects are not followed.

    Raises OwnNetwork: whoever may enter an address here need not be one who may look into that network.
    """
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=TRY_SECONDS, sock_connect=CONNECT_SECONDS)
    inside: list[str] = []

    def opened(found: Any) -> socket.socket:
        # Here and not before: what a name leads to may be something else by then.
        family, kind, protocol, _, address = found
        if not _is_reachable(address[0]):
            inside.append(address[0])
            raise OwnNetwork
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(socket_factory=opened)
    try:
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except aiohttp.ClientConnectorError:
        if inside:
            raise OwnNetwork from None
        raise


def _is_reachable(address: str) -> bool:
    """Whether a webhook may be at an address: on the public internet, or in a network named for it."""
    ip = ip_address(address.partition("%")[0])
    if ip.version == 6:
        ip = ip.ipv4_mapped or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip)
    if any(ip in network for network in settings.WEBHOOK_NETWORKS):
        return True
    return (ip.is_global and not ip.is_multicast) or (settings.DEMO and ip.is_loopback)


def _payload(notice: Notice) -> dict[str, Any]:
    pause = notice.pause
    if pause is None:
        return {"type": TEST, "timestamp": notice.created_at.isoformat(), "data": {}}
    return {
        "type": TRIPPED,
        "timestamp": pause.since.isoformat(),
        "data": {
            "scope": pause.scope,
            "about": pause.about,
            "because": pause.because,
            "kind": notice.kind,
            "figures": notice.figures,
            "url": _address(pause),
        },
    }


def _address(pause: Pause) -> str:
    return f"{settings.PUBLIC_URL}/admin/sms/pause/{pause.pk}/change/"


def _mail(notice: Notice) -> None:
    pause = notice.pause
    addresses = _addresses(pause.scope) if pause and not pause.lifted_at else []
    again, sent_at = None, None
    if pause and addresses:
        body = (
            f"{pause.words}\n\nNo text of it is sent. What is asked for in calls is refused, and the agent "
            "says so; what was promised waits for as long as it is worth sending.\n\n"
            f"Look at it, and let it go on once all is well: {_address(pause)}\n"
        )
        try:
            send_mail(f"Midcall has paused: {' '.join(pause.about.split())}", body, None, addresses)
            sent_at = Now()
        except OSError:
            logger.exception("nobody could be told by e-mail that %s", pause.words)
            again = _next(notice.mail_tries)
    elif pause and not pause.lifted_at:
        logger.error("%s, and nobody who could be told has an e-mail address", pause.words)
    Notice.objects.filter(pk=notice.pk).update(mailed_at=sent_at, next_mail_at=again)


def _next(tries: int) -> Any:
    """When it is tried again after so many tries, on the database's clock; None if it is not."""
    left = RETRY_DELAYS[tries - 1 :]
    return Now() + left[0] if left else None


def _addresses(scope: str) -> list[str]:
    """Of whoever is told of a pause: its owners, and all Admins."""
    users: Any = get_user_model()._default_manager
    admins = Q(pk__in=users.with_perm(ADMINISTER).values("pk"))
    kind, _, key = scope.partition(":")
    owners = {ACCOUNT: Q(sms_profile__twilio_account_sid=key), CAMPAIGN: Q(campaigns=key)}
    told = users.filter(admins | owners.get(kind, Q(pk__in=[])), is_active=True).exclude(email="")
    return list(told.distinct().values_list("email", flat=True))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
