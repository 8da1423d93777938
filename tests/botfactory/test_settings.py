"""Settings refuse what they cannot mean, with a sentence that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOW = "from botfactory import settings; print(settings.{name})"


def load(tmp_path: Path, name: str = "DEBUG", **env: str) -> subprocess.CompletedProcess[str]:
    """A process that reads the settings from `env` alone and prints one of them."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        [sys.executable, "-c", SHOW.format(name=name)],
        cwd=ROOT,
        env={**inherited, "BOTFACTORY_DATA_DIR": str(tmp_path), **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"BOTFACTORY_ALLOWED_NETWORKS": "10.0.0.0/8,home"}, "'home' is not a network"),
        ({"BOTFACTORY_ALLOWED_NETWORKS": "10.0.0.1/8"}, "BOTFACTORY_ALLOWED_NETWORKS"),
        ({"BOTFACTORY_SIGNUP": "sometimes"}, "BOTFACTORY_SIGNUP must be one of open, invited"),
        ({"ENGINE_KIND": "oracle"}, "ENGINE_KIND must be one of"),
        ({"ENGINE_KIND": "tgi"}, "ENGINE_KIND=tgi needs ENGINE_URL"),
        ({"BOTFACTORY_OCR_LANGUAGES": "eng,--psm"}, "'--psm' is not one of tesseract's languages"),
        ({"DATABASE_URL": "postgres://127.0.0.1/x"}, "Set BOTFACTORY_SECRET_KEY"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, env: dict[str, str], words: str) -> None:
    loaded = load(tmp_path, **env)
    assert loaded.returncode != 0
    assert "ImproperlyConfigured" in loaded.stderr
    assert words in loaded.stderr


def test_networks_are_read_as_a_list(tmp_path: Path) -> None:
    env = {"BOTFACTORY_ALLOWED_NETWORKS": "10.0.0.0/8,fd12::/16"}
    loaded = load(tmp_path, "BOTFACTORY_ALLOWED_NETWORKS", **env)
    assert loaded.stdout.strip() == "['10.0.0.0/8', 'fd12::/16']"


def test_languages_of_scans_are_read_as_a_list(tmp_path: Path) -> None:
    assert load(tmp_path, "BOTFACTORY_OCR_LANGUAGES").stdout.strip() == "[]"
    loaded = load(tmp_path, "BOTFACTORY_OCR_LANGUAGES", BOTFACTORY_OCR_LANGUAGES="eng, chi_sim")
    assert loaded.stdout.strip() == "['eng', 'chi_sim']"


def test_an_engines_address_alone_names_its_kind(tmp_path: Path) -> None:
    assert load(tmp_path, "ENGINE_KIND").stdout.strip() == "extractive"
    loaded = load(tmp_path, "ENGINE_KIND", ENGINE_URL="http://127.0.0.1:1/v1")
    assert loaded.stdout.strip() == "openai"


def test_the_secret_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    first, second = (load(tmp_path, "SECRET_KEY").stdout.strip() for _ in range(2))
    assert first == second == (tmp_path / "secret_key").read_text()
    assert len(first) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
