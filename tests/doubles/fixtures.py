"""Fixtures that run the doubles as processes. Import the ones you need into a `conftest.py`."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Control:
    """The control port of a running double (see `tests.doubles.tgi_server.control`)."""

    port: int

    def script(self, *plans: dict[str, Any]) -> None:
        self._call("PUT", "/script", list(plans))

    def state(self) -> Any:
        return self._call("GET", "/state")

    def release(self) -> None:
        self._call("POST", "/release", {})

    def faults(self, **faults: object) -> None:
        self._call("POST", "/faults", faults)

    def listen(self, is_open: bool) -> None:
        self._call("POST", "/listen", {"open": is_open})

    def reset(self) -> None:
        self._call("POST", "/reset", {})

    def wait(self, field: str, at_least: int = 1, timeout_s: float = 5.0) -> bool:
        body = {"field": field, "at_least": at_least, "timeout_s": timeout_s}
        return bool(self._call("POST", "/wait", body)["reached"])

    def _call(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=20)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body).encode(), headers)
            reply = connection.getresponse()
            data = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise AssertionError(f"the double refused {path}: {data}")
        return data


@dataclass(frozen=True, slots=True)
class RunningDouble:
    port: int
    control: Control
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


def start_double(module: str, *options: str) -> subprocess.Popen[str]:
    """The process of a double, not yet ready: `await_double` says when it is."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def await_double(process: subprocess.Popen[str]) -> RunningDouble:
    """The double once it answers: it prints its ports as its first line."""
    if process.stdout is None:
        raise AssertionError("the double has no output to read its ports from")
    ports = json.loads(process.stdout.readline())
    return RunningDouble(ports["port"], Control(ports["control_port"]), process)


@contextmanager
def running(*commands: tuple[str, ...]) -> Iterator[list[RunningDouble]]:
    """Doubles started side by side, one for each `(module, *options)`; killed on exit."""
    processes = [start_double(*command) for command in commands]
    try:
        yield [await_double(process) for process in processes]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


@pytest.fixture(scope="session")
def doubles() -> Iterator[dict[str, RunningDouble]]:
    """One of each double for the whole session, by name: "tgi", "vllm", "llamacpp"."""
    keep_alive = ("--keepalive-s", "0.05")
    openai = "tests.doubles.openai_server"
    commands = {
        "tgi": ("tests.doubles.tgi_server", *keep_alive),
        "vllm": (openai, "--profile", "vllm", *keep_alive),
        "llamacpp": (openai, "--profile", "llamacpp", *keep_alive),
    }
    with running(*commands.values()) as started:
        yield dict(zip(commands, started, strict=True))


@pytest.fixture(scope="session")
def tgi_process(doubles: dict[str, RunningDouble]) -> RunningDouble:
    return doubles["tgi"]


@pytest.fixture
def tgi(tgi_process: RunningDouble) -> RunningDouble:
    """The TGI double of this session, as if it had just started."""
    tgi_process.control.reset()
    return tgi_process
