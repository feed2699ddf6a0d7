"""System checks of the environment, each with an id and what to do. `check --deploy` adds the strict ones."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks

# Keys that stand in specifications and manuals, and so in every attacker's list.
PUBLISHED_KEYS = {"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="}
# Of 32 random bytes, fewer than this are never different ones.
LEAST_DIFFERENT_BYTES = 16
LEAST_KEY_CHARACTERS = 32


@register(Tags.security)
def environment(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What settings.py noted while reading the environment."""
    return [
        Error(problem, hint=hint, id=check_id) for check_id, problem, hint in settings.ENVIRONMENT_PROBLEMS
    ]


@register(Tags.security, deploy=True)
def production(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What is right for a demo and wrong where customers' phones depend on it."""
    found: list[CheckMessage] = []
    if settings.DEMO:
        found.append(
            Error(
                "The embedded PostgreSQL and generated keys serve a demo, not production.",
                hint="Set DATABASE_URL, SECRET_KEY, FIELD_ENCRYPTION_KEY and PUBLIC_URL; see README.",
                id="midcall.E010",
            )
        )
    if settings.CELERY_BROKER_URL.startswith("folder:"):
        found.append(
            Warning(
                "Celery's broker is a folder on this machine.",
                hint="Set CELERY_BROKER_URL to Redis or RabbitMQ so that workers can run on other hosts.",
                id="midcall.W011",
            )
        )
    if not settings.PUBLIC_URL.startswith("https://"):
        found.append(
            Error(
                "PUBLIC_URL is not https: secrets and callbacks would travel in the clear.",
                hint="Put a proxy with TLS in front and set PUBLIC_URL to its https:// address.",
                id="midcall.E012",
            )
        )
    if any(_is_of_secret_key(key) for key in settings.FIELD_ENCRYPTION_KEY):
        found.append(
            Error(
                "SECRET_KEY and FIELD_ENCRYPTION_KEY are the same, or one is made from the other.",
                hint="Make one of them anew: whoever can sign a session must not read credentials.",
                id="midcall.E013",
            )
        )
    weak = [str(place) for place, key in enumerate(settings.FIELD_ENCRYPTION_KEY, 1) if _is_weak(key)]
    if weak:
        found.append(
            Error(
                f"FIELD_ENCRYPTION_KEY holds a key that can be guessed (number {', '.join(weak)}).",
                hint="`manage.py generate_encryption_key` makes one. Put it in front, run `manage.py "
                "rotate_keys`, and remove the weak one.",
                id="midcall.E016",
            )
        )
    if len(settings.FORGET_KEYS[0]) < LEAST_KEY_CHARACTERS:
        found.append(
            Error(
                "The key that forgotten numbers are hashed with is so short that it can be guessed.",
                hint=f"Put one of {LEAST_KEY_CHARACTERS} or more random characters in front in FORGET_KEY: "
                "who knows the key finds the number to a hash.",
                id="midcall.E021",
            )
        )
    if settings.TWILIO_API_URL.startswith("http://"):
        found.append(
            Warning(
                f"Texts go to {settings.TWILIO_API_URL}, not to Twilio.",
                hint="Unset TWILIO_API_URL, unless that is a proxy of yours.",
                id="midcall.W014",
            )
        )
    if settings.LEASE_SECONDS < 90 or settings.LATE_BOUND_SECONDS < 30:
        found.append(
            Warning(
                "LEASE_SECONDS or LATE_BOUND_SECONDS is so short that a slow text could be sent twice.",
                hint="Unset them; short ones are for tests.",
                id="midcall.W015",
            )
        )
    return found


def _is_of_secret_key(key: str) -> bool:
    secret, decoded = settings.SECRET_KEY.encode(), base64.urlsafe_b64decode(key)
    return key == settings.SECRET_KEY or decoded in (secret[:32], hashlib.sha256(secret).digest())


def _is_weak(key: str) -> bool:
    decoded = base64.urlsafe_b64decode(key)
    is_text = all(32 <= byte < 127 for byte in decoded)
    return key in PUBLISHED_KEYS or is_text or len(set(decoded)) < LEAST_DIFFERENT_BYTES


def refuse_to_serve_with_errors() -> None:
    """End the process, one line an error, if the environment is wrong."""
    errors = [message for message in run_checks(tags=[Tags.security]) if message.is_serious()]
    if errors:
        raise SystemExit("\n".join(f"{error.id}: {error.msg} {error.hint}" for error in errors))
