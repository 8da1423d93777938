"""An OpenAI-compatible server that answers anything at all: typed errors, and the text so far."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from numpy.typing import NDArray

from bots.engines.base import ChatTurn, Finished, FinishReason, Prompt, Usage
from bots.engines.chat_templates import TemplateConfig, TemplateMode, TemplateTokens
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
)
from bots.engines.registry import EngineConfig, build_engine

KEY = "sesame-open"
PROMPT = Prompt((ChatTurn("user", "Hi"),), "Hi", ())
BY_TOKENS = TemplateConfig(TemplateMode.TOKENS, tokens=TemplateTokens("<u>", "", "<a>"))
STREAM = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


async def no_embedding(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("a server needs no embeddings")


class Server:
    def __init__(self, url: str, received: list[bytes]) -> None:
        self.url = url
        self.received = received

    async def ask(self, kind: str = "chat") -> tuple[str, object]:
        """The text shown, and how it ended: Finished or an error."""
        shown: list[str] = []
        async with aiohttp.ClientSession() as session:
            config = EngineConfig(
                "tgi" if kind == "tgi" else "openai",
                url=self.url,
                api_key=KEY,
                template=TemplateConfig() if kind == "chat" else BY_TOKENS,
            )
            engine = build_engine(config, session=session, embed=no_embedding)
            try:
                async for event in engine.stream(PROMPT):
                    if isinstance(event, Finished):
                        return "".join(shown), event
                    shown.append(event.text)
            except EngineError as exc:
                return "".join(shown), exc
        raise AssertionError("the stream ended in nothing")


@asynccontextmanager
async def serving(*pieces: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that answers every request with `pieces`, each in a packet of its own."""
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    async with server:
        yield Server(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", received)


def chunk(text: object = None, finish: object = None, *, kind: str = "chat", **rest: object) -> str:
    inner = {"text": text} if kind == "text" else {"delta": {"content": text}}
    return json.dumps({"choices": [{"index": 0, **inner, "finish_reason": finish}], **rest})


def stream(*events: str) -> bytes:
    return STREAM.encode() + b"".join(b"data: " + event.encode() + b"\n\n" for event in events)


@pytest.fixture(params=["chat", "text"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_html_is_refused(kind: str) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<h1>Hi</h1>\n"
    async with serving(page) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("", EngineRejected)


@pytest.mark.parametrize(
    "events",
    [
        ("{broken",),
        ("[]",),
        ('"text"',),
        ("null",),
        ("[" * 100_000,),
        ('{"error": {"message": "no", "code": 500}}',),
        ('{"error": "no"}',),
    ],
)
async def test_broken_events_after_some_text_are_an_interruption(
    kind: str, events: tuple[str, ...]
) -> None:
    async with serving(stream(chunk("So far", kind=kind), *events)) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("So far", EngineInterrupted)


async def test_an_event_that_never_got_its_blank_line_is_an_interruption(kind: str) -> None:
    half = b"data: " + chunk(" and", "stop", kind=kind).encode()[:20]
    async with serving(stream(chunk("So far", kind=kind)), half) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("So far", EngineInterrupted)


async def test_a_missing_done_and_missing_usage_leave_a_whole_answer(kind: str) -> None:
    async with serving(stream(chunk("Yes.", "stop", kind=kind))) as server:
        assert await server.ask(kind) == ("Yes.", Finished(FinishReason.STOP, Usage()))


async def test_a_line_of_ten_megabytes_keeps_the_text_so_far(kind: str) -> None:
    line = b"data: " + b"x" * 10_000_000
    async with serving(stream(chunk("So far", kind=kind)), line) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("So far", EngineInterrupted)


async def test_bytes_that_are_no_utf_8_become_replacement_characters(kind: str) -> None:
    whole = stream(chunk("a@b", "stop", kind=kind))
    cut = whole.index(b"@")
    pieces = (whole[:cut], b"\xf0\x9f", b"\x99", whole[cut + 1 :])  # a smiley without its last byte
    async with serving(*pieces) as server:
        text, end = await server.ask(kind)
    assert text == "a\ufffdb"
    assert isinstance(end, Finished)


async def test_tool_calls_and_empty_choices_show_nothing() -> None:
    call = {"index": 0, "id": "1", "function": {"name": "rm", "arguments": "{}"}}
    events = (
        '{"choices": []}',
        json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}),
        chunk(None, "tool_calls"),
        "[DONE]",
    )
    async with serving(stream(*events)) as server:
        assert await server.ask() == ("", Finished(FinishReason.STOP, Usage()))


async def test_only_done_is_an_interruption(kind: str) -> None:
    async with serving(stream("[DONE]")) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("", EngineInterrupted)


async def test_429_tells_when_to_come_back(kind: str) -> None:
    reply = b"HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n"
    async with serving(reply) as server:
        _, end = await server.ask(kind)
    assert isinstance(end, EngineOverloaded)
    assert end.retry_after_s == 9


@pytest.mark.parametrize("kind", ["chat", "text", "tgi"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_never_gets_the_key(kind: str, status: int) -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as other:
        location = f"Location: {other.url}/steal\r\nContent-Length: 0\r\n\r\n"
        async with serving(f"HTTP/1.1 {status} Moved\r\n{location}".encode()) as server:
            text, end = await server.ask(kind)
    assert (text, type(end)) == ("", EngineRejected)
    assert KEY.encode() in server.received[0]
    assert other.received == []


def self_signed(folder: Path, *, expired: bool) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "engine")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=9)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=1 if expired else 99))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("kind", ["chat", "text", "tgi"])
@pytest.mark.parametrize("expired", [False, True])
async def test_a_certificate_that_proves_nothing_never_gets_the_key(
    tmp_path: Path, kind: str, expired: bool
) -> None:
    tls = self_signed(tmp_path, expired=expired)
    async with serving(stream(chunk("x", "stop")), tls=tls) as server:
        text, end = await server.ask(kind)
    assert (text, type(end)) == ("", EngineUnavailable)
    assert server.received == []
