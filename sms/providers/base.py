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
from sms.models import Message, State

# Until when a text may be written to a socket (time.monotonic() seconds). A process that was frozen past it
# must not: its text may have been looked up, not found, and handed over by another meanwhile.
write_before: ContextVar[float] = ContextVar("write_before", default=math.inf)


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


class Unconfirmed(Exception):
    """The provider may or may not have taken the text: it is never handed over again on a guess."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Credential:
    """An account at a provider. Tokens stay sealed until the moment of use.

    While a token is rotated, webhooks may be signed with the secondary one.
    """

    account_sid: str
    auth_token: Secret | str
    secondary_token: Secret | str | None = None

    def token(self) -> str:
        """The plain token to send with. Raises WrongEncryptionKey."""
        return _plain(self.auth_token)

    def signing_tokens(self) -> list[str]:
        """The plain tokens that a webhook may be signed with. Raises WrongEncryptionKey."""
        return [_plain(token) for token in (self.auth_token, self.secondary_token) if token]

    def __repr__(self) -> str:
        return f"<Credential {self.account_sid}>"


def _plain(token: Secret | str) -> str:
    return token if isinstance(token, str) else token.reveal()


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
    def credential(self, message: Message) -> Credential:
        """The account that carries a message, as it is now. Raises NoCredential."""

    @abstractmethod
    def credentials(self, account_sid: str) -> list[Credential]:
        """What is stored for an account that a webhook names: several, if users share it; none, if it is
        not ours."""

    @abstractmethod
    async def send(self, message: Message, credential: Credential) -> Report:
        """Hand a text over, once. Raises NotAccepted, Rejected or Unconfirmed."""

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
