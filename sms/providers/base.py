"""What a provider must do, and the ways in which it can fail, named by their consequence."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sms.fields import Secret
from sms.models import Claimed, Message, State, UserProfile

# Until when a text may be written to a socket (time.monotonic() seconds). A process that was frozen past it
# must not: its text may have been looked up, not found, and handed over by another meanwhile.
write_before: ContextVar[float] = ContextVar("write_before", default=math.inf)


# How long a person waits for a credential to be verified.
VERIFY_SECONDS = 5
# How long an answer is waited for. Twilio's own bound on a request is reported around 26 s; a shorter wait
# would make doubt of slowness.
ANSWER_SECONDS = 38


class NotAccepted(Exception):
    """The provider surely did not take the text: it may be handed over again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Throttled(NotAccepted):
    """Nor will it take any other of the account before `delay` is over."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        super().__init__(reason)
        self.delay = delay


class Rejected(Exception):
    """The provider refuses the text. What follows from its `code` stands in sms/providers/codes.py."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason or f"error {code}")
        self.reason = reason
        self.code = code


class NoCredential(Exception):
    """The account that a text was promised with can no longer be used; the message says why."""


class Unverified(Exception):
    """The provider did not say whether a credential is good; the message says why, in plain words."""


class WrongCredential(Exception):
    """The provider knows no such credential, or nothing can be sent with it.

    `part` is the field of Credential that is to be mended; the message says how.
    """

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part = part


class Unconfirmed(Exception):
    """The provider may or may not have taken the text: it is never handed over again on a guess."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Credential:
    """An account at a provider. Tokens stay sealed until the moment of use.

    While a token is rotated, webhooks may be signed with the secondary one. With an API key, that sends;
    webhooks are signed with the token all the same.
    """

    account_sid: str
    auth_token: Secret | str | None
    secondary_token: Secret | str | None = None
    api_key: str = ""
    api_secret: Secret | str | None = None

    @classmethod
    def of(cls, profile: UserProfile) -> Credential:
        """What a user's profile holds, complete or not."""
        return cls(
            profile.twilio_account_sid,
            profile.twilio_auth_token,
            profile.twilio_secondary_token,
            profile.twilio_api_key,
            profile.twilio_api_secret,
        )

    def login(self) -> tuple[str, str]:
        """The name and the plain secret to send with. Raises WrongEncryptionKey."""
        if self.api_key and self.api_secret:
            return self.api_key, _plain(self.api_secret)
        return self.account_sid, _plain(self.auth_token or "")

    def signing_tokens(self) -> list[str]:
        """The plain tokens that a webhook may be signed with. Raises WrongEncryptionKey."""
        return [_plain(token) for token in (self.auth_token, self.secondary_token) if token]

    def __repr__(self) -> str:
        return f"<Credential {self.account_sid}>"


def _plain(token: Secret | str) -> str:
    return token if isinstance(token, str) else token.reveal()


@dataclass(frozen=True, slots=True)
class Account:
    """What a provider says of an account whose credential is good.

    `may_list` is whether messages may be listed, without which a text whose answer was lost stays in doubt;
    None if the provider did not say. `senders` are the addresses that it may text from, with what people call
    them: None if it may not be known which, or there are more than were read.
    """

    name: str
    status: str
    may_list: bool | None
    senders: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says of one text: in its answer, in a receipt, or in its list.

    `status` is the provider's own word, `state` what it means to us.
    """

    sid: str
    status: str
    state: State
    error_code: int | None = None


class Wish(StrEnum):
    """What a person asks for by texting back."""

    STOP = "stop"
    START = "start"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text that somebody sent to one of our senders. `sender` is E.164."""

    sender: str
    body: str
    wish: Wish


class Provider(ABC):
    """One carrier's API.

    Subclasses turn every error of theirs into one of the three above; none of theirs leaves the package.
    """

    @abstractmethod
    def credential(self, profile: UserProfile | None, account_sid: str) -> Credential:
        """The account that carries the texts which were promised with it, of that owner, as it is now.

        Raises NoCredential."""

    @abstractmethod
    def credentials(self, account_sid: str) -> list[Credential]:
        """What is stored for an account that a webhook names: several, if users share it; none, if it is
        not ours."""

    @abstractmethod
    async def verify(self, credential: Credential) -> Account:
        """What the account is and holds, in VERIFY_SECONDS at most: somebody waits for it.

        Raises WrongCredential, or Unverified if the provider does not say."""

    @abstractmethod
    async def send(self, message: Claimed, credential: Credential) -> Report:
        """Hand a text over, once, before `write_before`. Raises NotAccepted, Rejected or Unconfirmed.

        It may wait for the answer for ever: whoever sends many bounds them all, which takes less than a timer
        for each."""

    @abstractmethod
    async def find(
        self, message: Message, credential: Credential, since: datetime, known_sids: set[str | None]
    ) -> Report | None:
        """What the provider holds that must be this message, created from `since` on and not among
        `known_sids`; None if there is nothing. Raises NotAccepted if the list could not be read whole."""

    @abstractmethod
    async def ask(self, message: Message, credential: Credential) -> Report:
        """What the provider says now of a message that it has. Raises NotAccepted if it does not say."""

    @abstractmethod
    def is_authentic(
        self, url: str, params: Mapping[str, str], signature: str, credential: Credential
    ) -> bool:
        """Whether a webhook to `url` was signed with the account's token."""

    @abstractmethod
    def receipt(self, params: Mapping[str, str]) -> Report:
        """What a status webhook says. Raises ValueError if it is no such thing."""

    @abstractmethod
    def inbound(self, params: Mapping[str, str]) -> Inbound:
        """What an inbound webhook says. Raises ValueError if it is no such thing."""

    @abstractmethod
    def warm(self) -> None:
        """Load what the first text would have to wait for."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections that are kept alive."""
