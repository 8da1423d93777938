"""What every response carries, and what the sessionless half of the addresses never does."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from botfactory.middleware import SecurityHeadersMiddleware, is_sessionless

pytestmark = pytest.mark.django_db


def test_every_response_has_an_id_of_its_own() -> None:
    ids = {Client().get("/livez")["X-Request-ID"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_an_id_that_a_proxy_gave_is_kept() -> None:
    response = Client().get("/livez", headers={"X-Request-ID": "trace-1.2_3"})
    assert response["X-Request-ID"] == "trace-1.2_3"


@pytest.mark.parametrize("offered", ["short", "x" * 65, "has spaces", "<script>alert", "ünïcödé!"])
def test_an_id_that_could_harm_a_log_is_replaced(offered: str) -> None:
    response = Client().get("/livez", headers={"X-Request-ID": offered})
    assert response["X-Request-ID"] != offered


def test_the_id_is_in_the_error_object() -> None:
    response = Client().get("/api/v1/bots/")
    assert response.json()["error"]["request_id"] == response["X-Request-ID"]


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/api/v1/bots/", "/livez", "/nothing"])
def test_pages_are_strict_unless_they_say_otherwise(path: str) -> None:
    response = Client().get(path)
    assert response["Content-Security-Policy"] == SecurityHeadersMiddleware.CONTENT_SECURITY_POLICY
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    "path",
    ["/livez", "/api/v1/bots/", "/api/v1/nothing/", "/widget.js", "/widget/v1/conversation/"],
)
def test_sessionless_addresses_neither_read_nor_set_cookies(path: str) -> None:
    client = Client()
    client.cookies["sessionid"] = "stolen"
    response = client.get(path)
    assert is_sessionless(path)
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("path", ["/", "/bots/", "/accounts/login/", "/api/docs/", "/livezz/"])
def test_the_dashboard_keeps_its_session(path: str) -> None:
    assert is_sessionless(path) is (path == "/livezz/")


def test_a_page_that_needs_a_login_leads_there() -> None:
    response = Client().get("/bots/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_form_without_its_token_is_refused_in_the_dashboard_only() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/accounts/login/", {"login": "a"}).status_code == 403
    assert client.post("/api/v1/bots/").status_code == 401
