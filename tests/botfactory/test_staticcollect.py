"""Static files are collected when they changed, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from botfactory.staticcollect import ensure_collected


@pytest.fixture
def source(settings: Settings, tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    (source / "a.css").write_text("a {}")
    return source


def test_files_are_collected_on_the_first_start(source: Path, settings: Settings) -> None:
    ensure_collected()
    assert (settings.STATIC_ROOT / "a.css").read_text() == "a {}"


def test_a_start_without_changes_collects_nothing(source: Path, settings: Settings) -> None:
    ensure_collected()
    (settings.STATIC_ROOT / "a.css").unlink()
    ensure_collected()
    assert not (settings.STATIC_ROOT / "a.css").exists()


def test_changed_new_and_removed_files_are_noticed(source: Path, settings: Settings) -> None:
    ensure_collected()
    (source / "a.css").write_text("a { color: red }")
    ensure_collected()
    assert "red" in (settings.STATIC_ROOT / "a.css").read_text()
    (source / "b.css").write_text("b {}")
    (source / "a.css").unlink()
    ensure_collected()
    assert (settings.STATIC_ROOT / "b.css").exists()
    assert not (settings.STATIC_ROOT / "a.css").exists()
