"""A program that talks to the REST API over its own socket, as a customer's would."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from botfactory.lib.sse import SseEvent, SseParser

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """The one shape of an error, checked."""
        assert self.status >= 400, self.text
        error = self.json["error"]
        assert error["code"]
        assert error["message"]
        assert error["request_id"]
        assert "Traceback" not in self.text
        return dict(error)


class Stream:
    """The events of a streamed answer, as they come. `leave` hangs up in the middle."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._response = connection.getresponse()
        self._parser = SseParser()
        self._events: list[SseEvent] = []
        self.status = self._response.status

    def __iter__(self) -> Iterator[SseEvent]:
        while (event := self.next()) is not None:
            yield event

    def next(self) -> SseEvent | None:
        """The next event; None at the end of the stream."""
        while not self._events:
            data = self._response.read1(65536)
            if not data:
                return None
            self._events = self._parser.feed(data)
        return self._events.pop(0)

    def until(self, name: str) -> SseEvent:
        for event in self:
            if event.name == name:
                return event
        raise AssertionError(f"the stream ended without {name!r}")

    def leave(self) -> None:
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Api:
    """`/api/v1/` of one server with one key."""

    url: str
    key: str

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def post(self, path: str, body: object) -> Reply:
        return self.send("POST", path, json.dumps(body).encode(), "application/json")

    def delete(self, path: str) -> Reply:
        return self.send("DELETE", path)

    def upload(self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Reply:
        """A multipart form; `files` are the parts named `file`, by file name."""
        border = uuid4().hex
        parts = []
        for name, value in fields.items():
            head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            parts.append(f"{head}{value}\r\n".encode())
        for name, content in files.items():
            head = (
                f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            )
            parts.append(head.encode() + content + b"\r\n")
        body = b"".join([*parts, f"--{border}--\r\n".encode()])
        return self.send("POST", path, body, f"multipart/form-data; boundary={border}")

    @contextmanager
    def stream(self, path: str, body: object) -> Iterator[Stream]:
        connection = self._connect()
        connection.request(
            "POST", f"/api/v1/{path}", json.dumps(body).encode(), self._headers("application/json")
        )
        stream = Stream(connection)
        try:
            yield stream
        finally:
            stream.leave()

    # What every test does

    def create_bot(self, name: str = "Helper", **fields: object) -> str:
        reply = self.post("bots/", {"name": name, **fields})
        assert reply.status == 201, reply.text
        return str(reply.json["id"])

    def add_website(self, bot_id: str, url: str) -> str:
        return self.add_source(bot_id, kind="website", url=url)

    def add_source(self, bot_id: str, **fields: object) -> str:
        reply = self.post(f"bots/{bot_id}/sources/", fields)
        assert reply.status == 201, reply.text
        return str(reply.json["id"])

    def source(self, bot_id: str, source_id: str) -> dict[str, Any]:
        reply = self.get(f"bots/{bot_id}/sources/{source_id}/")
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def ask(self, bot_id: str, question: str, **fields: object) -> dict[str, Any]:
        reply = self.post(f"bots/{bot_id}/chat/", {"message": question, **fields})
        assert reply.status == 200, reply.text
        return dict(reply.json)

    def send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> Reply:
        connection = self._connect()
        try:
            connection.request(method, f"/api/v1/{path}", body or None, self._headers(kind))
            response = connection.getresponse()
            return Reply(response.status, response.read().decode())
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}"}
        return headers | ({"Content-Type": kind} if kind else {})
