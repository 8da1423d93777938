from __future__ import annotations

import asyncio
import datetime
import errno
import gzip
import ssl
from io import BytesIO
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
    ResponseTooLarge,
    StorageFull,
    TlsFailed,
    TooManyRedirects,
    UrlInvalid,
    UrlNotAllowed,
    download,
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


async def test_secrets_stay_with_their_origin_whatever_their_header_is_called() -> None:
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
                    headers={
                        "authorization": "Bearer secret",
                        "Private-Token": "secret",
                        "X-Some-Key": "secret",
                        "Accept": "text/plain",
                    },
                )
            assert site.seen_headers["/end"]["Authorization"] == "Bearer secret"
            assert site.seen_headers["/end"]["Private-Token"] == "secret"
            assert "secret" not in str(other.seen_headers["/end"])
            assert other.seen_headers["/end"]["Accept"] == "text/plain"


async def test_a_post_sends_its_body_and_follows_no_redirect(dials: list[str]) -> None:
    pages = {"/hook": Reply("moved", status=307, headers={"Location": "http://10.0.0.1/"})}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        response = await post(session, site.url("/hook"), policy=LOOPBACK, body=b'{"a": 1}')
        assert response.status == 307
        assert site.seen_headers["/hook"]["Content-Length"] == "8"


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


async def test_a_download_writes_the_unpacked_body_and_tells_its_size() -> None:
    packed = Reply(gzip.compress(b"text" * 100_000), headers={"Content-Encoding": "gzip"})
    pages: dict[str, Reply | str] = {
        "/a": Reply(status=302, headers={"Location": "/b"}),
        "/b": packed,
        "/gone": Reply("not here", status=404),
        "/same": Reply(status=304, headers={"ETag": '"7"'}),
    }
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        replies = {}
        files = {}
        for path in ("/a", "/gone", "/same"):
            files[path] = BytesIO()
            replies[path] = await download(
                session,
                site.url(path),
                policy=LOOPBACK,
                file=files[path],
                max_bytes=1_000_000,
                timeout_s=5,
            )
        assert (str(replies["/a"].url), replies["/a"].n_bytes) == (site.url("/b"), 400_000)
        assert files["/a"].getvalue() == b"text" * 100_000
        assert [replies[path].status for path in ("/gone", "/same")] == [404, 304]
        assert files["/gone"].getvalue() == b""
        assert replies["/same"].headers["ETag"] == '"7"'


async def test_a_download_has_the_limits_of_a_fetch(dials: list[str]) -> None:
    pages = {
        "/large": Reply(bytes(2_000_000), stall=True),
        "/bomb": gzip_bomb(50_000_000),
        "/slow": Reply(b"a", stall=True),
        "/away": Reply(status=302, headers={"Location": "http://10.0.0.1/"}),
    }
    errors: dict[str, type[FetchError]] = {
        "/large": ResponseTooLarge,
        "/bomb": ResponseTooLarge,
        "/slow": FetchTimeout,
        "/away": UrlNotAllowed,
    }
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        for path, error in errors.items():
            file = BytesIO()
            with pytest.raises(error):
                await download(
                    session,
                    site.url(path),
                    policy=LOOPBACK,
                    file=file,
                    max_bytes=1_000_000,
                    timeout_s=0.3 if path == "/slow" else 5,
                )
            assert len(file.getvalue()) <= 1_000_000
    assert set(dials) == {"127.0.0.1"}


async def test_a_full_disk_is_not_taken_for_a_broken_connection() -> None:
    class FullDisk(BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    async with serve_site({"/": "hello"}) as site, open_session(LOOPBACK) as session:
        with pytest.raises(StorageFull) as caught:
            await download(
                session,
                site.url("/"),
                policy=LOOPBACK,
                file=FullDisk(),
                max_bytes=1_000,
                timeout_s=5,
            )
    assert caught.value.status == 507


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
