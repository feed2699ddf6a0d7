"""The providers by name."""

from __future__ import annotations

from importlib import import_module
from threading import Lock

from sms.models import ProviderName
from sms.providers.base import Provider

# Dotted, so that the web server does not load an SDK that only the worker needs.
_PROVIDERS = {
    ProviderName.TWILIO: "sms.providers.twilio.Twilio",
    ProviderName.ATLAS: "sms.providers.atlas.Atlas",
}


_made: dict[str, Provider] = {}
_making = Lock()


def forget() -> None:
    """Forget the providers of a parent process, whose connections are not this one's."""
    global _making
    _making = Lock()
    _made.clear()


def get(name: str) -> Provider:
    """The provider of that name, one object a process: it keeps connections alive."""
    with _making:
        if name not in _made:
            module, _, attribute = _PROVIDERS[ProviderName(name)].rpartition(".")
            _made[name] = getattr(import_module(module), attribute)()
        return _made[name]
