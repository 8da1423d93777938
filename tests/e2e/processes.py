"""Starts what operators start, as processes of their own, and leaves none behind.

Nothing of the developer's environment reaches a process but what it needs to run at all.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from tests.e2e.client import Api

ROOT = Path(__file__).resolve().parents[2]
KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 40.0
WAIT_TIMEOUT_S = 240.0
POLL_S = 0.05

T = TypeVar("T")


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """The environment of one instance. `settings` are the product's variables."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    defaults = {"BOTFACTORY_DATA_DIR": str(data_dir), "BOTFACTORY_SWEEP_INTERVAL_S": "0.5"}
    return kept | defaults | settings


def eventually(probe: Callable[[], T | None], *, what: str, timeout_s: float = WAIT_TIMEOUT_S) -> T:
    """The first true answer of `probe`. The deadline is there to fail, not to measure."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(POLL_S)
    return answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def run_command(env: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`manage.py ARGUMENTS`, ended."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_TIMEOUT_S,
        check=False,
    )


def json_of_command(env: Mapping[str, str], *arguments: str) -> Any:
    """What a command with `--json` printed on its standard output."""
    done = run_command(env, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Process:
    """A child with its output in a file, so that it never waits for a reader."""

    def __init__(self, name: str, arguments: Sequence[str], *, env: Mapping[str, str], log: Path):
        self.name = name
        self.env = dict(env)
        self.log = log
        with log.open("ab") as file:
            self._popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def await_line(self, text: str) -> None:
        """Returns when the process has printed `text`. Raises AssertionError where it ended."""

        def probe() -> bool:
            assert self.is_alive, f"{self.name} ended with {self._popen.returncode}: {self.said()}"
            return text in self.said()

        eventually(probe, what=f"{self.name} says {text!r}", timeout_s=START_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL to the process and its children: nobody can clean up."""
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._popen.pid)
            for process in [family, *family.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._popen.wait(STOP_TIMEOUT_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit status after a signal that asks to end, as a service manager sends it."""
        self._popen.send_signal(number)
        return self._popen.wait(STOP_TIMEOUT_S)


class Server(Process):
    """`manage.py serve` on a free port."""

    def __init__(self, env: Mapping[str, str], *options: str) -> None:
        port = free_port()
        data_dir = Path(env["BOTFACTORY_DATA_DIR"])
        data_dir.mkdir(parents=True, exist_ok=True)
        command = ["manage.py", "serve", "--port", str(port), *options]
        super().__init__("serve", command, env=env, log=data_dir / f"serve-{port}.log")
        self.url = f"http://127.0.0.1:{port}"

    def await_ready(self) -> None:
        self.await_line("Sign in once with this link")

    @property
    def login_link(self) -> str:
        found = re.search(r"Sign in once with this link: (\S+)", self.said())
        assert found is not None
        return found[1]

    def api(self, key: str) -> Api:
        return Api(self.url, key)

    def create_key(self) -> str:
        """A key of the first workspace, made by command, as the documentation says."""
        done = run_command(self.env, "create_api_key")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def killed_at_the_end() -> Iterator[list[Process]]:
    """A list for processes: what still runs when the block ends, is killed."""
    processes: list[Process] = []
    try:
        yield processes
    finally:
        for process in processes:
            if process.is_alive:
                process.kill()


@contextmanager
def running_server(data_dir: Path, *options: str, **settings: str) -> Iterator[Server]:
    with killed_at_the_end() as processes:
        server = Server(environment(data_dir, **settings), *options)
        processes.append(server)
        server.await_ready()
        yield server


def celery(name: str, env: Mapping[str, str], *arguments: str) -> Process:
    """`celery -A botfactory ARGUMENTS`, as docker-compose.yml starts it."""
    log = Path(env["BOTFACTORY_DATA_DIR"]) / f"{name}.log"
    return Process(name, ["-m", "celery", "-A", "botfactory", *arguments], env=env, log=log)


@dataclass(frozen=True, slots=True)
class Stored:
    """What an instance holds of one bot, by database and by vector store."""

    documents: list[dict[str, Any]]
    chunks: list[dict[str, Any]]
    points: list[dict[str, Any]]

    def check(self) -> None:
        """Every chunk has exactly one point with its id and its content, and nothing is beside."""
        assert [point["id"] for point in self.points] == sorted(c["id"] for c in self.chunks)
        of_chunk = {chunk["id"]: chunk for chunk in self.chunks}
        for point in self.points:
            chunk = of_chunk[point["id"]]
            assert {name: point["payload"][name] for name in chunk if name != "id"} == {
                name: value for name, value in chunk.items() if name != "id"
            }

    def content(self) -> dict[str, Any]:
        """What must be the same after any number of kills: everything but ids."""
        names = ("url", "title", "ordinal", "text", "heading_path", "page", "char_start")
        return {
            "documents": sorted((d["url"], d["content_hash"]) for d in self.documents),
            "points": sorted(
                json.dumps([point["payload"][name] for name in names]) for point in self.points
            ),
        }


def stored(env: Mapping[str, str], bot_id: str) -> Stored:
    """Reads both stores in a process of its own: in the embedded default, stop the server first."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.dump", bot_id],
        cwd=ROOT,
        env=dict(env),
        capture_output=True,
        text=True,
        timeout=WAIT_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Stored(**json.loads(done.stdout))
