"""One JSON shape for every error, on every door."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client

from bots.models import Bot

pytestmark = pytest.mark.django_db


def _assert_shape(response: object, status: int, code: str) -> None:
    assert response.status_code == status, response.content  # type: ignore[attr-defined]
    body = response.json()  # type: ignore[attr-defined]
    assert set(body) == {"error"}
    assert set(body["error"]) - {"fields"} == {"code", "message", "request_id"}
    assert body["error"]["code"] == code
    assert body["error"]["request_id"] == response["X-Request-ID"]  # type: ignore[index]


def test_a_missing_key_is_401() -> None:
    response = Client().get("/api/v1/bots/")
    _assert_shape(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_a_wrong_key_is_401_on_the_async_door_too() -> None:
    client = Client(headers={"Authorization": "Bearer bf_wrong"})
    url = f"/api/v1/bots/{uuid4()}/chat/"
    _assert_shape(
        client.post(url, {"message": "hi"}, content_type="application/json"),
        401,
        "not_authenticated",
    )


def test_an_unknown_bot_is_404(api: Client) -> None:
    _assert_shape(api.get(f"/api/v1/bots/{uuid4()}/"), 404, "not_found")
    url = f"/api/v1/bots/{uuid4()}/chat/"
    body = {"message": "hi"}
    _assert_shape(api.post(url, body, content_type="application/json"), 404, "not_found")


def test_an_unknown_address_is_404(api: Client) -> None:
    _assert_shape(api.get("/api/v1/nothing/"), 404, "not_found")


def test_a_wrong_method_is_405(api: Client, bot: Bot) -> None:
    _assert_shape(api.put(f"/api/v1/bots/{bot.pk}/"), 405, "method_not_allowed")
    _assert_shape(api.get(f"/api/v1/bots/{bot.pk}/chat/"), 405, "method_not_allowed")


def test_a_missing_field_names_it(api: Client) -> None:
    response = api.post("/api/v1/bots/", {}, content_type="application/json")
    _assert_shape(response, 400, "invalid_input")
    assert "name" in response.json()["error"]["fields"]


@pytest.mark.parametrize("body", [b"{", b"[" * 60_000, b"\xff", b"null", b'"x"', b"[]"])
def test_a_body_that_is_no_json_object_is_400(api: Client, bot: Bot, body: bytes) -> None:
    for url in ("/api/v1/bots/", f"/api/v1/bots/{bot.pk}/chat/"):
        response = api.post(url, body, content_type="application/json")
        _assert_shape(response, 400, "invalid_input")
