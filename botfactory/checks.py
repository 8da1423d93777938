"""System checks: what a start must refuse, with a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def check_shared_parts(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Several processes need shared vectors and a shared queue."""
    messages: list[CheckMessage] = []
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if settings.REDIS_URL and not settings.QDRANT_URL:
        messages.append(
            Warning(
                "REDIS_URL is set but QDRANT_URL is not: the embedded vector engine belongs to "
                "one process.",
                hint="Set QDRANT_URL before starting Celery workers of their own.",
                id="botfactory.W001",
            )
        )
    if settings.QDRANT_URL and is_sqlite and settings.REDIS_URL:
        messages.append(
            Warning(
                "Workers of their own share SQLite with the server.",
                hint="Set DATABASE_URL to a PostgreSQL database.",
                id="botfactory.W002",
            )
        )
    if settings.DEBUG and settings.BOTFACTORY_PUBLIC_URL:
        messages.append(
            Error(
                "BOTFACTORY_DEBUG is on for a public address.",
                hint="Unset BOTFACTORY_DEBUG or BOTFACTORY_PUBLIC_URL.",
                id="botfactory.E001",
            )
        )
    return messages
