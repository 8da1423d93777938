from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
import zlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from botfactory.lib.safe_http import (
    ConnectFailed,
    FetchError,
    FetchTimeout,
    ResponseBroken,
    ResponseTooLarge,
    TlsFailed,
    TooManyRedirects,
    UrlInvalid,
    UrlNotAllowed,
    fetch,
    open_session,
    post,
)
from tests.doubles.fake_site import LOOPBACK, Reply, gzip_bomb, serve_site


async def test_it_returns_status_headers_body_and_the_redirects_before(dials: list[str]) -> None:
    pages = {
        "/a": Reply(status=302, headers={"Location": "/b"}),
        "/b": Reply(status=301, headers={"Location": "{base}/c?x=1"}),
        "/c?x=1": Reply("end", status=404, headers={"ETag": '"7"'}),
    }
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        response = await fetch(session, site.url("/a"), policy=LOOPBACK)
        assert str(response.url) == site.url("/c?x=1")
        assert (response.status, response.body) == (404, b"end")
        assert response.headers["etag"] == '"7"'
        assert [one.path for one in response.redirects] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://10.0.0.1/", UrlNotAllowed),
        ("http://169.254.169.254/latest/", UrlNotAllowed),
        ("http://0x7f000001/", UrlNotAllowed),
        ("file:///etc/passwd", UrlNotAllowed),
        ("http://user:pw@127.0.0.1/", UrlInvalid),
        ("http://a\\@b/", UrlInvalid),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_judged_like_the_first_address(
    location: str, error: type[FetchError], status: int, dials: list[str]
) -> None:
    pages = {"/": Reply(status=status, headers={"Location": location})}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        with pytest.raises(error):
            await fetch(session, site.url("/"), policy=LOOPBACK)
    assert set(dials) == {"127.0.0.1"}


async def test_a_circle_and_a_long_chain_of_redirects_end() -> None:
    pages = {"/loop": Reply(status=302, headers={"Location": "/loop"})}
    for n in range(20):
        pages[f"/{n}"] = Reply(status=302, headers={"Location": f"/{n + 1}"})
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        for path in ("/loop", "/0"):
            with pytest.raises(TooManyRedirects):
                await fetch(session, site.url(path), policy=LOOPBACK)
        assert site.hits["/loop"] == 1
        assert sum(site.hits.values()) == 1 + 1 + LOOPBACK.max_redirects


async def test_authorization_stays_with_its_origin() -> None:
    async with serve_site({"/end": "there"}) as other:
        pages: dict[str, Reply | str] = {
            "/same": Reply(status=302, headers={"Location": "/end"}),
            "/away": Reply(status=302, headers={"Location": other.url("/end")}),
            "/end": "here",
        }
        async with serve_site(pages) as site, open_session(LOOPBACK) as session:
            for path in ("/same", "/away"):
                await fetch(
                    session,
                    site.url(path),
                    policy=LOOPBACK,
                    headers={"authorization": "Bearer secret", "X-Plain": "1"},
                )
            assert site.seen_headers["/end"]["Authorization"] == "Bearer secret"
            assert "authorization" not in {name.lower() for name in other.seen_headers["/end"]}
            assert other.seen_headers["/end"]["X-Plain"] == "1"


async def test_a_post_sends_its_body_and_follows_no_redirect(dials: list[str]) -> None:
    pages = {"/hook": Reply("moved", status=307, headers={"Location": "http://10.0.0.1/"})}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        response = await post(session, site.url("/hook"), policy=LOOPBACK, body=b'{"a": 1}')
        assert response.status == 307
        assert site.seen_headers["/hook"]["Content-Length"] == "8"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_packed_bodies_are_read_and_bombs_stop_at_the_cap(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    pages = {
        "/fine": Reply(pack(b"text" * 1000), headers={"Content-Encoding": encoding}),
        "/bomb": Reply(pack(bytes(50_000_000)), headers={"Content-Encoding": encoding}),
    }
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        fine = await fetch(session, site.url("/fine"), policy=LOOPBACK)
        assert fine.body == b"text" * 1000
        with pytest.raises(ResponseTooLarge):
            await fetch(session, site.url("/bomb"), policy=LOOPBACK, max_bytes=1_000_000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,br", "x-unknown"])
async def test_encodings_that_were_not_asked_for_are_refused(encoding: str) -> None:
    pages = {"/": Reply(gzip.compress(b"x"), headers={"Content-Encoding": encoding})}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseBroken):
            await fetch(session, site.url("/"), policy=LOOPBACK)
        assert site.seen_headers["/"]["Accept-Encoding"] == "gzip, deflate"


async def test_damaged_packing_is_a_typed_error() -> None:
    broken = Reply(b"this is not gzip", headers={"Content-Encoding": "gzip"})
    async with serve_site({"/": broken}) as site, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseBroken):
            await fetch(session, site.url("/"), policy=LOOPBACK)


async def test_a_large_body_ends_at_the_cap_with_and_without_a_stated_length() -> None:
    pages = {
        "/stated": Reply(bytes(2_000_000)),
        "/endless": Reply(bytes(2_000_000), stall=True),
        "/edge": Reply(bytes(1_000_000)),
    }
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        for path in ("/stated", "/endless"):
            with pytest.raises(ResponseTooLarge):
                await fetch(session, site.url(path), policy=LOOPBACK, max_bytes=1_000_000)
        edge = await fetch(session, site.url("/edge"), policy=LOOPBACK, max_bytes=1_000_000)
        assert len(edge.body) == 1_000_000


async def test_a_server_that_never_finishes_is_left_after_the_time_allowed() -> None:
    pages = {"/": Reply("<p>a bit", stall=True)}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        with pytest.raises(FetchTimeout) as caught:
            await fetch(session, site.url("/"), policy=LOOPBACK, timeout_s=0.1)
    assert caught.value.retryable


async def test_a_body_shorter_than_announced_is_not_returned() -> None:
    async def cut_short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(cut_short, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_session(LOOPBACK) as session:
        with pytest.raises(ResponseBroken):
            await fetch(session, f"http://127.0.0.1:{port}/", policy=LOOPBACK)


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH_9.0\r\n\r\n", b""])
async def test_a_server_that_does_not_speak_http_is_a_typed_error(reply: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_session(LOOPBACK) as session:
        with pytest.raises((ResponseBroken, ConnectFailed)):
            await fetch(session, f"http://127.0.0.1:{port}/", policy=LOOPBACK)


async def test_a_closed_port_is_a_connection_failure() -> None:
    async with serve_site({}) as site:
        url = site.url("/")
    async with open_session(LOOPBACK) as session:
        with pytest.raises(ConnectFailed) as caught:
            await fetch(session, url, policy=LOOPBACK)
    assert caught.value.retryable


async def test_a_self_signed_certificate_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_self_signed(tmp_path))

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server, open_session(LOOPBACK) as session:
        with pytest.raises(TlsFailed):
            await fetch(session, f"https://127.0.0.1:{port}/", policy=LOOPBACK)


def _self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


async def test_a_bomb_made_by_the_fake_site_is_small_on_the_wire() -> None:
    assert len(bytes(gzip_bomb(1_000_000).body)) < 2_000  # type: ignore[arg-type]
