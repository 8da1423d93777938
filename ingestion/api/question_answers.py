"""Question-answers over REST."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from bots.access import bot_for_actor
from bots.models import QuestionAnswer
from ingestion import question_answer_files, question_answers
from ingestion.access import question_answer_of_bot
from ingestion.searching import words_of

READ, WRITE = ApiKey.Scope.READ, ApiKey.Scope.WRITE


class QuestionAnswerSerializer(serializers.ModelSerializer[QuestionAnswer]):
    """`url` is where visitors can read more; citations point there."""

    # The service judges the lengths: it says more than that something is too long.
    question = serializers.CharField()
    answer = serializers.CharField()

    class Meta:
        model = QuestionAnswer
        fields = ("id", "question", "answer", "url", "is_enabled", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class RefusalSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    reason = serializers.CharField()


class ImportReportSerializer(serializers.Serializer[Any]):
    """How many rows were added, updated, or known already; and those that were not taken."""

    added = serializers.IntegerField(source="n_added")
    updated = serializers.IntegerField(source="n_updated")
    unchanged = serializers.IntegerField(source="n_unchanged")
    refused = RefusalSerializer(many=True)


class QuestionAnswerList(generics.GenericAPIView[QuestionAnswer]):
    serializer_class = QuestionAnswerSerializer

    @extend_schema(
        operation_id="question_answers_list",
        parameters=[OpenApiParameter("q", str, description="Words that must all be there.")],
        responses=QuestionAnswerSerializer(many=True),
    )
    def get(self, request: Request, bot_id: UUID) -> Response:
        """The bot's question-answers, newest first; `q` searches both."""
        actor_of(request).require_scope(READ)
        bot = bot_for_actor(actor_of(request), bot_id)
        words = words_of(request.query_params.get("q", ""))
        pairs = question_answers.question_answers_of_bot(bot, words=words)
        page = self.paginate_queryset(pairs)
        return self.get_paginated_response(QuestionAnswerSerializer(page, many=True).data)

    @extend_schema(responses={201: QuestionAnswerSerializer})
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Add a question-answer; the bot answers from it in a moment."""
        actor = actor_of(request)
        actor.require_scope(WRITE)
        bot = bot_for_actor(actor, bot_id, role=Role.EDITOR)
        serializer = QuestionAnswerSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        pair = question_answers.add_question_answer(
            actor=actor, bot=bot, **serializer.validated_data
        )
        return Response(QuestionAnswerSerializer(pair).data, status=201)


class QuestionAnswerDetail(generics.GenericAPIView[QuestionAnswer]):
    serializer_class = QuestionAnswerSerializer

    def get(self, request: Request, bot_id: UUID, question_answer_id: UUID) -> Response:
        """One question-answer."""
        actor_of(request).require_scope(READ)
        bot = bot_for_actor(actor_of(request), bot_id)
        pair = question_answer_of_bot(bot, question_answer_id)
        return Response(QuestionAnswerSerializer(pair).data)

    def patch(self, request: Request, bot_id: UUID, question_answer_id: UUID) -> Response:
        """Change a question-answer; fields left out stay as they are."""
        actor = actor_of(request)
        actor.require_scope(WRITE)
        bot = bot_for_actor(actor, bot_id, role=Role.EDITOR)
        pair = question_answer_of_bot(bot, question_answer_id)
        serializer = QuestionAnswerSerializer(pair, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        question_answers.update_question_answer(
            actor=actor, question_answer=pair, changes=serializer.validated_data
        )
        return Response(QuestionAnswerSerializer(pair).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, bot_id: UUID, question_answer_id: UUID) -> Response:
        """Delete a question-answer."""
        actor = actor_of(request)
        actor.require_scope(WRITE)
        bot = bot_for_actor(actor, bot_id, role=Role.EDITOR)
        pair = question_answer_of_bot(bot, question_answer_id)
        question_answers.delete_question_answer(actor=actor, question_answer=pair)
        return Response(status=204)


class QuestionAnswerImport(generics.GenericAPIView[QuestionAnswer]):
    serializer_class = UploadSerializer
    parser_classes = (MultiPartParser,)

    @extend_schema(responses=ImportReportSerializer)
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Add the rows of a CSV file; a question that is known gets its new answer."""
        actor = actor_of(request)
        actor.require_scope(WRITE)
        bot = bot_for_actor(actor, bot_id, role=Role.EDITOR)
        serializer = UploadSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        rows = question_answer_files.read_rows(serializer.validated_data["file"].read())
        report = question_answers.import_rows(actor=actor, bot=bot, rows=rows)
        return Response(ImportReportSerializer(asdict(report)).data)
