from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bots.errors import MAX_QUESTION_CHARS
from bots.models import Bot

MAX_SEARCH_LIMIT = 50


class BotSerializer(serializers.ModelSerializer[Bot]):
    """A bot; `allowed_sites` are origins such as `https://example.com`."""

    allowed_sites = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, max_length=50
    )

    class Meta:
        model = Bot
        fields = (
            "id",
            "name",
            "instructions",
            "greeting",
            "refusal_text",
            "relevance_floor",
            "color",
            "allowed_sites",
            "is_shared",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "created_at", "updated_at")


class SearchRequestSerializer(serializers.Serializer[Any]):
    query = serializers.CharField(max_length=MAX_QUESTION_CHARS)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_SEARCH_LIMIT, default=8)


class SearchResultSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    score = serializers.FloatField(help_text="Fused score; orders this list.")
    similarity = serializers.FloatField(help_text="Cosine of query and chunk.")
    url = serializers.CharField()
    title = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    document_id = serializers.UUIDField()
    heading_path = serializers.ListField(child=serializers.CharField())


class SearchResponseSerializer(serializers.Serializer[Any]):
    results = SearchResultSerializer(many=True)


class ChatRequestSerializer(serializers.Serializer[Any]):
    # Empty and too long messages have codes of their own, which every door gets from one place
    # (`bots.answering.pipeline.check_question`).
    message = serializers.CharField(
        allow_blank=True, help_text=f"1 to {MAX_QUESTION_CHARS:,} characters."
    )
    conversation_id = serializers.UUIDField(required=False)
    stream = serializers.BooleanField(default=False)


class CitationSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    title = serializers.CharField()
    url = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    link = serializers.CharField(
        help_text="Opens the passage: the page scrolled to it, or the page of a PDF. Empty for "
        "what no browser can open."
    )
    text = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    text = serializers.CharField()
    state = serializers.ChoiceField(["complete", "refused", "failed", "interrupted", "stopped"])
    citations = CitationSerializer(many=True)


class ChatResponseSerializer(serializers.Serializer[Any]):
    conversation_id = serializers.UUIDField()
    message = AnswerSerializer()
