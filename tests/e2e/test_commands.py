"""The commands as an operator runs them: processes of their own over one scratch directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def run(data_dir: Path) -> Run:
    """`run("ask", bot_id, "...")`: the finished process of that command."""
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    env = {**inherited, "BOTFACTORY_DATA_DIR": str(data_dir)}

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert command("migrate", "--verbosity", "0").returncode == 0
    return command


@pytest.fixture(scope="module")
def created(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `create_bot --json --wait` said about a bot over one text file."""
    path = tmp_path_factory.mktemp("files") / "tea.txt"
    path.write_text("Green tea tastes best when the water has cooled to 80 degrees.")
    done = run("create_bot", "Tea", "--file", str(path), "--wait", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_bot_is_made_and_ready_when_the_command_ends(created: dict[str, Any]) -> None:
    source = created["sources"][0]
    assert set(created) == {"id", "sources"}
    assert source == {
        "id": source["id"],
        "name": "tea.txt",
        "status": "ready",
        "counts": {"found": 1, "read": 0, "indexed": 1, "skipped": 0, "failed": 0},
        "error": "",
    }


def test_a_key_is_printed_alone(run: Run) -> None:
    done = run("create_api_key", "--scope", "read")
    assert re.fullmatch(r"bf_[\w-]{20,}\n", done.stdout)
    assert done.stderr == ""
