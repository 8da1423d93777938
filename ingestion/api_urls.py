from __future__ import annotations

from django.urls import path

from ingestion import api

app_name = "ingestion-api"

urlpatterns = [
    path("bots/<uuid:bot_id>/sources/", api.SourceList.as_view(), name="source-list"),
    path(
        "bots/<uuid:bot_id>/sources/<uuid:source_id>/",
        api.SourceDetail.as_view(),
        name="source-detail",
    ),
]
