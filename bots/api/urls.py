from __future__ import annotations

from django.urls import path

from bots.api import chat, engines, views

app_name = "bots-api"

urlpatterns = [
    path("bots/", views.BotList.as_view(), name="bot-list"),
    path("bots/<uuid:bot_id>/", views.BotDetail.as_view(), name="bot-detail"),
    path("bots/<uuid:bot_id>/search/", views.BotSearch.as_view(), name="bot-search"),
    path("bots/<uuid:bot_id>/chat/", chat.chat, name="bot-chat"),
    path("engines/", engines.EngineList.as_view(), name="engine-list"),
    path("engines/<uuid:engine_id>/", engines.EngineDetail.as_view(), name="engine-detail"),
    path("engines/<uuid:engine_id>/test/", engines.EngineTest.as_view(), name="engine-test"),
]
