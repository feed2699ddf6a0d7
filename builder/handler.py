"""How a request reaches Django: those of runtimes take the short way."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.log import log_response

from builder import patience
from builder.postgresql.base import of_this_thread

# Per connection, for runtimes: a caller hears silence while one of these is answered.
RUNTIMES = "/c/"
# Only these are searched for them: looking through all addresses takes as long as reading the request.
URLS_OF_RUNTIMES = "campaigns.urls"
ADDRESSES_KEPT = 4096
# No address is longer; of what strangers make up, each process would keep many megabytes.
ADDRESS_CHARACTERS = 255


class RuntimesFirst(WSGIHandler):
    """Answer runtimes without what is for browsers: sessions, log-ins, messages, CSRF, static files.

    They authenticate with a bearer secret and carry no cookie; all that, and Django's signals about it, takes
    a third of the time. A request that must come by TLS and did not, and one of no known address, goes
    Django's way and is answered there.
    """

    def __init__(self) -> None:
        super().__init__()
        self._answered = convert_exception_to_response(_answered)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        match = _match(environ)
        if match is None:
            return self._usual(environ, start_response)
        request = self.request_class(environ)
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            return self._usual(environ, start_response)
        request.resolver_match = match
        database = of_this_thread()
        patience.short(database, match.kwargs["connection"])
        if patience.left():
            # What Django does at the signal of a request, for the one connection that there is.
            database.close_if_unusable_or_obsolete()
        response: Any = self._answered(request)
        if response.status_code >= 400:
            log_response(
                "%s: %s",
                response.reason_phrase,
                request.path,
                response=response,
                request=request,
            )
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        # Closing it would send the signal after a request, too.
        return response if response.streaming else [response.content]

    def _usual(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        patience.usual(of_this_thread())
        return super().__call__(environ, start_response)


def _answered(request: HttpRequest) -> HttpResponseBase:
    match = request.resolver_match
    assert match is not None
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


def _match(environ: dict[str, Any]) -> ResolverMatch | None:
    path = environ.get("PATH_INFO", "")
    if not path.startswith(RUNTIMES) or len(path) > ADDRESS_CHARACTERS:
        return None
    try:
        # As WSGI has it: the bytes of the address, each as a character (PEP 3333).
        return _resolved(path.encode("latin-1").decode())
    except (Resolver404, UnicodeError):
        return None


@lru_cache(ADDRESSES_KEPT)
def _resolved(path: str) -> ResolverMatch:
    return resolve(path, URLS_OF_RUNTIMES)
