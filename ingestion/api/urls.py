"""Addresses of sources over REST, below /api/v1/."""

from __future__ import annotations

from django.urls import path

from ingestion.api import sources

app_name = "ingestion-api"

urlpatterns = [
    path("bots/<uuid:bot_id>/sources/", sources.SourceList.as_view(), name="source-list"),
    path(
        "bots/<uuid:bot_id>/sources/<uuid:source_id>/",
        sources.SourceDetail.as_view(),
        name="source-detail",
    ),
]
