"""Every address of the server. Lists are named after their prefix; all but the marked ones need a login."""

from __future__ import annotations

from django.urls import include, path

from botfactory import health

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("", include("widget.urls")),
]

handler400 = "botfactory.errorpages.bad_request"
handler403 = "botfactory.errorpages.permission_denied"
handler404 = "botfactory.errorpages.page_not_found"
handler500 = "botfactory.errorpages.server_error"
