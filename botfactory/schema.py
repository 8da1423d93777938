"""What drf-spectacular cannot discover: the key scheme, and the async doors that answer."""

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

from bots.api.serializers import (
    AgainRequestSerializer,
    ChatRequestSerializer,
    ChatResponseSerializer,
    ForkRequestSerializer,
)
from bots.client_keys import HEADER

Endpoint = tuple[str, str, str, Callable[..., Any]]
CHAT_PATH = "/api/v1/bots/{bot_id}/chat/"
CONVERSATION_PATH = "/api/v1/bots/{bot_id}/conversations/{conversation_id}/"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "botfactory.accounts.api_auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, bf_..."}


_BOT_ID = OpenApiParameter("bot_id", UUID, OpenApiParameter.PATH)
_CONVERSATION_ID = OpenApiParameter("conversation_id", UUID, OpenApiParameter.PATH)
_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="A message sent again with its key is answered once.",
)
_ANSWERS = {
    (200, "application/json"): ChatResponseSerializer,
    (200, "text/event-stream"): OpenApiResponse(
        OpenApiTypes.STR, 'With `"stream": true`: the events of docs/api.md.'
    ),
}


class ChatDoor(APIView):
    """Describes `bots.api.chat.chat`, which is a plain async view; never routed."""

    @extend_schema(
        operation_id="bots_chat",
        parameters=[_BOT_ID, _KEY],
        request=ChatRequestSerializer,
        responses=_ANSWERS,
    )
    def post(self, request: Request, bot_id: str) -> Response:
        """Ask a bot; the answer comes whole, or as Server-Sent Events."""
        raise AssertionError("only described here")


class RegenerateDoor(APIView):
    """Describes `bots.api.chat.regenerate`."""

    @extend_schema(
        operation_id="conversations_regenerate",
        parameters=[_BOT_ID, _CONVERSATION_ID],
        request=AgainRequestSerializer,
        responses=_ANSWERS,
    )
    def post(self, request: Request, bot_id: str, conversation_id: str) -> Response:
        """Answer the last question once more; earlier attempts are kept for the owner."""
        raise AssertionError("only described here")


class ForkDoor(APIView):
    """Describes `bots.api.chat.fork`."""

    @extend_schema(
        operation_id="conversations_fork",
        parameters=[_BOT_ID, _CONVERSATION_ID],
        request=ForkRequestSerializer,
        responses=_ANSWERS,
    )
    def post(self, request: Request, bot_id: str, conversation_id: str) -> Response:
        """Ask another question in the place of an earlier one, in a new conversation."""
        raise AssertionError("only described here")


_DOORS = {
    CHAT_PATH: ChatDoor,
    f"{CONVERSATION_PATH}regenerate/": RegenerateDoor,
    f"{CONVERSATION_PATH}fork/": ForkDoor,
}


def add_chat_doors(endpoints: list[Endpoint]) -> list[Endpoint]:
    """drf-spectacular's preprocessing hook."""
    return [*endpoints, *((path, path, "POST", door.as_view()) for path, door in _DOORS.items())]
