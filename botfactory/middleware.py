"""The request chain. Streaming doors and probes skip the session half.

Django's own middleware hops to a thread on every request under ASGI. The doors that relay tokens
(visitor chat, API chat) and the probes use neither sessions nor cookies, so those classes are
wrapped to step aside for them: `SESSIONLESS_PREFIXES` is the list.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import common, csrf

from botfactory.errorpages import error_response
from botfactory.errors import BotFactoryError

logger = logging.getLogger(__name__)

SESSIONLESS_PREFIXES = (
    "/api/v1/",
    "/chat/",
    "/livez",
    "/readyz",
    "/v1/",
    "/widget.js",
    "/widget/assets/",
    "/widget/frame/",
    "/widget/v1/",
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

GetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def is_sessionless(path: str) -> bool:
    return path.startswith(SESSIONLESS_PREFIXES)


class _AsyncMiddleware:
    """Base of our own middleware: async only, no thread hop."""

    sync_capable = False
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)  # type: ignore[type-var]


class RequestIdMiddleware(_AsyncMiddleware):
    """Gives each request an id, in `request.request_id` and the `X-Request-ID` header."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offered = request.headers.get("X-Request-ID", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        started = time.monotonic()
        response = await self.get_response(request)
        response["X-Request-ID"] = request_id
        logger.debug(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "ms": round((time.monotonic() - started) * 1000),
                "request_id": request_id,
            },
        )
        return response


class SecurityHeadersMiddleware(_AsyncMiddleware):
    """Strict defaults; a view that needs another policy sets its own header first."""

    CONTENT_SECURITY_POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = await self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        if not request.path.startswith(("/widget", "/chat/")):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class TypedErrorMiddleware(_AsyncMiddleware):
    """Turns a typed error raised by a dashboard view into its page."""

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return await self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if isinstance(exception, BotFactoryError):
            return error_response(request, exception)
        return None


def _with_session(base: type[Any]) -> type[Any]:
    """`base`, made to step aside, without a thread hop, for sessionless paths."""

    class Wrapped(base):  # type: ignore[misc]
        async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
            if is_sessionless(request.path):
                return await self.get_response(request)  # type: ignore[no-any-return]
            return await super().__acall__(request)  # type: ignore[no-any-return]

    if hasattr(base, "process_view"):

        async def process_view(
            self: Any, request: HttpRequest, *args: Any
        ) -> HttpResponseBase | None:
            if is_sessionless(request.path):
                return None
            inherited = sync_to_async(base.process_view, thread_sensitive=True)
            return await inherited(self, request, *args)  # type: ignore[no-any-return]

        Wrapped.process_view = process_view
    Wrapped.__name__ = Wrapped.__qualname__ = base.__name__
    return Wrapped


SessionMiddleware = _with_session(sessions.SessionMiddleware)
CommonMiddleware = _with_session(common.CommonMiddleware)
CsrfViewMiddleware = _with_session(csrf.CsrfViewMiddleware)
AuthenticationMiddleware = _with_session(auth.AuthenticationMiddleware)
MessageMiddleware = _with_session(messages.MessageMiddleware)
LoginRequiredMiddleware = _with_session(auth.LoginRequiredMiddleware)
