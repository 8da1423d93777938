"""Addresses of the pages about sources; `bots.urls` holds the rest of /bots/."""

from __future__ import annotations

from django.urls import include, path

from ingestion.views import bots, report, sources

app_name = "ingestion"

sources_urls = [
    path("", sources.source_list, name="source-list"),
    path("new/", sources.source_create, name="source-create"),
    path("<uuid:source_id>/", report.source_detail, name="source-detail"),
    path("<uuid:source_id>/retry/", sources.source_retry, name="source-retry"),
    path("<uuid:source_id>/delete/", sources.source_delete, name="source-delete"),
]

urlpatterns = [
    path("new/", bots.bot_create, name="bot-create"),
    path("<uuid:bot_id>/sources/", include(sources_urls)),
]
