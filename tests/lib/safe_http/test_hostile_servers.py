"""Servers that lie, drip, flood or blow up: each ends as a typed error, soon and in little room."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib

import pytest

from botfactory.lib.safe_http import (
    FetchError,
    FetchTimeout,
    ResponseBroken,
    ResponseTooLarge,
    fetch,
    open_session,
    post,
)
from tests.doubles.fake_site import LOOPBACK
from tests.lib.safe_http.conftest import serve_raw

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = OK + b"Content-Encoding: gzip\r\n"
TEXT = b"hello " * 1_000
PACKED = gzip.compress(TEXT)

BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
    "HTTP 0.9": b"<html>hello</html>",
    "HTTP 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "status too small": b"HTTP/1.1 99 X\r\nContent-Length: 2\r\n\r\nhi",
    "status too large": b"HTTP/1.1 9999 X\r\nContent-Length: 2\r\n\r\nhi",
    "another protocol": b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "length twice": OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\nhiabc",
    "length as a list": OK + b"Content-Length: 2, 5\r\n\r\nhiabc",
    "length below zero": OK + b"Content-Length: -1\r\n\r\nhi",
    "length with a sign": OK + b"Content-Length: +2\r\n\r\nhi",
    "length beyond numbers": OK + b"Content-Length: 99999999999999999999999\r\n\r\nhi",
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length too long": OK + b"Content-Length: 1000\r\n\r\nonly this",
    "chunks twice": OK + b"Transfer-Encoding: chunked\r\n" + CHUNKED[17:] + b"0\r\n\r\n",
    "chunks under another name": OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks before packing": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "packing before chunks": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunk size no number": CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "chunk size below zero": CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "chunk size beyond numbers": CHUNKED + b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "chunk longer than said": CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
    "chunk cut short": CHUNKED + b"ffff\r\nhello",
    "last chunk missing": CHUNKED + b"5\r\nhello\r\n",
    "trailers without end": CHUNKED + b"0\r\n" + b"X-A: b\r\n" * 50_000,
    "header without end": OK + b"X: " + b"a" * 3_000_000,
    "status line without end": b"HTTP/1.1 200 " + b"a" * 3_000_000,
    "ten thousand headers": OK + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n",
    "NUL in a header": OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\nhi",
    "bare CR in a header": OK + b"X: a\rY: b\r\nContent-Length: 2\r\n\r\nhi",
    "space in a header's name": OK + b"X Y: a\r\nContent-Length: 2\r\n\r\nhi",
    "not gzip": GZIP + b"\r\nthis is not gzip",
    "gzip cut short": GZIP + b"\r\n" + PACKED[:-10],
    "gzip cut to a byte": GZIP + b"\r\n" + PACKED[:1],
    "gzip with a wrong sum": GZIP + b"\r\n" + PACKED[:-8] + bytes(8),
    "second gzip member damaged": GZIP + b"\r\n" + PACKED + PACKED[:10] + b"junk" * 100,
    "deflate cut short": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(TEXT)[:-6],
    "packed twice": GZIP + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(PACKED),
    "packed twice in one line": OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + PACKED,
    "packed by gzip and br": GZIP + b"Content-Encoding: br\r\n\r\n" + PACKED,
    "br": OK + b"Content-Encoding: br\r\n\r\n\x0b\x02\x80hello\x03",
    "zstd": OK + b"Content-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd\x00",
    "compress": OK + b"Content-Encoding: compress\r\n\r\nx",
    "an unknown packing": OK + b"Content-Encoding: x-unknown\r\n\r\nx",
}
READABLE = {
    "length": OK + b"Content-Length: %d\r\n\r\n" % len(TEXT) + TEXT,
    "until the end": OK + b"\r\n" + TEXT,
    "chunks": CHUNKED + b"%x;name=value\r\n" % len(TEXT) + TEXT + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
    "after early hints": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK + b"\r\n" + TEXT,
    "bare line feeds": b"HTTP/1.1 200 OK\n\n" + TEXT,
    "identity": OK + b"Content-Encoding: identity\r\n\r\n" + TEXT,
    "gzip": GZIP + b"Content-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
    "gzip in upper case": OK + b"Content-Encoding: GZIP\r\n\r\n" + PACKED,
    "gzip members": GZIP + b"\r\n" + gzip.compress(TEXT[:7]) + gzip.compress(TEXT[7:]),
    "gzip with padding": GZIP + b"\r\n" + PACKED + b"\x00" * 512,
    "gzip chunks of one byte": GZIP
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"".join(b"1\r\n%c\r\n" % byte for byte in PACKED)
    + b"0\r\n\r\n",
    "deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(TEXT),
    "bare deflate": OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(TEXT)[2:-4],
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
async def test_a_reply_that_breaks_the_rules_is_refused_whole(
    reply: bytes, dials: list[str]
) -> None:
    async with serve_raw(reply) as url, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseBroken) as fetched:
            await fetch(session, url, policy=LOOPBACK, timeout_s=5)
        with pytest.raises(FetchError):
            await post(session, url, policy=LOOPBACK, body=b"{}", timeout_s=5)
    assert fetched.value.retryable


@pytest.mark.parametrize("reply", READABLE.values(), ids=READABLE.keys())
async def test_every_usual_way_of_sending_a_body_is_read(reply: bytes) -> None:
    async with serve_raw(reply) as url, open_session(LOOPBACK) as session:
        response = await fetch(session, url, policy=LOOPBACK, timeout_s=5)
    assert response.body == TEXT


async def test_only_what_can_be_unpacked_is_asked_for() -> None:
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"Content-Length: 0\r\n\r\n")

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        await fetch(session, url, policy=LOOPBACK, headers={"Accept-Encoding": "br, zstd, *"})
    assert b"\r\nAccept-Encoding: gzip, deflate\r\n" in heads[0]


def _many_members(n_members: int) -> bytes:
    return gzip.compress(bytes(1_000_000)) * n_members


_GZIPPED = gzip.compress(bytes(100_000_000))
_DEFLATED = zlib.compress(bytes(100_000_000))
BOMBS = {
    "gzip": ("gzip", _GZIPPED),
    "deflate": ("deflate", _DEFLATED),
    "bare deflate": ("deflate", _DEFLATED[2:-4]),
    "gzip members": ("gzip", _many_members(100)),
    "gzip in gzip": ("gzip", gzip.compress(_GZIPPED * 300)),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_stops_at_the_inflated_cap_in_little_memory(name: str) -> None:
    encoding, packed = BOMBS[name]
    head = OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
    reply = head % (encoding.encode(), len(packed)) + packed
    async with serve_raw(reply) as url, open_session(LOOPBACK) as session:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLarge):
                await fetch(session, url, policy=LOOPBACK, max_bytes=1_000_000)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 8_000_000


async def test_a_packed_stream_that_never_grows_ends_at_the_cap_too() -> None:
    """Empty stored blocks are legal, endless, and inflate to nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Encoding: deflate\r\n\r\n\x78\x9c")
        while True:
            writer.write(b"\x00\x00\x00\xff\xff" * 10_000)
            await writer.drain()

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseTooLarge):
            await fetch(session, url, policy=LOOPBACK, max_bytes=1_000_000)


@pytest.mark.parametrize("head", [CHUNKED, OK + b"\r\n"])
async def test_a_body_without_end_stops_at_the_cap(head: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(b"1000\r\n" + bytes(4_096) + b"\r\n")
            await writer.drain()

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseTooLarge):
            await fetch(session, url, policy=LOOPBACK, max_bytes=1_000_000)


DRIPS = {
    "nothing": (b"", b""),
    "status line": (b"", b"H"),
    "headers": (OK, b"X-A: b\r\n"),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": (OK + b"Content-Length: 1000000\r\n\r\n", b"a"),
    "chunks": (CHUNKED, b"1\r\na\r\n"),
    "chunk extension": (CHUNKED + b"1;", b"a"),
    "trailers": (CHUNKED + b"0\r\n", b"X-A: b\r\n"),
    "gzip": (GZIP + b"\r\n" + PACKED[:10], b"\x00"),
}


@pytest.mark.parametrize("name", DRIPS)
async def test_dripping_bytes_do_not_stretch_the_time_allowed(name: str) -> None:
    head, drop = DRIPS[name]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        start_s = time.monotonic()
        with pytest.raises((FetchTimeout, ResponseBroken)):
            await fetch(session, url, policy=LOOPBACK, timeout_s=0.2)
    assert time.monotonic() - start_s < 2


async def test_the_time_allowed_holds_over_all_redirects_together() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 302 F\r\nLocation: %sx\r\nContent-Length: 0\r\n\r\n" % path)

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        with pytest.raises(FetchTimeout):
            await fetch(session, url, policy=LOOPBACK, timeout_s=0.25)


async def test_a_flood_of_interim_replies_ends_with_the_time_allowed() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)
            await writer.drain()

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        tracemalloc.start()
        try:
            with pytest.raises(FetchTimeout):
                await fetch(session, url, policy=LOOPBACK, timeout_s=0.3)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 30_000_000


async def test_a_second_reply_hidden_behind_the_first_answers_nothing() -> None:
    """What a server sends unasked must not become the reply to the next request."""
    n_connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_connections
        n_connections += 1
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(path) + path)
            writer.write(OK + b"Content-Length: 8\r\n\r\nsmuggled")
            await writer.drain()

    async with serve_raw(talk) as url, open_session(LOOPBACK) as session:
        for path in ("a", "b", "c"):
            try:
                response = await fetch(session, url + path, policy=LOOPBACK)
            except ResponseBroken:
                continue
            assert response.body == b"/" + path.encode()
    assert n_connections == 3


async def test_headers_that_are_no_text_can_be_stored_and_sent_back() -> None:
    reply = OK + b'ETag: "\xff\xfe"\r\nContent-Type: text/\xe9\r\nContent-Length: 0\r\n\r\n'
    async with serve_raw(reply) as url, open_session(LOOPBACK) as session:
        response = await fetch(session, url, policy=LOOPBACK)
        etag = response.headers["ETag"]
        assert etag.encode()
        await fetch(session, url, policy=LOOPBACK, headers={"If-None-Match": etag})
    assert response.headers["content-type"].encode()


@pytest.mark.parametrize("status", [204, 304])
async def test_a_reply_without_body_may_name_any_length(status: int) -> None:
    reply = b"HTTP/1.1 %d X\r\nContent-Length: 99999999\r\nETag: x\r\n\r\n" % status
    async with serve_raw(reply) as url, open_session(LOOPBACK) as session:
        response = await fetch(session, url, policy=LOOPBACK)
    assert (response.status, response.body) == (status, b"")
