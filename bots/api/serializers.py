from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bots.errors import MAX_QUESTION_CHARS
from bots.models import Bot, Conversation, Message

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
    text = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    text = serializers.CharField()
    state = serializers.ChoiceField(Message.State.choices)
    citations = CitationSerializer(many=True)


class ChatResponseSerializer(serializers.Serializer[Any]):
    conversation_id = serializers.UUIDField()
    question_id = serializers.UUIDField()
    message = AnswerSerializer()


class AgainRequestSerializer(serializers.Serializer[Any]):
    stream = serializers.BooleanField(default=False)


class ForkRequestSerializer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField(help_text="The question that is asked differently.")
    message = serializers.CharField(
        allow_blank=True, help_text=f"1 to {MAX_QUESTION_CHARS:,} characters."
    )
    stream = serializers.BooleanField(default=False)


class StopResponseSerializer(serializers.Serializer[Any]):
    is_stopping = serializers.BooleanField(help_text="False where nothing was being written.")


class StoredCitationSerializer(CitationSerializer):
    document_id = serializers.UUIDField()
    chunk_id = serializers.UUIDField()


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A question or an answer. `is_current` is false for attempts that were given again."""

    citations = StoredCitationSerializer(many=True)

    class Meta:
        model = Message
        fields = (
            "id",
            "role",
            "ordinal",
            "attempt",
            "is_current",
            "state",
            "text",
            "citations",
            "answered_by",
            "engine",
            "error_code",
            "follow_ups",
            "usage",
            "timings_ms",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    n_questions = serializers.IntegerField()
    first_question = serializers.CharField(allow_null=True)
    last_state = serializers.ChoiceField(Message.State.choices, allow_null=True)

    class Meta:
        model = Conversation
        fields = (
            "id",
            "channel",
            "forked_from",
            "n_questions",
            "first_question",
            "last_state",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ConversationDetailSerializer(ConversationSerializer):
    messages = MessageSerializer(many=True, source="all_messages")

    class Meta:
        model = Conversation
        fields = (*ConversationSerializer.Meta.fields, "messages")
        read_only_fields = fields


class TraceSerializer(serializers.Serializer[Any]):
    """How an answer came about; what `data` holds is in docs/api.md."""

    message_id = serializers.UUIDField()
    answered_by = serializers.CharField()
    engine = serializers.CharField()
    state = serializers.CharField()
    usage = serializers.DictField()
    timings_ms = serializers.DictField()
    trace = serializers.DictField()
