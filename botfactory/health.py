"""Liveness and readiness. Neither says more than a probe needs."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from botfactory.errors import BotFactoryError
from bots.answering import engine_health
from bots.knowledge import registry

PROBE_TIMEOUT_S = 2.0


@login_not_required
async def livez(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 when questions can be answered: database, vector store, and embedding model loaded."""
    checks = {
        "database": await _passes(_check_database),
        "vector_store": await _passes(_check_vector_store),
        "embedding_model": "ok" if registry.is_warm() else "loading",
        "engines": engine_health.summary(),
    }
    # A model still loading delays the first question by seconds; without an engine it is answered
    # by quotes. Neither loses it.
    ready = checks["database"] == checks["vector_store"] == "ok"
    body = {"status": "ok" if ready else "unavailable", "checks": checks}
    return JsonResponse(body, status=200 if ready else 503)


async def _passes(check: object) -> str:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await sync_to_async(check)()  # type: ignore[call-overload]
    except (BotFactoryError, DatabaseError, TimeoutError):
        return "failed"
    return "ok"


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_vector_store() -> None:
    registry.vector_store().ping()
