"""The providers by name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from sms.models import ProviderName
from sms.providers.base import Provider

# Dotted, so that the web server does not load an SDK that only the worker needs.
_PROVIDERS = {
    ProviderName.TWILIO: "sms.providers.twilio.Twilio",
    ProviderName.ATLAS: "sms.providers.atlas.Atlas",
}


def get(name: str) -> Provider:
    """The provider of that name, one object a process: it keeps connections alive."""
    # str(): a member of ProviderName and its value are different keys to a cache.
    return _get(str(name))


@cache
def _get(name: str) -> Provider:
    module, _, attribute = _PROVIDERS[ProviderName(name)].rpartition(".")
    provider: Provider = getattr(import_module(module), attribute)()
    return provider
