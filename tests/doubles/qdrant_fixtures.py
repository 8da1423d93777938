"""Starts the Qdrant double as a process of its own; import the fixtures into a conftest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def run_qdrant_server(data_dir: Path, *, api_key: str = "") -> Iterator[str]:
    """The address of a server that runs as long as the block."""
    command = [sys.executable, "-m", "tests.doubles.qdrant_server", "--data-dir", str(data_dir)]
    process = subprocess.Popen(
        [*command, "--api-key", api_key], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the Qdrant double did not start"
        yield json.loads(line)["url"]
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def qdrant_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests; each takes a collection of its own."""
    with run_qdrant_server(tmp_path_factory.mktemp("qdrant")) as url:
        yield url
