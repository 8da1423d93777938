from __future__ import annotations

from django.urls import include, path

from bots.api import chat, conversations, engines, versions, views

app_name = "bots-api"

conversation_urls = [
    path("", conversations.ConversationList.as_view(), name="conversation-list"),
    path(
        "<uuid:conversation_id>/",
        conversations.ConversationDetail.as_view(),
        name="conversation-detail",
    ),
    path(
        "<uuid:conversation_id>/stop/",
        conversations.ConversationStop.as_view(),
        name="conversation-stop",
    ),
    path("<uuid:conversation_id>/regenerate/", chat.regenerate, name="conversation-regenerate"),
    path("<uuid:conversation_id>/fork/", chat.fork, name="conversation-fork"),
    path(
        "<uuid:conversation_id>/messages/<uuid:message_id>/trace/",
        conversations.MessageTrace.as_view(),
        name="message-trace",
    ),
]

urlpatterns = [
    path("bots/", views.BotList.as_view(), name="bot-list"),
    path("bots/<uuid:bot_id>/", views.BotDetail.as_view(), name="bot-detail"),
    path("bots/<uuid:bot_id>/draft/", versions.Draft.as_view(), name="bot-draft"),
    path("bots/<uuid:bot_id>/publish/", versions.Publish.as_view(), name="bot-publish"),
    path("bots/<uuid:bot_id>/versions/", versions.VersionList.as_view(), name="version-list"),
    path("bots/<uuid:bot_id>/versions/diff/", versions.VersionDiff.as_view(), name="version-diff"),
    path(
        "bots/<uuid:bot_id>/versions/<int:number>/",
        versions.VersionDetail.as_view(),
        name="version-detail",
    ),
    path(
        "bots/<uuid:bot_id>/versions/<int:number>/rollback/",
        versions.VersionRollback.as_view(),
        name="version-rollback",
    ),
    path("bots/<uuid:bot_id>/search/", views.BotSearch.as_view(), name="bot-search"),
    path("bots/<uuid:bot_id>/chat/", chat.chat, name="bot-chat"),
    path("bots/<uuid:bot_id>/conversations/", include(conversation_urls)),
    path("engines/", engines.EngineList.as_view(), name="engine-list"),
    path("engines/<uuid:engine_id>/", engines.EngineDetail.as_view(), name="engine-detail"),
    path("engines/<uuid:engine_id>/test/", engines.EngineTest.as_view(), name="engine-test"),
]
