"""The docs name everything that users and operators rely on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botfactory.errors import BotFactoryError
from bots.answering import events
from ingestion.crawling.types import Reason

ROOT = Path(__file__).parents[2]


def _environment_variables() -> list[str]:
    source = (ROOT / "botfactory" / "settings.py").read_text(encoding="utf-8")
    calls = re.findall(r'(?:env\.\w+|_networks|_one_of|_ocr_languages)\(\s*"([A-Z0-9_]+)"', source)
    return sorted(set(calls))


def _error_classes(root: type[BotFactoryError] = BotFactoryError) -> set[type[BotFactoryError]]:
    return {root}.union(*(_error_classes(child) for child in root.__subclasses__()))


def _import_everything() -> None:
    import importlib

    for package in ("botfactory", "bots", "ingestion", "widget"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" in path.parts or path.name == "worker.py":
                continue
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


@pytest.mark.parametrize("name", _environment_variables())
def test_each_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_settings_page_names_no_setting_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)`", page, re.MULTILINE))
    assert documented - set(_environment_variables()) == set()


def test_each_error_code_is_documented() -> None:
    _import_everything()
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    ours = {cls for cls in _error_classes() if not cls.__module__.startswith("tests")}
    missing = sorted({cls.code for cls in ours if f"`{cls.code}`" not in page})
    assert missing == []


def test_each_error_says_what_to_do_without_naming_internals() -> None:
    _import_everything()
    for cls in _error_classes():
        assert len(cls.default_message) > 20, cls
        assert "Traceback" not in cls.default_message


def test_each_stream_event_is_documented() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    union = events.AnswerEvent.__args__
    assert [event.name for event in union if f"`{event.name}`" not in page] == []


@pytest.mark.parametrize("reason", list(Reason))
def test_each_crawl_reason_is_documented(reason: Reason) -> None:
    assert f"`{reason}`" in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
