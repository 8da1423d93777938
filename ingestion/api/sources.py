"""Sources over REST."""

from __future__ import annotations

from dataclasses import replace
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
from ingestion.api.access import editable_source, readable_source
from ingestion.api.representations import (
    SETTINGS,
    SourceSerializer,
    shown_source,
    shown_sources,
)
from ingestion.models import Source
from ingestion.scoping import (
    MAX_DEPTH_LIMIT,
    MAX_PAGES_LIMIT,
    SourceSettings,
    default_settings,
    settings_of,
    update_source,
)
from ingestion.services import Upload

MAX_TEXT_CHARS = 1_500_000
MAX_PATTERNS = 100
KINDS = [Source.Kind.WEBSITE, Source.Kind.FILE, Source.Kind.TEXT, Source.Kind.REPOSITORY]


def _pattern() -> serializers.CharField:
    return serializers.CharField(max_length=500)


class SettingsSerializer(serializers.Serializer[Any]):
    """How a source is read. What is left out stays as it is, or as it is by default."""

    max_pages = serializers.IntegerField(required=False, min_value=1, max_value=MAX_PAGES_LIMIT)
    max_depth = serializers.IntegerField(required=False, min_value=0, max_value=MAX_DEPTH_LIMIT)
    include = serializers.ListField(child=_pattern(), required=False, max_length=MAX_PATTERNS)
    exclude = serializers.ListField(child=_pattern(), required=False, max_length=MAX_PATTERNS)
    path_prefix = serializers.CharField(required=False, allow_blank=True, max_length=500)
    with_subdomains = serializers.BooleanField(required=False)
    render_javascript = serializers.BooleanField(required=False)
    refresh = serializers.ChoiceField(
        Source.Refresh.choices,
        required=False,
        help_text="How often it is read again by itself; empty: only when asked.",
    )

    def as_settings(self, current: SourceSettings | None = None) -> SourceSettings:
        """What was sent, laid over `current`."""
        sent: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.validated_data.items()
            if name in SETTINGS
        }
        return replace(current or default_settings(), **sent)


class NewSourceSerializer(SettingsSerializer):
    kind = serializers.ChoiceField(KINDS)
    url = serializers.CharField(required=False, max_length=2000, allow_blank=True)
    title = serializers.CharField(required=False, max_length=300)
    text = serializers.CharField(required=False, max_length=MAX_TEXT_CHARS)
    file = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = {"text": "text", "file": "file"}.get(attrs["kind"], "url")
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
        return self.get_paginated_response(shown_sources(self.paginate_queryset(sources) or []))

    @extend_schema(responses={201: SourceSerializer})
    def post(self, request: Request, bot_id: UUID) -> Response:
        """Add a website, repository, text or files (multipart: `kind=file`, `file` repeatable).

        The settings count for websites, `refresh` for repositories too.
        """
        actor_of(request).require_scope(ApiKey.Scope.WRITE)
        bot = bot_for_actor(actor_of(request), bot_id, role=Role.EDITOR)
        serializer = NewSourceSerializer(data=_with_files(request))
        serializer.is_valid(raise_exception=True)
        return Response(shown_source(_add(actor_of(request), bot, serializer)), status=201)


class SourceDetail(generics.GenericAPIView[Source]):
    serializer_class = SourceSerializer

    def get(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """One source with its status and counts."""
        return Response(shown_source(readable_source(request, bot_id, source_id)))

    @extend_schema(request=SettingsSerializer, responses=SourceSerializer)
    def patch(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Change how a website or repository is read, from the next run on. Fields left out stay as
        they are."""
        actor, source = editable_source(request, bot_id, source_id)
        serializer = SettingsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = serializer.as_settings(settings_of(source))
        update_source(actor=actor, source=source, changes=changes)
        return Response(shown_source(source))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Delete a source with its documents and points."""
        actor, source = editable_source(request, bot_id, source_id)
        services.delete_source(actor=actor, source=source)
        return Response(status=204)


def _with_files(request: Request) -> Any:
    """The posted fields; several `file` parts arrive as a list."""
    if not request.FILES:
        return request.data
    fields: dict[str, Any] = dict(request.POST.items())
    return fields | {"file": request.FILES.getlist("file")}


def _add(actor: Actor, bot: Bot, serializer: NewSourceSerializer) -> Source:
    wanted = serializer.validated_data
    match wanted["kind"]:
        case Source.Kind.WEBSITE:
            changes = serializer.as_settings()
            return services.add_website(actor=actor, bot=bot, url=wanted["url"], changes=changes)
        case Source.Kind.REPOSITORY:
            refresh = wanted.get("refresh", "")
            return services.add_repository(actor=actor, bot=bot, url=wanted["url"], refresh=refresh)
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
