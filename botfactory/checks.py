"""System checks: what a start must refuse, with a sentence that says what to do."""

from __future__ import annotations

import shutil
import subprocess
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


@register()
def check_text_recognition(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Scans are read by a program that the operator installs."""
    wanted = set(settings.BOTFACTORY_OCR_LANGUAGES)
    if not wanted:
        return []
    program = shutil.which("tesseract")
    if program is None:
        return [
            Warning(
                "BOTFACTORY_OCR_LANGUAGES is set but tesseract is not installed: scans stay "
                "without text.",
                hint="Install tesseract (Debian: tesseract-ocr), or unset the variable.",
                id="botfactory.W003",
            )
        ]
    if missing := sorted(wanted - _tesseract_languages(program)):
        return [
            Warning(
                f"tesseract does not know these languages: {', '.join(missing)}.",
                hint="Install their data (Debian: tesseract-ocr-deu for deu), or take them out of "
                "BOTFACTORY_OCR_LANGUAGES.",
                id="botfactory.W004",
            )
        ]
    return []


def _tesseract_languages(program: str) -> set[str]:
    try:
        done = subprocess.run(  # noqa: S603  (the program on the operator's own path)
            [program, "--list-langs"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return set()
    # A heading comes first.
    return set(done.stdout.split("\n")[1:])
