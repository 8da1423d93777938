"""The broker is a bell: nobody fails because it is silent."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from botfactory.lib.queue import enqueue, enqueue_on_commit
from ingestion.tasks import purge_source


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    heard: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        purge_source, "apply_async", lambda args, retry: heard.append((*args, str(retry)))
    )
    return heard


def test_a_task_gets_the_id_as_text_and_is_not_retried(rung: list[tuple[str, ...]]) -> None:
    object_id = uuid4()
    enqueue(purge_source, object_id)
    assert rung == [(str(object_id), "False")]


def test_a_broker_that_is_down_is_logged_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**kwargs: Any) -> None:
        raise OperationalError("redis://:password@broker")

    monkeypatch.setattr(purge_source, "apply_async", refuse)
    with caplog.at_level(logging.WARNING):
        enqueue(purge_source, uuid4())
    assert caplog.messages == ["broker_unreachable"]
    assert "password" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_nothing_is_rung_before_the_commit(rung: list[tuple[str, ...]]) -> None:
    with transaction.atomic():
        enqueue_on_commit(purge_source, uuid4())
        assert rung == []
    assert len(rung) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_rung_after_a_rollback(rung: list[tuple[str, ...]]) -> None:
    with transaction.atomic():
        enqueue_on_commit(purge_source, uuid4())
        transaction.set_rollback(True)
    assert rung == []
