"""Addresses of sources over REST, below /api/v1/."""

from __future__ import annotations

from django.urls import include, path

from ingestion.api import documents, pages, question_answers, runs, sources

app_name = "ingestion-api"

source_urls = [
    path("", sources.SourceDetail.as_view(), name="source-detail"),
    path("documents/", documents.DocumentList.as_view(), name="document-list"),
    path("documents/<uuid:document_id>/chunks/", documents.ChunkList.as_view(), name="chunk-list"),
    path(
        "documents/<uuid:document_id>/chunks/<uuid:chunk_id>/",
        documents.ChunkDetail.as_view(),
        name="chunk-detail",
    ),
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

question_answer_urls = [
    path("", question_answers.QuestionAnswerList.as_view(), name="question-answer-list"),
    path("import/", question_answers.QuestionAnswerImport.as_view(), name="question-answer-import"),
    path(
        "<uuid:question_answer_id>/",
        question_answers.QuestionAnswerDetail.as_view(),
        name="question-answer-detail",
    ),
]

urlpatterns = [
    path("bots/<uuid:bot_id>/sources/", sources.SourceList.as_view(), name="source-list"),
    path("bots/<uuid:bot_id>/sources/<uuid:source_id>/", include(source_urls)),
    path("bots/<uuid:bot_id>/question-answers/", include(question_answer_urls)),
]
