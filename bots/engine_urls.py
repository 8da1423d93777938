"""Addresses of the pages about engines, under those of their workspace."""

from __future__ import annotations

from django.urls import include, path

from bots.views import engine_import, engines

app_name = "engines"

engine_urls = [
    path("", engines.edit, name="edit"),
    path("delete/", engines.delete, name="delete"),
    path("test/", engines.test, name="test"),
]

urlpatterns = [
    path("", engines.engine_list, name="list"),
    path("new/", engines.create, name="create"),
    path("template-preview/", engines.template_preview, name="template-preview"),
    path("import/", engine_import.paste, name="import"),
    path("import/make/", engine_import.make, name="import-make"),
    path("<uuid:engine_id>/", include(engine_urls)),
]
