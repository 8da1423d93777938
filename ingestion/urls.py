"""Addresses of the pages about sources; `bots.urls` holds the rest of /bots/."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from ingestion.views import (
    bots,
    documents,
    pages,
    question_answers,
    report,
    runs,
    settings,
    sources,
)

app_name = "ingestion"

documents_urls: list[URLPattern | URLResolver] = [
    path("", documents.document_list, name="document-list"),
    path("<uuid:document_id>/", documents.document_detail, name="document-detail"),
    path(
        "<uuid:document_id>/dismiss-edits/",
        documents.stale_edits_dismiss,
        name="stale-edits-dismiss",
    ),
    path(
        "<uuid:document_id>/chunks/<uuid:chunk_id>/edit/", documents.chunk_edit, name="chunk-edit"
    ),
    path(
        "<uuid:document_id>/chunks/<uuid:chunk_id>/toggle/",
        documents.chunk_toggle,
        name="chunk-toggle",
    ),
    path(
        "<uuid:document_id>/chunks/<uuid:chunk_id>/restore/",
        documents.chunk_restore,
        name="chunk-restore",
    ),
]

question_answers_urls: list[URLPattern | URLResolver] = [
    path("", question_answers.question_answer_list, name="question-answer-list"),
    path("new/", question_answers.question_answer_create, name="question-answer-create"),
    path("import/", question_answers.question_answer_import, name="question-answer-import"),
    path("export/", question_answers.question_answer_export, name="question-answer-export"),
    path(
        "<uuid:question_answer_id>/",
        question_answers.question_answer_edit,
        name="question-answer-edit",
    ),
    path(
        "<uuid:question_answer_id>/toggle/",
        question_answers.question_answer_toggle,
        name="question-answer-toggle",
    ),
    path(
        "<uuid:question_answer_id>/delete/",
        question_answers.question_answer_delete,
        name="question-answer-delete",
    ),
]

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
    path("documents/", include(documents_urls)),
    path("pages/", include(page_urls)),
]

sources_urls: list[URLPattern | URLResolver] = [
    path("", sources.source_list, name="source-list"),
    path("new/", sources.source_create, name="source-create"),
    path("<uuid:source_id>/", include(source_urls)),
    path("questions/", include(question_answers_urls)),
    path("search/", documents.chunk_search, name="chunk-search"),
    path("documents/<uuid:document_id>/<uuid:chunk_id>/", documents.chunk_find, name="chunk-find"),
]

urlpatterns = [
    path("new/", bots.bot_create, name="bot-create"),
    path("<uuid:bot_id>/sources/", include(sources_urls)),
]
