"""Documents and their chunks over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from bots.access import bot_for_actor
from ingestion import chunk_edits, documents
from ingestion.access import chunk_of_document, document_of_source, source_of_bot
from ingestion.documents import DocumentRow
from ingestion.models import Chunk, Document
from ingestion.searching import words_of

_QUERY = OpenApiParameter("q", str, description="Words that must all be there.")


class DocumentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    url = serializers.CharField()
    language = serializers.CharField()
    state = serializers.ChoiceField(["ready", "waiting", "failed"])
    error_code = serializers.CharField()
    chunks = serializers.IntegerField()
    edited_chunks = serializers.IntegerField()
    disabled_chunks = serializers.IntegerField()
    updated_at = serializers.DateTimeField()


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    """`text` is what the bot answers from, `original_text` what the document says."""

    text = serializers.CharField(source="shown_text")
    original_text = serializers.CharField(source="text")
    is_edited = serializers.SerializerMethodField()

    class Meta:
        model = Chunk
        fields = (
            "id",
            "ordinal",
            "heading_path",
            "page",
            "text",
            "original_text",
            "is_edited",
            "is_enabled",
            "edited_at",
        )
        read_only_fields = fields

    def get_is_edited(self, chunk: Chunk) -> bool:
        return bool(chunk.edited_text)


class ChunkChangeSerializer(serializers.Serializer[Any]):
    """`text` null restores the document's own."""

    text = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,  # so that the refusal says what to do instead
        trim_whitespace=False,
        max_length=chunk_edits.MAX_TEXT_CHARS,
    )
    is_enabled = serializers.BooleanField(required=False)


class DocumentList(generics.GenericAPIView[Document]):
    serializer_class = DocumentSerializer

    @extend_schema(
        operation_id="documents_list",
        parameters=[_QUERY],
        responses=DocumentSerializer(many=True),
    )
    def get(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """The source's documents by title; `q` searches titles and addresses."""
        actor_of(request).require_scope(ApiKey.Scope.READ)
        source = source_of_bot(bot_for_actor(actor_of(request), bot_id), source_id)
        words = words_of(request.query_params.get("q", ""))
        page = self.paginate_queryset(documents.documents_of_source(source, words=words))
        rows = documents.document_rows(page or [])
        return self.get_paginated_response([_shown(row) for row in rows])


class ChunkList(generics.GenericAPIView[Chunk]):
    serializer_class = ChunkSerializer

    @extend_schema(
        operation_id="chunks_list", parameters=[_QUERY], responses=ChunkSerializer(many=True)
    )
    def get(self, request: Request, bot_id: UUID, source_id: UUID, document_id: UUID) -> Response:
        """The document's chunks in reading order; `q` searches their text."""
        actor_of(request).require_scope(ApiKey.Scope.READ)
        source = source_of_bot(bot_for_actor(actor_of(request), bot_id), source_id)
        words = words_of(request.query_params.get("q", ""))
        document = document_of_source(source, document_id)
        page = self.paginate_queryset(documents.chunks_of_document(document, words=words))
        return self.get_paginated_response(ChunkSerializer(page, many=True).data)


class ChunkDetail(generics.GenericAPIView[Chunk]):
    serializer_class = ChunkSerializer

    @extend_schema(request=ChunkChangeSerializer, responses=ChunkSerializer)
    def patch(
        self,
        request: Request,
        bot_id: UUID,
        source_id: UUID,
        document_id: UUID,
        chunk_id: UUID,
    ) -> Response:
        """Edit a chunk (`text` null restores the original), disable or enable it."""
        actor = actor_of(request)
        actor.require_scope(ApiKey.Scope.WRITE)
        source = source_of_bot(bot_for_actor(actor, bot_id, role=Role.EDITOR), source_id)
        chunk = chunk_of_document(document_of_source(source, document_id), chunk_id)
        serializer = ChunkChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        with transaction.atomic():
            if "is_enabled" in wanted:
                chunk_edits.set_chunk_enabled(
                    actor=actor, chunk=chunk, is_enabled=wanted["is_enabled"]
                )
            if "text" in wanted and wanted["text"] is None:
                chunk_edits.restore_chunk(actor=actor, chunk=chunk)
            elif "text" in wanted:
                chunk_edits.edit_chunk(actor=actor, chunk=chunk, text=wanted["text"])
        return Response(ChunkSerializer(chunk).data)


def _shown(row: DocumentRow) -> dict[str, Any]:
    document = row.document
    fields = {
        "id": document.pk,
        "title": document.title,
        "url": document.url,
        "language": document.language,
        "state": row.state,
        "error_code": document.error_code,
        "chunks": row.n_chunks,
        "edited_chunks": row.n_edited,
        "disabled_chunks": row.n_disabled,
        "updated_at": document.updated_at,
    }
    return dict(DocumentSerializer(fields).data)
