"""System checks of the environment, each with an id and what to do. `check --deploy` adds the strict ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register, run_checks


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
    if settings.SECRET_KEY in settings.FIELD_ENCRYPTION_KEY:
        found.append(
            Error(
                "SECRET_KEY and FIELD_ENCRYPTION_KEY are the same.",
                hint="Make one of them anew: whoever can sign a session must not read credentials.",
                id="midcall.E013",
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


def refuse_to_serve_with_errors() -> None:
    """End the process, one line an error, if the environment is wrong."""
    errors = [message for message in run_checks(tags=[Tags.security]) if message.is_serious()]
    if errors:
        raise SystemExit("\n".join(f"{error.id}: {error.msg} {error.hint}" for error in errors))
