from __future__ import annotations

from django.urls import path

from bots.api import chat, views

app_name = "bots-api"

urlpatterns = [
    path("bots/", views.BotList.as_view(), name="bot-list"),
    path("bots/<uuid:bot_id>/", views.BotDetail.as_view(), name="bot-detail"),
    path("bots/<uuid:bot_id>/search/", views.BotSearch.as_view(), name="bot-search"),
    path("bots/<uuid:bot_id>/chat/", chat.chat, name="bot-chat"),
]
