from __future__ import annotations

from django.urls import path

from widget import chat_api, views

app_name = "widget"

urlpatterns = [
    path("widget.js", views.loader, name="loader"),
    path("widget/assets/<slug:version>/<str:name>", views.asset, name="asset"),
    path("widget/frame/<uuid:bot_id>/", views.frame, name="frame"),
    path("widget/preview/<uuid:bot_id>/", views.preview, name="preview"),
    path("chat/<uuid:bot_id>/", views.share, name="share"),
    path("widget/v1/chat/", chat_api.chat, name="chat"),
    path("widget/v1/stop/", chat_api.stop, name="stop"),
    path("widget/v1/again/", chat_api.again, name="again"),
    path("widget/v1/fork/", chat_api.fork, name="fork"),
    path("widget/v1/conversation/", chat_api.conversation, name="conversation"),
    path("widget/v1/token/", chat_api.token, name="token"),
]
