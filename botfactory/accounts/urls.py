"""Addresses of the pages about people. allauth's own stand beside them under /accounts/."""

from __future__ import annotations

from django.urls import include, path

from botfactory.accounts import views

app_name = "accounts"

workspaces_urls = [
    path("members/", views.members, name="members"),
    path("members/<int:member_id>/role/", views.member_role, name="member-role"),
    path("members/<int:member_id>/remove/", views.member_remove, name="member-remove"),
    path("api-keys/", views.api_keys, name="api-keys"),
    path("api-keys/<uuid:key_id>/revoke/", views.api_key_revoke, name="api-key-revoke"),
    path("switch/", views.workspace_switch, name="workspace-switch"),
]

urlpatterns = [
    path("login-link/<uuid:user_id>/<str:token>/", views.login_link, name="login-link"),
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
    path("workspaces/new/", views.workspace_create, name="workspace-create"),
    path("workspaces/<slug:slug>/", include(workspaces_urls)),
]
