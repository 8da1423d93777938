"""Bodies as the wire brings them, to a real server: each gets a typed answer, and it goes on."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.e2e.client import Api
from tests.e2e.processes import Server, running_server
from tests.hostile import json_values
from tests.hostile.json_values import MANY, question_with, setting_with

pytestmark = pytest.mark.model

QUESTION = b'{"message": "How long?"}'
JSON = "application/json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("bodies")) as server:
        yield server
        assert server.is_alive
        assert "Traceback" not in server.said()


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    return server.api(server.create_key())


@pytest.fixture(scope="module")
def chat(api: Api) -> str:
    return f"bots/{api.create_bot()}/chat/"


@pytest.fixture(autouse=True)
def still_answering(chat: str, api: Api) -> Iterator[None]:
    yield
    assert api.send("POST", chat, QUESTION, JSON).status == 200


def exchange(
    api: Api,
    path: str,
    head: bytes,
    body: bytes,
    *,
    key: str | None = None,
    breaks_off: bool = False,
) -> bytes:
    """What comes back for these bytes; nothing where the server hangs up. A client that
    `breaks_off` says that it sends no more."""
    parts = urlsplit(api.url)
    request = (
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        f"Authorization: Bearer {api.key if key is None else key}\r\n"
    ).encode()
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as wire:
        received = b""
        with suppress(OSError):  # it may answer or hang up without waiting for all
            wire.sendall(request + head + b"\r\n" + body)
            if breaks_off:
                wire.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while part := wire.recv(65_536):
                received += part
    return received


def status_of(received: bytes) -> int:
    return int(received.split()[1]) if received else 0


def chunked(body: bytes, size: int) -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


HUGE = {
    "brackets": b"[" * MANY,
    "nested lists": question_with(b"[" * MANY + b"]" * MANY),
    "nested objects": question_with(b'{"a":' * MANY + b"1" + b"}" * MANY),
    "a megabyte": json.dumps({"message": "x" * 1_000_000, "name": "x" * 1_000_000}).encode(),
    "ten megabytes": json.dumps({"message": "x" * 10_000_000}).encode(),
    "long number": question_with(b"9" * 1_000_000),
}  # fmt: skip


@pytest.mark.parametrize("name", list(HUGE))
def test_a_huge_body_is_refused(name: str, api: Api, chat: str) -> None:
    for method, path in (("POST", chat), ("POST", "bots/"), ("PATCH", chat.removesuffix("chat/"))):
        reply = api.send(method, path, HUGE[name], JSON)
        assert reply.status in (400, 413), path
        assert reply.error["code"] in ("invalid_input", "too_large")


def test_a_hundred_thousand_keys_are_read_or_refused(api: Api, chat: str) -> None:
    keys = {f"k{n}": n for n in range(MANY)}
    body = json.dumps({"message": "x", "name": "x", **keys}).encode()
    assert api.send("POST", chat, body, JSON).status == 413
    assert api.send("PATCH", chat.removesuffix("chat/"), body, JSON).status in (200, 400, 413)


def test_the_wrong_ones_of_the_family_are_refused(api: Api, chat: str) -> None:
    bot = chat.removesuffix("chat/")
    for value in json_values.INVALID[::4]:
        assert api.send("POST", chat, question_with(value), JSON).error["code"], value
        assert api.send("PATCH", bot, setting_with(value), JSON).error["code"], value
    for body in json_values.WRONG_BODIES[::4]:
        assert api.send("POST", chat, body, JSON).status == 400, body


@pytest.mark.parametrize("size", [1, 1_000])
def test_chunks_without_a_length_are_a_body_like_any_other(size: int, api: Api, chat: str) -> None:
    head = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    received = exchange(api, chat, head, chunked(QUESTION, size))
    assert (status_of(received), b"conversation_id" in received) == (200, True)
    assert status_of(exchange(api, chat, head, chunked(b'{"message": ', size))) == 400
    large = b'{"message": "' + b"x" * 70_000 + b'"}'
    assert status_of(exchange(api, chat, head, chunked(large, max(size, 100)))) == 413


def test_a_packed_body_is_not_unpacked(api: Api, chat: str) -> None:
    for body in (gzip.compress(QUESTION), gzip.compress(b"x" * 50_000_000)):
        length = f"Content-Length: {len(body)}\r\n".encode()
        head = b"Content-Type: application/json\r\nContent-Encoding: gzip\r\n" + length
        received = exchange(api, chat, head, body)
        assert (status_of(received), b"invalid_input" in received) == (400, True)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "a/b;c"])
def test_json_under_another_name_is_refused(kind: str, api: Api, chat: str) -> None:
    reply = api.send("POST", chat, QUESTION, kind)
    assert (reply.status, reply.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -1\r\n",
        b"Content-Length: 1e3\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 24\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: nonsense\r\n",
        b"X: " + b"x" * 200_000 + b"\r\n",
        b"Bad Header : x\r\n",
        b"\x00: x\r\n",
    ],
)
def test_a_head_that_is_out_of_order_is_refused_or_hung_up_on(
    head: bytes, api: Api, chat: str
) -> None:
    head = b"Content-Type: application/json\r\n" + head
    received = exchange(api, chat, head, QUESTION, breaks_off=True)
    assert status_of(received) in (0, 400, 413, 431)


def test_a_body_that_breaks_off_is_nobodys_question(api: Api, chat: str) -> None:
    head = b"Content-Type: application/json\r\nContent-Length: 900\r\n"
    received = exchange(api, chat, head, b'{"message": "How', breaks_off=True)
    assert status_of(received) in (0, 400)


ORIGINS = (
    "", "null", "https://evil.test", "https://shop.example.com.evil.test", "https://evilshop.example.com",
    "http://shop.example.com", "https://shop.example.com:8443", "HTTPS://SHOP.EXAMPLE.COM",
    "https://shop.example.com.", "https://sub.shop.example.com", "file://", "https://sh\u00f6p.example.com",
    "https://shop.example.com", "https://shop.example.com\r\nOrigin: https://evil.test",
)  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_origin_gets_to_read_an_answer(origin: str, api: Api, chat: str) -> None:
    """The listed site neither: the panel asks from this server's own origin."""
    line = f"Origin: {origin}\r\nReferer: {origin}/\r\n".encode() if origin else b""
    length = f"Content-Length: {len(QUESTION)}\r\n".encode()
    head = b"Content-Type: application/json\r\n" + line + length
    for key, status in ((None, 200), ("bf_00000000_nobody", 401)):
        received = exchange(api, chat, head, QUESTION, key=key)
        assert status_of(received) == status
        assert b"access-control-" not in received.lower()
