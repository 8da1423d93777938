"""Addresses of sources over REST, below /api/v1/."""

from __future__ import annotations

from django.urls import include, path

from ingestion.api import pages, runs, sources

app_name = "ingestion-api"

source_urls = [
    path("", sources.SourceDetail.as_view(), name="source-detail"),
    path("refresh/", runs.SourceRefresh.as_view(), name="source-refresh"),
    path("cancel/", runs.SourceCancel.as_view(), name="source-cancel"),
    path("runs/", runs.RunList.as_view(), name="run-list"),
    path("removals/confirm/", runs.RemovalsConfirm.as_view(), name="removals-confirm"),
    path("removals/keep/", runs.RemovalsKeep.as_view(), name="removals-keep"),
    path("pages/", pages.PageList.as_view(), name="page-list"),
    path("pages/<int:page_id>/retry/", pages.PageRetry.as_view(), name="page-retry"),
    path("pages/<int:page_id>/exclude/", pages.PageExclude.as_view(), name="page-exclude"),
    path("retry-failed/", pages.PagesRetryFailed.as_view(), name="retry-failed"),
]

urlpatterns = [
    path("bots/<uuid:bot_id>/sources/", sources.SourceList.as_view(), name="source-list"),
    path("bots/<uuid:bot_id>/sources/<uuid:source_id>/", include(source_urls)),
]
