"""What a provider must do, and the ways in which it can fail, named by their consequence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sms.fields import Secret
from sms.models import Message, State


class NotAccepted(Exception):
    """The provider surely did not take the text: it may be handed over again after `delay`."""

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class Rejected(Exception):
    """The provider never will take the text. `code` is the provider's own, `reason` in plain words."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Unconfirmed(Exception):
    """The provider may or may not have taken the text: it is never handed over again on a guess."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Credential:
    """An account at a provider. The token stays sealed until the moment of use."""

    account_sid: str
    auth_token: Secret | str

    def token(self) -> str:
        """The plain token. Raises WrongEncryptionKey."""
        return self.auth_token if isinstance(self.auth_token, str) else self.auth_token.reveal()

    def __repr__(self) -> str:
        return f"<Credential {self.account_sid}>"


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says of one text: in its answer, in a receipt, or in its list.

    `status` is the provider's own word, `state` what it means to us.
    """

    sid: str
    status: str
    state: State
    error_code: int | None = None
    reason: str = ""


class Provider(ABC):
    """One carrier's API.

    Subclasses turn every error of theirs into one of the three above; none of theirs leaves the package.
    """

    @abstractmethod
    def credential(self, message: Message) -> Credential:
        """The account that carries a message, as it is now. Raises Rejected if it is gone."""

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
    def is_authentic(
        self, url: str, params: Mapping[str, str], signature: str, credential: Credential
    ) -> bool:
        """Whether a webhook to `url` was signed with the account's token."""

    @abstractmethod
    def receipt(self, params: Mapping[str, str]) -> Report:
        """What a status webhook says. Raises ValueError if it is no such thing."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections that are kept alive."""
