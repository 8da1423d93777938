from __future__ import annotations

from django.urls import include, path

from bots.api import chat, conversations, views

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
    path("bots/<uuid:bot_id>/search/", views.BotSearch.as_view(), name="bot-search"),
    path("bots/<uuid:bot_id>/chat/", chat.chat, name="bot-chat"),
    path("bots/<uuid:bot_id>/conversations/", include(conversation_urls)),
]
