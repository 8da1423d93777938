"""Pages of a source's latest run over REST: the crawl report for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ingestion import scoping, selectors
from ingestion.access import page_of_source, run_of_source
from ingestion.api.access import editable_source, readable_source
from ingestion.api.representations import PageSerializer, shown_pages
from ingestion.api.runs import PageCountSerializer
from ingestion.models import Page
from ingestion.pages import PageFilter, pages_of_run
from ingestion.runs import retrying


class PageFilterSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(Page.Verdict.choices, required=False)
    reason = serializers.CharField(required=False, max_length=40)
    change = serializers.ChoiceField(
        [choice for choice in Page.Change.choices if choice[0]], required=False
    )
    q = serializers.CharField(
        required=False, max_length=500, help_text="Looked for in addresses and file names."
    )
    run = serializers.UUIDField(required=False, help_text="An earlier run, in place of the latest.")


class PageList(generics.GenericAPIView[Page]):
    serializer_class = PageSerializer

    @extend_schema(
        operation_id="pages_list",
        parameters=[PageFilterSerializer],
        responses=PageSerializer(many=True),
    )
    def get(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Every page that the latest run saw, in the order found, with its verdict and why."""
        source = readable_source(request, bot_id, source_id)
        query = PageFilterSerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        data = query.validated_data
        run = run_of_source(source, data["run"]) if "run" in data else selectors.latest_run(source)
        wanted = PageFilter(
            verdict=data.get("verdict", ""),
            reason=data.get("reason", ""),
            change=data.get("change", ""),
            query=data.get("q", ""),
        )
        pages = pages_of_run(run, wanted) if run else Page.objects.none()
        page = list(self.paginate_queryset(pages.select_related("run")) or [])
        return self.get_paginated_response(shown_pages(page))


class PageRetry(generics.GenericAPIView[Page]):
    serializer_class = PageCountSerializer

    @extend_schema(request=None, responses={202: PageCountSerializer})
    def post(self, request: Request, bot_id: UUID, source_id: UUID, page_id: int) -> Response:
        """Read one page again. 409 while the source is being read."""
        actor, source = editable_source(request, bot_id, source_id)
        page = page_of_source(source, page_id)
        n_pages = retrying.retry_pages(actor=actor, source=source, page_ids=[page.pk])
        return Response({"n_pages": n_pages}, status=202)


class PagesRetryFailed(generics.GenericAPIView[Page]):
    serializer_class = PageCountSerializer

    @extend_schema(request=None, responses={202: PageCountSerializer})
    def post(self, request: Request, bot_id: UUID, source_id: UUID) -> Response:
        """Read all failed pages of the latest run again. 409 while the source is being read."""
        actor, source = editable_source(request, bot_id, source_id)
        n_pages = retrying.retry_failed(actor=actor, source=source)
        return Response({"n_pages": n_pages}, status=202)


class PageExclude(generics.GenericAPIView[Page]):
    serializer_class = PageSerializer

    @extend_schema(request=None, responses=PageSerializer)
    def post(self, request: Request, bot_id: UUID, source_id: UUID, page_id: int) -> Response:
        """Leave one page out from now on: its address joins `exclude`, its document is removed."""
        actor, source = editable_source(request, bot_id, source_id)
        page = page_of_source(source, page_id)
        scoping.exclude_page(actor=actor, source=source, page_id=page.pk)
        return Response(shown_pages([page_of_source(source, page_id)])[0])
