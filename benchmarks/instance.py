"""A BotFactory of its own for a benchmark: a scratch data directory, a free port, one process."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

from benchmarks.report import CannotMeasure

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
POLL_S = 0.05
READY_TIMEOUT_S = 120.0
# What an operator may have set must not reach the measurement.
_OURS = ("BOTFACTORY_", "ENGINE_", "EMBEDDING", "QDRANT_", "REDIS_", "DATABASE_")


@dataclass(frozen=True, slots=True)
class Instance:
    """A data directory with the settings that go with it; a server may run on it or not."""

    data_dir: Path
    settings: Mapping[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {**kept, "BOTFACTORY_DATA_DIR": str(self.data_dir), **self.settings}

    def manage(self, *arguments: str) -> str:
        """What a management command printed. Raises CannotMeasure with its complaint."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotMeasure(f"manage.py {arguments[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the instance's database."""
        with closing(sqlite3.connect(self.data_dir / "botfactory.sqlite3")) as database:
            return database.execute(sql).fetchall()

    def n_chunks(self) -> int:
        return int(self.query("SELECT count(*) FROM ingestion_chunk")[0][0])

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """A server process that is being started; `wait_for` says when it answers."""
        with (self.data_dir / "server.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self.environment(),
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def probe(self, path: str) -> dict[str, Any] | None:
        """The answer of a health door, or None while it does not say 200."""
        connection = HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            body = json.loads(reply.read())
            return body if reply.status == 200 else None
        except (OSError, HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def wait_for(self, path: str, *, is_warm: bool = False) -> None:
        """Returns when `path` says 200, and with `is_warm` when the model is loaded too."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            body = self.probe(path)
            if body and (not is_warm or body["checks"]["embedding_model"] == "ok"):
                return
            time.sleep(POLL_S)
        log = (self.data_dir / "server.log").read_text("utf-8", "replace")
        raise CannotMeasure(f"the server did not get ready: {log[-500:]}")


@contextmanager
def scratch_instance(**settings: str) -> Iterator[Instance]:
    """An instance with nothing in it; `settings` are environment variables."""
    with tempfile.TemporaryDirectory(prefix="botfactory-bench-") as folder:
        yield Instance(Path(folder), settings, _free_port())


@contextmanager
def served_instance(**settings: str) -> Iterator[tuple[Instance, Rest]]:
    """An instance whose server runs and is warm, and a client with a key to it."""
    with scratch_instance(**settings) as instance, instance.serving() as process:
        instance.wait_for("/readyz", is_warm=True)
        yield instance, Rest(instance, instance.manage("create_api_key"), process)


@dataclass(frozen=True, slots=True)
class Rest:
    """The REST API of an instance, with a key that may do everything."""

    instance: Instance
    key: str
    process: subprocess.Popen[bytes]

    def processor_s(self) -> float:
        """Processor seconds of the server and its children so far; they grow under load too."""
        server = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (server, *server.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        encoded = json.dumps(body).encode() if body is not None else None
        return self._send(method, path, encoded, "application/json")

    def add_files(self, bot_id: str, files: Mapping[str, bytes]) -> Any:
        """A source of files, sent as a form."""
        edge = "botfactory-benchmark"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="kind"\r\n\r\nfile\r\n'.encode()
        ]
        for name, content in files.items():
            head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
            parts.append(f"--{edge}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
        body = b"".join([*parts, f"--{edge}--\r\n".encode()])
        kind = f"multipart/form-data; boundary={edge}"
        return self._send("POST", f"/api/v1/bots/{bot_id}/sources/", body, kind)

    def wait_until_ready(self, bot_id: str, source_id: str) -> tuple[dict[str, Any], float]:
        """The finished source, and the seconds from its creation to the end of its index."""
        while True:
            source = self.call("GET", f"/api/v1/bots/{bot_id}/sources/{source_id}/")
            if source["status"] == "failed":
                raise CannotMeasure(f"the source failed: {source['error']}")
            if source["status"] == "ready":
                began = datetime.fromisoformat(source["created_at"])
                ended = datetime.fromisoformat(source["ready_at"])
                return source, (ended - began).total_seconds()
            time.sleep(0.3)

    def _send(self, method: str, path: str, body: bytes | None, kind: str) -> Any:
        connection = HTTPConnection(HOST, self.instance.port, timeout=120)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            answer = json.loads(reply.read() or b"null")
        finally:
            connection.close()
        if reply.status >= 400:
            raise CannotMeasure(f"{method} {path}: {answer}")
        return answer


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
