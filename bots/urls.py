"""Addresses of the pages about bots."""

from __future__ import annotations

from django.urls import include, path

from bots import views

app_name = "bots"

bot_urls = [
    path("", views.detail, name="detail"),
    path("settings/", views.settings, name="settings"),
    path("sites/", views.sites, name="sites"),
    path("delete/", views.delete, name="delete"),
    path("conversations/", views.conversations, name="conversations"),
    path("conversations/<uuid:conversation_id>/", views.conversation, name="conversation"),
]

urlpatterns = [
    path("", views.bot_list, name="list"),
    path("<uuid:bot_id>/", include(bot_urls)),
]
