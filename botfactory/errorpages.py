"""How an error reaches a person or a program: HTML pages for browsers, the JSON shape elsewhere."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from botfactory.errors import BotFactoryError, InvalidInput, NotFound, PermissionDenied, error_body

_JSON_PREFIXES = ("/api/", "/v1/", "/widget/v1/")


class CsrfFailed(PermissionDenied):
    code = "csrf_failed"
    default_message = (
        "Your session changed while this page was open. Reload the page and try again."
    )


class Unexpected(BotFactoryError):
    """A bug of ours: logged with its traceback, shown without one."""

    status: ClassVar[int] = 500


def wants_json(request: HttpRequest) -> bool:
    return request.path.startswith(_JSON_PREFIXES)


def request_id(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")


def error_headers(error: BotFactoryError) -> dict[str, str]:
    """`Retry-After` where waiting helps, `WWW-Authenticate` where a key is missing."""
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if error.retry_after_s is not None:
        return {"Retry-After": str(max(1, round(error.retry_after_s)))}
    return {"Retry-After": "5"} if error.status in (429, 503) else {}


def json_error(request: HttpRequest, error: BotFactoryError) -> JsonResponse:
    """`error` in the one JSON shape."""
    body = error_body(error, request_id=request_id(request))
    return JsonResponse(body, status=error.status, headers=error_headers(error))


def error_response(request: HttpRequest, error: BotFactoryError) -> HttpResponse:
    if wants_json(request):
        return json_error(request, error)
    # Without the request: a page about a broken database must not ask the database.
    page = render_to_string("error.html", {"error": error, "request_id": request_id(request)})
    return HttpResponse(page, status=error.status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, InvalidInput())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, PermissionDenied())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_response(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    return error_response(request, Unexpected())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_response(request, CsrfFailed())
