"""Addresses of the pages about sources; `bots.urls` holds the rest of /bots/."""

from __future__ import annotations

from django.urls import include, path

from ingestion import views

app_name = "ingestion"

sources_urls = [
    path("", views.source_list, name="source-list"),
    path("new/", views.source_create, name="source-create"),
    path("<uuid:source_id>/", views.source_detail, name="source-detail"),
    path("<uuid:source_id>/retry/", views.source_retry, name="source-retry"),
    path("<uuid:source_id>/delete/", views.source_delete, name="source-delete"),
]

urlpatterns = [
    path("new/", views.bot_create, name="bot-create"),
    path("<uuid:bot_id>/sources/", include(sources_urls)),
]
