"""What the clients of MCP have in common: the headers that name a call, and how their errors read."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any, ClassVar

from tests.vendors.scripts.runtime import Asked, Heard, Runtime

UNAUTHORIZED = 401
# Of the answer's body, which is all that some clients show.
ITS_WORDS = "Send this connection's secret"


class McpClient(Runtime):
    """A client that opens the endpoint once a call, and calls as many tools at once as its model asks for."""

    knows_replays: ClassVar[bool] = False

    @abstractmethod
    async def names(self, url: str, headers: dict[str, str]) -> list[str]:
        """The tools that it finds."""

    @abstractmethod
    async def called(self, url: str, headers: dict[str, str], asked: tuple[Asked, ...]) -> list[Heard]:
        """What it hears of calls that it makes at once."""

    @property
    def endpoint(self) -> str:
        return self.url("mcp")

    def listed(self) -> list[str]:
        return asyncio.run(self.names(self.endpoint, self.headers(self.site.secret)))

    def fire(self, *asked: Asked, at: float, key: str, secret: str) -> list[Heard]:
        headers = self.headers(secret, asked[0])
        try:
            return asyncio.run(self.called(self.endpoint, headers, asked))
        except BaseException as error:
            if not is_unauthorized(error):
                raise
            return [Heard(UNAUTHORIZED, "", False)] * len(asked)

    def headers(self, secret: str, asked: Asked | None = None) -> dict[str, str]:
        call = {"X-Call-Id": asked.call, "X-Caller-Number": asked.caller} if asked else {}
        return {**self.bearer(secret), **call}


def is_unauthorized(error: BaseException | None) -> bool:
    """Whether a client gave up because the endpoint did not know it, however deep that stands."""
    if error is None:
        return False
    if isinstance(error, BaseExceptionGroup):
        return any(is_unauthorized(inner) for inner in error.exceptions)
    response: Any = getattr(error, "response", None)
    if getattr(response, "status_code", None) == UNAUTHORIZED or ITS_WORDS in str(error):
        return True
    return is_unauthorized(error.__cause__ or error.__context__)


def result(text: str, structured: Any, is_error: bool) -> Heard:
    """What a result says to the model, which has to be what its structure says."""
    assert structured is None or structured["say"] == text, (text, structured)
    worked = not is_error and (structured is None or structured["status"] in ("accepted", "done"))
    return Heard(200, text, worked, (structured or {}).get("code", ""))
