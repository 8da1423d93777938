"""What a probe learns, and what not."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from botfactory import health
from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable

pytestmark = pytest.mark.django_db


class Store:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def ping(self) -> None:
        if self._error:
            raise self._error


@pytest.fixture
def use_store(monkeypatch: pytest.MonkeyPatch) -> object:
    def use(error: Exception | None = None) -> None:
        monkeypatch.setattr(registry, "vector_store", lambda: Store(error))

    use()
    return use


def test_a_process_that_answers_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "vector_store", pytest.fail)
    response = Client().get("/livez")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(("is_warm", "model"), [(True, "ok"), (False, "loading")])
def test_a_server_is_ready_even_while_its_model_loads(
    use_store: object, monkeypatch: pytest.MonkeyPatch, is_warm: bool, model: str
) -> None:
    monkeypatch.setattr(registry, "is_warm", lambda: is_warm)
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {
            "database": "ok",
            "vector_store": "ok",
            "embedding_model": model,
            "engines": "none",
        },
    }


def test_a_store_that_does_not_answer_is_503_and_tells_no_details(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = VectorStoreUnavailable(subject="http://secret:6333")
    monkeypatch.setattr(registry, "vector_store", lambda: Store(error))
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["checks"]["vector_store"] == "failed"
    assert "secret" not in response.content.decode()


def test_a_database_that_does_not_answer_is_503(
    use_store: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("secret")

    monkeypatch.setattr(health, "_check_database", refuse)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "failed"
    assert "secret" not in response.content.decode()
