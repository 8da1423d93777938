"""What drf-spectacular cannot discover by itself: the key scheme, and the async chat door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bots.api.serializers import ChatRequestSerializer, ChatResponseSerializer

Endpoint = tuple[str, str, str, Callable[..., Any]]
CHAT_PATH = "/api/v1/bots/{bot_id}/chat/"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "botfactory.accounts.api_auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, bf_..."}


class ChatDoor(APIView):
    """Describes `bots.api.chat.chat`, which is a plain async view; never routed."""

    @extend_schema(
        operation_id="bots_chat",
        parameters=[OpenApiParameter("bot_id", UUID, OpenApiParameter.PATH)],
        request=ChatRequestSerializer,
        responses={
            (200, "application/json"): ChatResponseSerializer,
            (200, "text/event-stream"): OpenApiResponse(
                OpenApiTypes.STR, 'With `"stream": true`: the events of docs/api.md.'
            ),
        },
    )
    def post(self, request: Request, bot_id: str) -> Response:
        """Ask a bot; the answer comes whole, or as Server-Sent Events."""
        raise AssertionError("only described here")


def add_chat_door(endpoints: list[Endpoint]) -> list[Endpoint]:
    """drf-spectacular's preprocessing hook."""
    return [*endpoints, (CHAT_PATH, CHAT_PATH, "POST", ChatDoor.as_view())]
