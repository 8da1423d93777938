from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from bots.answering.citation_links import link_for
from bots.bot_settings import (
    MAX_STARTER_QUESTION_CHARS,
    MAX_STARTER_QUESTIONS,
    VERSIONED_FIELDS,
)
from bots.errors import MAX_QUESTION_CHARS
from bots.languages import LANGUAGE_CHOICES
from bots.models import Bot, Citation, Conversation, Message

MAX_SEARCH_LIMIT = 50


class EngineIdField(serializers.UUIDField):
    """The id of an engine, or null for any. Whether the workspace has it, the service says."""

    def get_attribute(self, instance: Any) -> UUID | None:
        engine_id: UUID | None = instance.engine_id
        return engine_id


class SettingsSerializer(serializers.ModelSerializer[Bot]):
    """The settings that are drafted, published and kept as versions."""

    answer_language = serializers.ChoiceField(
        LANGUAGE_CHOICES,
        required=False,
        allow_blank=True,
        help_text="A language tag; empty: the language of the question.",
    )
    engine = EngineIdField(
        required=False, allow_null=True, help_text="The id of an engine; null: any engine."
    )
    starter_questions = serializers.ListField(
        child=serializers.CharField(max_length=MAX_STARTER_QUESTION_CHARS),
        required=False,
        max_length=MAX_STARTER_QUESTIONS,
    )

    class Meta:
        model = Bot
        fields: tuple[str, ...] = tuple(VERSIONED_FIELDS)


class BotSerializer(SettingsSerializer):
    """A bot; `allowed_sites` are origins such as `https://example.com`."""

    allowed_sites = serializers.ListField(
        child=serializers.CharField(max_length=300), required=False, max_length=50
    )
    has_draft = serializers.SerializerMethodField()

    class Meta:
        model = Bot
        fields = (
            "id",
            *SettingsSerializer.Meta.fields,
            "allowed_sites",
            "is_shared",
            "version",
            "has_draft",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("id", "version", "created_at", "updated_at")

    def get_has_draft(self, bot: Bot) -> bool:
        return bool(bot.draft)


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
    link = serializers.SerializerMethodField()  # type: ignore[assignment]
    document_id = serializers.UUIDField()
    chunk_id = serializers.UUIDField()

    def get_link(self, citation: Citation) -> str:
        return link_for(citation.url, citation.page, citation.text)


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
        fields: tuple[str, ...] = (
            "id",
            "channel",
            "forked_from",
            "n_questions",
            "first_question",
            "last_state",
            "created_at",
            "updated_at",
        )
        read_only_fields: tuple[str, ...] = fields


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
