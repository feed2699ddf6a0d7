"""Requests of people are known to the history."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from pghistory.middleware import HistoryMiddleware

# What people change, they change here; a carrier's receipt is not to carry what only the history asks for.
PEOPLE = "/admin/"


class History(HistoryMiddleware):
    """Whoever is logged in is noted with all that the request changes of the configuration."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(PEOPLE):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[no-untyped-call]

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        # The name, too: it is to be read when there is no such user any more.
        return {"user": request.user.pk, "name": request.user.get_username()}
