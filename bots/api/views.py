"""Bots and search over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from bots import selectors, services
from bots.access import bot_for_actor
from bots.answering import retriever
from bots.api.serializers import (
    BotSerializer,
    SearchRequestSerializer,
    SearchResponseSerializer,
)
from bots.knowledge.types import ScoredChunk
from bots.models import Bot

READ, WRITE, CHAT = ApiKey.Scope.READ, ApiKey.Scope.WRITE, ApiKey.Scope.CHAT


class BotList(generics.GenericAPIView[Bot]):
    serializer_class = BotSerializer

    @extend_schema(operation_id="bots_list", responses=BotSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The workspace's bots, newest first."""
        actor_of(request).require_scope(READ)
        page = self.paginate_queryset(selectors.bots_of_workspace(actor_of(request).workspace))
        return self.get_paginated_response(BotSerializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        """Create a bot."""
        actor_of(request).require_scope(WRITE)
        serializer = BotSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        bot = services.create_bot(actor=actor_of(request), **serializer.validated_data)
        return Response(BotSerializer(bot).data, status=201)


class BotDetail(generics.GenericAPIView[Bot]):
    serializer_class = BotSerializer

    def get(self, request: Request, bot_id: UUID) -> Response:
        """One bot."""
        actor_of(request).require_scope(READ)
        return Response(BotSerializer(bot_for_actor(actor_of(request), bot_id)).data)

    def patch(self, request: Request, bot_id: UUID) -> Response:
        """Change a bot for visitors at once; fields left out stay as they are.

        Changed settings become a new version. A draft stays a draft.
        """
        actor_of(request).require_scope(WRITE)
        bot = bot_for_actor(actor_of(request), bot_id, role=Role.EDITOR)
        serializer = BotSerializer(bot, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = services.update_bot(actor=actor_of(request), bot=bot, **serializer.validated_data)
        return Response(BotSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, bot_id: UUID) -> Response:
        """Delete a bot with its sources, points and conversations."""
        actor_of(request).require_scope(WRITE)
        bot = bot_for_actor(actor_of(request), bot_id, role=Role.EDITOR)
        services.delete_bot(actor=actor_of(request), bot=bot)
        return Response(status=204)


class BotSearch(APIView):
    @extend_schema(request=SearchRequestSerializer, responses=SearchResponseSerializer)
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Retrieval alone: the chunks a question would be answered from."""
        actor_of(request).require_scope(CHAT)
        bot = bot_for_actor(actor_of(request), bot_id)
        serializer = SearchRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        found = async_to_sync(retriever.search)(bot.pk, wanted["query"], limit=wanted["limit"])
        return Response({"results": [search_result(chunk) for chunk in found]})


def search_result(chunk: ScoredChunk) -> dict[str, Any]:
    """A found chunk as REST and the `search` command show it."""
    payload = chunk.payload
    return {
        "text": payload.text,
        "score": round(chunk.score, 4),
        "similarity": round(chunk.similarity, 4),
        "url": payload.url,
        "title": payload.title,
        "page": payload.page,
        "document_id": str(payload.document_id),
        "heading_path": list(payload.heading_path),
    }
