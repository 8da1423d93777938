"""The root of every error that BotFactory raises on purpose.

An error says three things: a stable `code` that programs test, a `public_message` that tells a
person what happened and what to do, and whether trying again may help. Packages keep their own
errors in an `errors.py` beside the code that raises them; `docs/errors.md` lists every code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class BotFactoryError(Exception):
    """Base of all typed errors.

    `subject` names what the error is about (an address, a file name, an id) for logs; it is never
    shown to visitors. `public_message` may be replaced per instance and must stay safe to show.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_message: ClassVar[str] = "Something went wrong on our side. Please try again."

    def __init__(
        self,
        public_message: str | None = None,
        *,
        subject: str = "",
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.public_message = public_message or self.default_message
        self.subject = subject
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.code}: {self.public_message}")


class InvalidInput(BotFactoryError):
    code = "invalid_input"
    status = 400
    default_message = "The request is not valid. Check the marked fields and send it again."


class NotAuthenticated(BotFactoryError):
    code = "not_authenticated"
    status = 401
    default_message = "Sign in, or send a valid API key as 'Authorization: Bearer bf_...'."


class PermissionDenied(BotFactoryError):
    code = "permission_denied"
    status = 403
    default_message = "Your role does not allow this. Ask an admin of the workspace."


class NotFound(BotFactoryError):
    code = "not_found"
    status = 404
    default_message = "There is nothing at this address, or it is not yours to see."


class MethodNotAllowed(BotFactoryError):
    code = "method_not_allowed"
    status = 405
    default_message = "This address does not accept that method."


class Conflict(BotFactoryError):
    code = "conflict"
    status = 409
    default_message = "That clashes with something that already exists or is still running."


class TooLarge(BotFactoryError):
    code = "too_large"
    status = 413
    default_message = "That is larger than this server accepts."


class RateLimited(BotFactoryError):
    code = "rate_limited"
    status = 429
    retryable = True
    default_message = "Too many requests. Wait a moment and try again."


class ServiceUnavailable(BotFactoryError):
    code = "service_unavailable"
    status = 503
    retryable = True
    default_message = "A part of the service is not reachable right now. Try again in a minute."


def error_body(error: BotFactoryError, *, request_id: str) -> dict[str, object]:
    """The one JSON shape of an error: `{"error": {"code", "message", "fields"?, "request_id"}}`."""
    body: dict[str, object] = {"code": error.code, "message": error.public_message}
    if error.fields:
        body["fields"] = error.fields
    body["request_id"] = request_id
    return {"error": body}
