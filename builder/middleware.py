"""Requests of runtimes take the short way; those of people are known to the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from pghistory.middleware import HistoryMiddleware

# Per connection, for runtimes: a caller hears silence while one of these is answered.
RUNTIMES = "/c/"
# Only these are searched for them: looking through all addresses takes as long as reading the request.
URLS_OF_RUNTIMES = "campaigns.urls"
# What people change, they change here; a carrier's receipt is not to carry what only the history asks for.
PEOPLE = "/admin/"


class RuntimesFirst:
    """Answer runtimes without what is for browsers: sessions, log-ins, messages, CSRF, static files.

    They authenticate with a bearer secret and carry no cookie; all that takes a third of the time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(RUNTIMES):
            return self.get_response(request)
        try:
            match = resolve(request.path_info, URLS_OF_RUNTIMES)
        except Resolver404:
            return self.get_response(request)
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return response


class History(HistoryMiddleware):
    """Whoever is logged in is noted with all that the request changes of the configuration."""

    def __call__(self, request: HttpRequest) -> Any:
        if not request.path_info.startswith(PEOPLE):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[no-untyped-call]

    def get_context(self, request: HttpRequest) -> dict[str, Any]:
        # The name, too: it is to be read when there is no such user any more.
        return {"user": request.user.pk, "name": request.user.get_username()}
