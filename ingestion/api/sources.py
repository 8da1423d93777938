"""Sources over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from botfactory.accounts.access import Actor
from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from botfactory.api import JSONParser
from bots.access import bot_for_actor
from bots.models import Bot
from ingestion import selectors, services
from ingestion.access import source_of_bot
from ingestion.models import Source
from ingestion.selectors import Counts
from ingestion.services import Upload

MAX_TEXT_CHARS = 1_500_000


class CountsSerializer(serializers.Serializer[Any]):
    found = serializers.IntegerField()
    indexed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source with the counts of its latest run."""

    counts = CountsSerializer(read_only=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = Source
        fields = (
            "id",
            "kind",
            "name",
            "url",
            "status",
            "counts",
            "error",
            "created_at",
            "ready_at",
        )
        read_only_fields = fields

    def get_error(self, source: Source) -> dict[str, str] | None:
        if not source.error_code:
            return None
        return {"code": source.error_code, "message": source.error_message}


class NewSourceSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([Source.Kind.WEBSITE, Source.Kind.FILE, Source.Kind.TEXT])
    url = serializers.CharField(required=False, max_length=2000, allow_blank=True)
    max_pages = serializers.IntegerField(required=False, min_value=1)
    title = serializers.CharField(required=False, max_length=300)
    text = serializers.CharField(required=False, max_length=MAX_TEXT_CHARS)
    file = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {"website": "url", "text": "text", "file": "file"}[attrs["kind"]]
        if not attrs.get(needed):
            raise serializers.ValidationError({needed: ["This field is required."]})
        return attrs


class SourceList(generics.GenericAPIView[Source]):
    serializer_class = NewSourceSerializer
    parser_classes = (JSONParser, MultiPartParser)

    @extend_schema(operation_id="sources_list", responses=SourceSerializer(many=True))
    def get(self, request: Request, bot_id: UUID) -> Response:
        """The bot's sources, oldest first."""
        actor_of(request).require_scope(ApiKey.Scope.READ)
        sources = selectors.sources_of_bot(bot_for_actor(actor_of(request), bot_id))
        page = list(self.paginate_queryset(sources) or [])
        counts = selectors.counts_of_sources(page)
        rows = [_shown(source, counts[source.pk]) for source in page]
        return self.get_paginated_response(rows)

    @extend_schema(responses={201: SourceSerializer})
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Add a website, a text, or files (multipart, `kind=file`, `file` repeatable)."""
        actor_of(request).require_scope(ApiKey.Scope.WRITE)
        bot = bot_for_actor(actor_of(request), bot_id, role=Role.EDITOR)
        serializer = NewSourceSerializer(data=_with_files(request))
        serializer.is_valid(raise_exception=True)
        source = _add(actor_of(request), bot, serializer.validated_data)
        return Response(_shown(source, Counts()), status=201)


class SourceDetail(generics.GenericAPIView[Source]):
    serializer_class = SourceSerializer

    def get(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """One source with its status and counts."""
        actor_of(request).require_scope(ApiKey.Scope.READ)
        source = source_of_bot(bot_for_actor(actor_of(request), bot_id), source_id)
        return Response(_shown(source, selectors.counts_of_source(source)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Delete a source with its documents and points."""
        actor_of(request).require_scope(ApiKey.Scope.WRITE)
        bot = bot_for_actor(actor_of(request), bot_id, role=Role.EDITOR)
        services.delete_source(actor=actor_of(request), source=source_of_bot(bot, source_id))
        return Response(status=204)


def _with_files(request: Request) -> Any:
    """The posted fields; several `file` parts arrive as a list."""
    if not request.FILES:
        return request.data
    fields: dict[str, Any] = dict(request.POST.items())
    return fields | {"file": request.FILES.getlist("file")}


def _add(actor: Actor, bot: Bot, wanted: dict[str, Any]) -> Source:
    match wanted["kind"]:
        case Source.Kind.WEBSITE:
            return services.add_website(
                actor=actor, bot=bot, url=wanted["url"], max_pages=wanted.get("max_pages")
            )
        case Source.Kind.TEXT:
            return services.add_text(
                actor=actor,
                bot=bot,
                title=wanted.get("title", ""),
                text=wanted["text"],
                url=wanted.get("url", ""),
            )
    uploads = [Upload(file.name, file, file.size) for file in wanted["file"]]
    return services.add_files(actor=actor, bot=bot, uploads=uploads)


def _shown(source: Source, counts: Counts) -> dict[str, Any]:
    source.counts = counts  # type: ignore[attr-defined]
    return dict(SourceSerializer(source).data)
