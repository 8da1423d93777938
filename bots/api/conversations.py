"""Conversations over REST: reading them, stopping an answer, how an answer came about."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey
from botfactory.errors import NotFound
from bots import selectors, transcripts
from bots.access import bot_for_actor, conversation_of_bot, message_of_conversation
from bots.answering.stopping import request_stop
from bots.api.serializers import (
    ConversationDetailSerializer,
    ConversationSerializer,
    StopResponseSerializer,
    TraceSerializer,
)
from bots.models import AnswerTrace, Conversation

READ, CHAT = ApiKey.Scope.READ, ApiKey.Scope.CHAT
_FILTERS = [
    OpenApiParameter("q", OpenApiTypes.STR, description="Part of a question or an answer."),
    OpenApiParameter("channel", OpenApiTypes.STR, description="One channel; else no previews."),
    OpenApiParameter("state", OpenApiTypes.STR, description="State of the last answer."),
    OpenApiParameter("since", OpenApiTypes.DATE, description="Active on this day or later."),
    OpenApiParameter("until", OpenApiTypes.DATE, description="Active on this day or before."),
]


class ConversationList(generics.GenericAPIView[Conversation]):
    serializer_class = ConversationSerializer

    @extend_schema(
        operation_id="conversations_list",
        parameters=_FILTERS,
        responses=ConversationSerializer(many=True),
    )
    def get(self, request: Request, bot_id: UUID) -> Response:
        """A bot's conversations, the latest first."""
        actor_of(request).require_scope(READ)
        bot = bot_for_actor(actor_of(request), bot_id)
        found = transcripts.conversation_list(bot, transcripts.filters_of(request.query_params))
        page = self.paginate_queryset(found)
        return self.get_paginated_response(ConversationSerializer(page, many=True).data)


class ConversationDetail(APIView):
    @extend_schema(responses=ConversationDetailSerializer)
    def get(self, request: Request, bot_id: UUID, conversation_id: UUID) -> Response:
        """One conversation with all its messages, earlier attempts at answers included."""
        actor_of(request).require_scope(READ)
        bot = bot_for_actor(actor_of(request), bot_id)
        found = transcripts.with_counts(conversation_of_bot(bot, conversation_id))
        found.all_messages = list(selectors.all_messages_of(found))  # type: ignore[attr-defined]
        return Response(ConversationDetailSerializer(found).data)


class ConversationStop(APIView):
    @extend_schema(request=None, responses=StopResponseSerializer)
    def post(self, request: Request, bot_id: UUID, conversation_id: UUID) -> Response:
        """Stop the answer that is being written; what is written of it is kept."""
        actor_of(request).require_scope(CHAT)
        bot = bot_for_actor(actor_of(request), bot_id)
        is_stopping = request_stop(conversation_of_bot(bot, conversation_id))
        return Response({"is_stopping": is_stopping})


class MessageTrace(APIView):
    @extend_schema(responses=TraceSerializer)
    def get(
        self, request: Request, bot_id: UUID, conversation_id: UUID, message_id: UUID
    ) -> Response:
        """How an answer came about. 404 also where its trace was not kept, or not kept so long."""
        actor_of(request).require_scope(READ)
        bot = bot_for_actor(actor_of(request), bot_id)
        conversation = conversation_of_bot(bot, conversation_id)
        message = message_of_conversation(conversation, message_id)
        trace = AnswerTrace.objects.filter(message=message).first()
        if trace is None:
            raise NotFound("No trace of this message is kept.", subject=str(message_id))
        return Response(
            {
                "message_id": message.pk,
                "answered_by": message.answered_by,
                "engine": message.engine,
                "state": message.state,
                "usage": message.usage,
                "timings_ms": message.timings_ms,
                "trace": trace.data,
            }
        )
