"""Addresses of the pages about bots."""

from __future__ import annotations

from django.urls import include, path

from bots.views import bots, conversations, settings, versions

app_name = "bots"

bot_urls = [
    path("", bots.detail, name="detail"),
    path("settings/", settings.settings, name="settings"),
    path("settings/access/", settings.access, name="access"),
    path("settings/discard/", settings.discard, name="discard-draft"),
    path("versions/", versions.version_list, name="versions"),
    path("versions/<int:number>/rollback/", versions.rollback, name="rollback"),
    path("sites/", bots.sites, name="sites"),
    path("delete/", bots.delete, name="delete"),
    path("conversations/", conversations.conversations, name="conversations"),
    path("conversations/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path(
        "conversations/<uuid:conversation_id>/export.<str:kind>",
        conversations.export,
        name="conversation-export",
    ),
    path(
        "conversations/<uuid:conversation_id>/messages/<uuid:message_id>/",
        conversations.trace,
        name="trace",
    ),
]

urlpatterns = [
    path("", bots.bot_list, name="list"),
    path("<uuid:bot_id>/", include(bot_urls)),
]
