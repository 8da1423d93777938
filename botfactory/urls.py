"""Every address of the server. All but the marked ones need a login or a key."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from botfactory import health, pages

api_v1: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("", include("bots.api.urls")),
    path("", include("ingestion.api.urls")),
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("", include("botfactory.accounts.urls")),
    path("workspaces/<slug:slug>/engines/", include("bots.engine_urls")),
    path("accounts/", include("allauth.account.urls")),
    path("bots/", include("ingestion.urls")),
    path("bots/", include("bots.urls")),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("widget.urls")),
    path("api/v1/", include((api_v1, "api"))),
    path(
        "api/docs/",
        login_not_required(SpectacularSwaggerView.as_view(url_name="api:schema")),
        name="api-docs",
    ),
]

handler400 = "botfactory.errorpages.bad_request"
handler403 = "botfactory.errorpages.permission_denied"
handler404 = "botfactory.errorpages.page_not_found"
handler500 = "botfactory.errorpages.server_error"
