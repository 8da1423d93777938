"""Runs of a source over REST: their history, and what can be decided about the latest."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import selectors, services
from ingestion.api.access import editable_source, readable_source
from ingestion.api.representations import RunSerializer, SourceSerializer, shown_source
from ingestion.models import IngestionRun, Source
from ingestion.runs import cancelling, removals


class PageCountSerializer(serializers.Serializer[Any]):
    n_pages = serializers.IntegerField(help_text="How many pages this concerned.")


class RunList(generics.GenericAPIView[IngestionRun]):
    serializer_class = RunSerializer

    @extend_schema(operation_id="runs_list", responses=RunSerializer(many=True))
    def get(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """The source's runs, newest first, with what each found and changed."""
        runs = selectors.runs_of_source(readable_source(request, bot_id, source_id))
        page = self.paginate_queryset(runs)
        return self.get_paginated_response(RunSerializer(page, many=True).data)


class SourceRefresh(generics.GenericAPIView[Source]):
    serializer_class = SourceSerializer

    @extend_schema(request=None, responses={202: SourceSerializer})
    def post(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Read the source again; only what changed is indexed. Nothing happens to one that is being
        read already."""
        actor, source = editable_source(request, bot_id, source_id)
        services.retry_source(actor=actor, source=source)
        return Response(shown_source(source), status=202)


class SourceCancel(generics.GenericAPIView[Source]):
    serializer_class = SourceSerializer

    @extend_schema(request=None, responses={202: SourceSerializer})
    def post(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Stop reading. What was read so far stays, and is answered from."""
        actor, source = editable_source(request, bot_id, source_id)
        cancelling.cancel_run(actor=actor, source=source)
        return Response(shown_source(source), status=202)


class RemovalsConfirm(generics.GenericAPIView[Source]):
    serializer_class = PageCountSerializer

    @extend_schema(request=None, responses={202: PageCountSerializer})
    def post(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Remove the pages that vanished all at once and were held for a decision."""
        actor, source = editable_source(request, bot_id, source_id)
        n_pages = removals.confirm_removals(actor=actor, source=source)
        return Response({"n_pages": n_pages}, status=202)


class RemovalsKeep(generics.GenericAPIView[Source]):
    serializer_class = SourceSerializer

    @extend_schema(request=None, responses=SourceSerializer)
    def post(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Keep the pages that vanished all at once, until the site shows them again."""
        actor, source = editable_source(request, bot_id, source_id)
        removals.keep_pages(actor=actor, source=source)
        return Response(shown_source(source))
