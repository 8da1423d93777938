"""What every REST endpoint shares: the error shape and the page shape."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import exceptions, pagination, parsers
from rest_framework.response import Response

from botfactory import errors
from botfactory.errorpages import error_headers, json_error, request_id

AsyncView = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


class PageNumberPagination(pagination.PageNumberPagination):
    page_size_query_param = "page_size"
    max_page_size = 200


class JSONParser(parsers.JSONParser):
    """DRF's parser, for which a body nested 100,000 deep is an error and not a crash."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as exc:
            raise exceptions.ParseError from exc


class UnsupportedMediaType(errors.InvalidInput):
    code = "unsupported_media_type"
    status = 415
    default_message = (
        "Send JSON with 'Content-Type: application/json' (files: multipart/form-data)."
    )


def _flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as `{"field.sub": ["message", ...]}`."""
    if isinstance(detail, dict):
        flat: dict[str, list[str]] = {}
        for key, value in detail.items():
            flat.update(_flatten(value, f"{prefix}{key}."))
        return flat
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        flat = {}
        for index, item in enumerate(detail):
            flat.update(_flatten(item, f"{prefix}{index}."))
        return flat
    items = detail if isinstance(detail, list) else [detail]
    return {prefix.rstrip(".") or "non_field_errors": [str(item) for item in items]}


def as_typed_error(exc: Exception) -> errors.BotFactoryError | None:
    """The typed error for what DRF or Django raised, or None for a bug."""
    match exc:
        case errors.BotFactoryError():
            return exc
        case exceptions.ValidationError():
            return errors.InvalidInput(fields=_flatten(exc.detail))
        case exceptions.ParseError() | exceptions.UnsupportedMediaType():
            is_type = isinstance(exc, exceptions.UnsupportedMediaType)
            return (
                UnsupportedMediaType()
                if is_type
                else errors.InvalidInput("The body is not valid JSON.")
            )
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.NotAuthenticated()
        case exceptions.PermissionDenied() | DjangoPermissionDenied():
            return errors.PermissionDenied()
        case exceptions.MethodNotAllowed():
            return errors.MethodNotAllowed()
        case exceptions.Throttled():
            return errors.RateLimited(retry_after_s=getattr(exc, "wait", None))
        case Http404() | exceptions.NotFound():
            return errors.NotFound()
        case RequestDataTooBig():
            return errors.TooLarge()
    return None


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. Bugs return None, so Django logs them and answers 500."""
    error = as_typed_error(exc)
    if error is None:
        return None
    request = context["request"]
    headers = error_headers(error)
    body = errors.error_body(error, request_id=request_id(request._request))
    return Response(body, status=error.status, headers=headers)


def json_door(view: AsyncView) -> AsyncView:
    """For async doors beside DRF: typed errors leave in the same JSON shape."""

    @wraps(view)
    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return await view(request, *args, **kwargs)
        except (errors.BotFactoryError, exceptions.APIException, RequestDataTooBig) as exc:
            return json_error(request, as_typed_error(exc) or errors.InvalidInput())

    return guarded
