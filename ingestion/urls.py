"""Addresses of the pages about sources; `bots.urls` holds the rest of /bots/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ingestion.views import bots, pages, report, runs, settings, sources

app_name = "ingestion"

run_urls: list[URLPattern | URLResolver] = [
    path("", runs.run_list, name="run-list"),
    path("<uuid:run_id>/", report.source_run, name="run-detail"),
    path("<uuid:run_id>/export/", report.source_export, name="run-export"),
]

page_urls: list[URLPattern | URLResolver] = [
    path("retry/", pages.pages_retry, name="pages-retry"),
    path("<int:page_id>/retry/", pages.page_retry, name="page-retry"),
    path("<int:page_id>/exclude/", pages.page_exclude, name="page-exclude"),
]

source_urls: list[URLPattern | URLResolver] = [
    path("", report.source_detail, name="source-detail"),
    path("export/", report.source_export, name="source-export"),
    path("settings/", settings.source_settings, name="source-settings"),
    path("retry/", sources.source_retry, name="source-retry"),
    path("cancel/", runs.source_cancel, name="source-cancel"),
    path("delete/", sources.source_delete, name="source-delete"),
    path("removals/confirm/", runs.removals_confirm, name="removals-confirm"),
    path("removals/keep/", runs.removals_keep, name="removals-keep"),
    path("runs/", include(run_urls)),
    path("pages/", include(page_urls)),
]

sources_urls: list[URLPattern | URLResolver] = [
    path("", sources.source_list, name="source-list"),
    path("new/", sources.source_create, name="source-create"),
    path("<uuid:source_id>/", include(source_urls)),
]

urlpatterns = [
    path("new/", bots.bot_create, name="bot-create"),
    path("<uuid:bot_id>/sources/", include(sources_urls)),
]
