"""The carrier itself: its accounts, the texts that it took, and the life of a text.

A text goes queued -> sending -> sent -> delivered, or ends as undelivered or failed where a rule
says so. Everything that happens is kept, and told to those who listen: the journal, the status
callbacks and the phone page.
"""

import asyncio
import bisect
import secrets
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import smsutil  # type: ignore[import-untyped, unused-ignore]

from . import codes
from .faults import Aspect, Misbehaviour, Rule
from .journal import Journal

OUTBOUND = "outbound-api"
INBOUND = "inbound"
TOLD_STATUSES = frozenset({"sent", "delivered", "undelivered", "failed"})
DEFAULT_PACE_SECONDS = 0.1
MAX_PACE_SECONDS = 3_600
# What an API key may be allowed to do; only a token may see the account itself.
RIGHTS = ("send", "read", "list", "numbers", "services")
EVERY_RIGHT = frozenset((*RIGHTS, "account"))
# How long a text takes to reach a status from the one before it, in paces.
PACES = {"sending": 0.5, "sent": 0.5, "failed": 0.5, "delivered": 1.5, "undelivered": 1.5}
KEPT_POSTS = 100_000


# A number, a Messaging Service or an API key, by the names of their fields.
Holding = dict[str, Any]


def _numbers() -> list[Holding]:
    # Numbers with 555-01xx are kept for fiction (North American Numbering Plan).
    return [
        {"phone_number": "+13125550142", "friendly_name": "(312) 555-0142", "sms": True},
        {"phone_number": "+13125550100", "friendly_name": "(312) 555-0100", "sms": True},
        {"phone_number": "+13125550188", "friendly_name": "Voice only", "sms": False},
    ]


def _services() -> list[Holding]:
    return [{"sid": "MG" + "0123456789abcdef" * 2, "friendly_name": "Booking line"}]


@dataclass(slots=True)
class Account:
    """One customer. Either token opens the API; callbacks are signed with the first.

    `keys` open it, too: each {"sid", "secret", "rights"}, where `rights` are some of RIGHTS, or None for a
    standard key, which may do all but see the account itself.
    """

    sid: str
    auth_token: str = field(repr=False)
    secondary_token: str | None = field(default=None, repr=False)
    status: str = "active"
    inbound_url: str | None = None
    friendly_name: str = "Simulated account"
    numbers: list[Holding] = field(default_factory=_numbers)
    services: list[Holding] = field(default_factory=_services)
    keys: list[Holding] = field(default_factory=list, repr=False)

    def record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ACCOUNT_FIELDS}


@dataclass(slots=True)
class Post:
    """One request to send a text, and what was done to it. `sid` is that of the text it became."""

    account_sid: str
    to: str
    answer: str
    fault: str | None = None
    sid: str | None = None
    received_at: float = field(default_factory=time.time)

    def view(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in POST_FIELDS}


@dataclass(frozen=True, slots=True)
class Submission:
    """What a valid request asks to send. `sender` or `service_sid` is given, or both."""

    to: str
    body: str
    sender: str | None = None
    service_sid: str | None = None
    status_callback: str | None = None
    validity_period: int | None = None


@dataclass(slots=True)
class Text:
    """One text that the carrier has. Times are seconds since the epoch.

    `fate` and `fate_code` are how it will end; `receipt_rule` is how its callbacks misbehave, and
    `receipts` is what they were answered: an HTTP status, or None where nobody answered.
    """

    sid: str
    account_sid: str
    to: str
    sender: str | None
    body: str
    num_segments: int
    status: str
    answer: str
    direction: str = OUTBOUND
    service_sid: str | None = None
    status_callback: str | None = None
    validity_period: int | None = None
    fault: str | None = None
    fate: str = "delivered"
    fate_code: int | None = None
    error_code: int | None = None
    created_at: float = field(default_factory=time.time)
    updated_at: float = 0.0
    sent_at: float | None = None
    listed_at: float = 0.0
    sequence: int = 0
    receipt_rule: Rule | None = None
    receipts: list[tuple[str, int | None]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in TEXT_FIELDS}

    def error_message(self) -> str | None:
        return None if self.error_code is None else codes.message(self.error_code)

    def next_status(self) -> str | None:
        """The status that comes next, None at the end."""
        if self.status in ("accepted", "queued"):
            return "sending"
        if self.status == "sending":
            return "failed" if self.fate == "failed" else "sent"
        return self.fate if self.status == "sent" else None

    def view(self) -> dict[str, Any]:
        """The text as the control API and the phone page show it."""
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "from": self.sender,
            "to": self.to,
            "body": self.body,
            "direction": self.direction,
            "messaging_service_sid": self.service_sid,
            "num_segments": self.num_segments,
            "status_callback": self.status_callback,
            "validity_period": self.validity_period,
            "status": self.status,
            "error_code": self.error_code,
            "error_message": self.error_message(),
            "created_at": self.created_at,
            "sent_at": self.sent_at,
            "updated_at": self.updated_at,
            "answer": self.answer,
            "fault": self.fault,
            "receipts": [{"status": status, "answer": answer} for status, answer in self.receipts],
        }


ACCOUNT_FIELDS = tuple(f.name for f in fields(Account))
POST_FIELDS = tuple(f.name for f in fields(Post))
TRANSIENT_FIELDS = ("sequence", "receipt_rule", "receipts")
TEXT_FIELDS = tuple(f.name for f in fields(Text) if f.name not in TRANSIENT_FIELDS)


class Carrier:
    """Takes texts and walks each to its end, at `pace` seconds from one step to the next."""

    def __init__(self, pace: float = DEFAULT_PACE_SECONDS, journal: Journal | None = None) -> None:
        self.pace = pace
        self.rules = Misbehaviour()
        self.accounts: dict[str, Account] = {}
        self.texts: dict[str, Text] = {}
        self.posts: deque[Post] = deque(maxlen=KEPT_POSTS)
        self.received = 0
        self.on_change: list[Callable[[Text], None]] = []
        self.on_told_status: list[Callable[[Text], None]] = []
        self.on_clear: list[Callable[[], None]] = []
        self._journal = journal
        self._credentials: dict[str, tuple[Account, frozenset[str]]] = {}
        self._shelves: dict[tuple[str, str | None], list[Text]] = {}
        self._taken = 0

    def restore(self) -> None:
        """Takes up what the journal holds, texts in mid-life included, in the running loop."""
        if self._journal is None:
            return
        accounts, texts = self._journal.replay()
        for record in accounts:
            self.put_account(record)
        for record in texts:
            try:
                text = Text(**record)
            except TypeError:
                continue
            self._shelve(text)
            self._schedule(text)
        self._compact()

    def put_account(self, changes: Mapping[str, Any]) -> Account:
        """Opens the account `changes["sid"]`, with a token, or changes the one there is."""
        old = self.accounts.get(changes["sid"])
        account = Account(**{**(old.record() if old else {}), **changes})
        self.accounts[account.sid] = account
        self._credentials = {
            _credential(account.sid, token): (account, EVERY_RIGHT)
            for account in self.accounts.values()
            for token in (account.auth_token, account.secondary_token)
            if token
        } | {
            _credential(key["sid"], key["secret"]): (account, _rights(key))
            for account in self.accounts.values()
            for key in account.keys
        }
        if self._journal:
            self._journal.add("account", account.record())
        return account

    def authenticate(self, authorization: str) -> tuple[Account, frozenset[str]] | None:
        """The account whose token or key an HTTP Basic `authorization` header carries, and what that may."""
        scheme, _, credential = authorization.partition(" ")
        return self._credentials.get(credential.strip()) if scheme.lower() == "basic" else None

    def record(self, post: Post) -> Post:
        self.received += 1
        self.posts.append(post)
        return post

    def accept(self, submission: Submission, post: Post) -> Text:
        """Takes the text that `post` asked for, and starts its life."""
        account_sid, to, now = post.account_sid, submission.to, time.time()
        outcome = self.rules.pick(Aspect.OUTCOME, account_sid, to)
        lag = self.rules.pick(Aspect.VISIBILITY, account_sid, to)
        by_service = submission.sender is None
        text = Text(
            sid=_sid(),
            account_sid=account_sid,
            to=to,
            sender=submission.sender,
            body=submission.body,
            # Twilio counts segments only when a service has chosen the sender.
            num_segments=0 if by_service else count_segments(submission.body),
            status="accepted" if by_service else "queued",
            answer=post.answer,
            service_sid=submission.service_sid,
            status_callback=submission.status_callback,
            validity_period=submission.validity_period,
            fault=post.fault,
            fate=str(outcome.parameters["status"]) if outcome else "delivered",
            fate_code=outcome.whole("code") if outcome else None,
            created_at=now,
            updated_at=now,
            listed_at=now + lag.seconds() if lag else now,
            receipt_rule=self.rules.pick(Aspect.RECEIPT, account_sid, to),
        )
        post.sid = text.sid
        self._take(text)
        self._schedule(text)
        return text

    def take_inbound(self, account: Account, sender: str, to: str, body: str) -> Text:
        """Keeps a text that a phone sent to one of the account's numbers."""
        now = time.time()
        text = Text(
            sid=_sid(),
            account_sid=account.sid,
            to=to,
            sender=sender,
            body=body,
            num_segments=count_segments(body),
            status="received",
            answer="",
            direction=INBOUND,
            created_at=now,
            updated_at=now,
            sent_at=now,
        )
        self._take(text)
        return text

    def note_receipt(self, text: Text, status: str, answer: int | None) -> None:
        """Keeps how the callback that told `status` was answered."""
        text.receipts.append((status, answer))
        self._tell(text)

    def shelf(self, account_sid: str, to: str | None = None) -> list[Text]:
        """The account's texts, or those to one number, oldest first."""
        return self._shelves.get((account_sid, to), [])

    def position(self, shelf: list[Text], text: Text) -> int:
        """Where `text` stands on `shelf`, or would."""
        return bisect.bisect_left(shelf, text.sequence, key=lambda other: other.sequence)

    def clear_texts(self) -> None:
        """Forgets every text and every request; accounts and rules stay."""
        self.texts.clear()
        self._shelves.clear()
        self.posts.clear()
        self.received = 0
        self._compact()
        for listener in self.on_clear:
            listener()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _take(self, text: Text) -> None:
        self._shelve(text)
        if self._journal:
            self._journal.add("text", text.record())
        self._tell(text)

    def _shelve(self, text: Text) -> None:
        self._taken += 1
        text.sequence = self._taken
        self.texts[text.sid] = text
        for to in (None, text.to):
            self._shelves.setdefault((text.account_sid, to), []).append(text)

    def _schedule(self, text: Text) -> None:
        status = text.next_status()
        if status is not None:
            delay = self.pace * PACES[status]
            asyncio.get_running_loop().call_later(delay, self._advance, text, status)

    def _advance(self, text: Text, status: str) -> None:
        if text.sid not in self.texts:
            return
        now = time.time()
        changes: dict[str, Any] = {"sid": text.sid, "status": status, "updated_at": now}
        if status == "sent":
            changes["sent_at"] = now
        if status == text.fate:
            changes["error_code"] = text.fate_code
        if text.sender is None:
            changes["sender"] = _pool_number(text.service_sid or "")
            changes["num_segments"] = count_segments(text.body)
        for name, value in changes.items():
            setattr(text, name, value)
        if self._journal:
            self._journal.add("change", changes)
        self._tell(text)
        if status in TOLD_STATUSES:
            for listener in self.on_told_status:
                listener(text)
        self._schedule(text)

    def _tell(self, text: Text) -> None:
        for listener in self.on_change:
            listener(text)

    def _compact(self) -> None:
        if self._journal:
            self._journal.rewrite(
                (account.record() for account in self.accounts.values()),
                (text.record() for text in self.texts.values()),
            )


def count_segments(body: str) -> int:
    """How many SMS it takes to carry `body`: 160 or 153 characters each in GSM-7, else 70 or 67."""
    return len(smsutil.split(body).parts)


def _sid() -> str:
    return f"SM{secrets.token_hex(16)}"


def _credential(sid: str, token: str) -> str:
    return b64encode(f"{sid}:{token}".encode()).decode()


def _rights(key: Holding) -> frozenset[str]:
    rights = key.get("rights")
    return frozenset(RIGHTS if rights is None else rights)


def _pool_number(service_sid: str) -> str:
    """The number that a Messaging Service sends from: always the same, and nobody's."""
    return f"+1555{int(service_sid[-8:], 16) % 10_000_000:07d}"
