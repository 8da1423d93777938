"""What a start warns of or refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from botfactory.checks import check_shared_parts, check_text_recognition


@pytest.fixture
def plain(settings: Settings) -> Settings:
    settings.REDIS_URL = settings.QDRANT_URL = settings.BOTFACTORY_PUBLIC_URL = ""
    settings.DEBUG = False
    return settings


def found() -> list[str | None]:
    return [message.id for message in check_shared_parts(None)]


def test_the_default_is_fine(plain: Settings) -> None:
    assert found() == []


def test_a_shared_queue_without_shared_vectors_is_warned_of(plain: Settings) -> None:
    plain.REDIS_URL = "redis://127.0.0.1"
    assert found() == ["botfactory.W001"]


def test_workers_beside_sqlite_are_warned_of(plain: Settings) -> None:
    plain.REDIS_URL, plain.QDRANT_URL = "redis://127.0.0.1", "http://127.0.0.1"
    assert found() == ["botfactory.W002"]


def test_debug_on_a_public_address_is_refused(plain: Settings) -> None:
    plain.DEBUG = True
    assert found() == []
    plain.BOTFACTORY_PUBLIC_URL = "https://bots.example.com"
    assert found() == ["botfactory.E001"]


def test_text_recognition_without_its_program_or_languages_is_warned_of(
    plain: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    def found() -> list[str | None]:
        return [message.id for message in check_text_recognition(None)]

    plain.BOTFACTORY_OCR_LANGUAGES = []
    assert found() == []
    plain.BOTFACTORY_OCR_LANGUAGES = ["eng", "deu"]
    assert found() == ["botfactory.W003"]
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nprintf 'List of languages (2):\\neng\\nosd\\n'\n")
    program.chmod(0o755)
    (message,) = check_text_recognition(None)
    assert message.id == "botfactory.W004"
    assert "deu." in message.msg
    plain.BOTFACTORY_OCR_LANGUAGES = ["eng"]
    assert found() == []
    program.write_text("#!/bin/sh\nexit 1\n")
    assert found() == ["botfactory.W004"]
