"""Which addresses are dialled: the whole matrix, stopped at the socket."""

from __future__ import annotations

import aiohttp
import pytest

from botfactory.lib.safe_http import (
    ConnectFailed,
    DnsFailed,
    FetchError,
    Policy,
    UrlNotAllowed,
    fetch,
    open_session,
    post,
)
from tests.doubles.fake_site import LOOPBACK, Reply, serve_site
from tests.lib.safe_http.conftest import ScriptedResolver
from tests.lib.safe_http.test_addresses import CLOSED, METADATA, PUBLIC_V4
from tests.lib.safe_http.test_urls import BROKEN, DISGUISED, OTHER_SCHEMES

NAMES: dict[str, list[list[str]]] = {
    "localhost": [["127.0.0.1"]],
    "localhost.": [["127.0.0.1"]],
    "inside.example": [["10.1.2.3"]],
    "mixed.example": [[PUBLIC_V4, "10.0.0.1"]],
    "mixed6.example": [["2606:4700::1111", "::1"]],
    "public.example": [[PUBLIC_V4]],
    "dual.example": [["2606:4700::1111", PUBLIC_V4]],
    "rebinding.example": [[PUBLIC_V4], ["127.0.0.1"]],
    "nothing.example": [[]],
    "both-loopbacks.example": [["::1", "127.0.0.1"]],
}


def _literal_urls() -> list[str]:
    addresses = [one for one in CLOSED + METADATA if " " not in one and "%" not in one]
    return [f"http://[{one}]/" if ":" in one else f"http://{one}/" for one in addresses]


@pytest.mark.parametrize(
    "url",
    [
        *_literal_urls(),
        *DISGUISED,
        *OTHER_SCHEMES,
        *BROKEN,
        "http://localhost/",
        "http://localhost./",
        "http://inside.example/",
        "http://mixed.example/",
        "http://mixed6.example/",
        "http://public.example:22/",
        "http://public.example:6379/",
        "https://93.184.216.34:8080/",
    ],
)
async def test_a_forbidden_address_is_refused_with_no_dial(url: str, dials: list[str]) -> None:
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(FetchError) as caught:
            await fetch(session, url, policy=Policy())
        with pytest.raises(FetchError):
            await post(session, url, policy=Policy(), body=b"{}")
    assert caught.value.code in ("url_not_allowed", "url_invalid")
    assert dials == []


@pytest.mark.parametrize(
    "url", ["http://[::ffff:7f00:1]/", "http://127.0.0.1/", "http://localhost/"]
)
async def test_a_session_used_directly_refuses_too(url: str, dials: list[str]) -> None:
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(UrlNotAllowed):
            await session.get(url, allow_redirects=False)
    assert dials == []


@pytest.mark.parametrize(
    ("url", "dialled"),
    [
        ("http://public.example/", [PUBLIC_V4]),
        ("http://93.184.216.34/", [PUBLIC_V4]),
        ("http://[64:ff9b::5db8:d822]/", ["64:ff9b::5db8:d822"]),
        ("http://[2606:4700::1111]/", ["2606:4700::1111"]),
        ("http://dual.example/", ["2606:4700::1111", PUBLIC_V4]),
    ],
)
async def test_a_public_address_is_dialled(url: str, dialled: list[str], dials: list[str]) -> None:
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(ConnectFailed):
            await fetch(session, url, policy=Policy())
    assert set(dials) == set(dialled)


async def test_rebinding_is_harmless_as_the_dialled_address_is_the_checked_one(
    dials: list[str],
) -> None:
    resolver = ScriptedResolver(NAMES)
    async with open_session(Policy(), resolver=resolver) as session:
        with pytest.raises(ConnectFailed):
            await fetch(session, "http://rebinding.example/", policy=Policy())
        assert resolver.asked == ["rebinding.example"]
        assert set(dials) == {PUBLIC_V4}
    async with open_session(Policy(), resolver=resolver) as session:
        with pytest.raises(UrlNotAllowed):
            await fetch(session, "http://rebinding.example/", policy=Policy())
    assert set(dials) == {PUBLIC_V4}


@pytest.mark.parametrize("name", ["unknown.example", "nothing.example"])
async def test_a_name_without_addresses_is_a_dns_failure(name: str, dials: list[str]) -> None:
    async with open_session(Policy(), resolver=ScriptedResolver(NAMES)) as session:
        with pytest.raises(DnsFailed) as caught:
            await fetch(session, f"http://{name}/", policy=Policy())
    assert caught.value.retryable
    assert dials == []


async def test_loopback_works_only_when_the_operator_allows_it(dials: list[str]) -> None:
    async with serve_site({"/": "hello"}) as site:
        async with open_session(Policy()) as session:
            with pytest.raises(UrlNotAllowed, match="BOTFACTORY_ALLOWED_NETWORKS"):
                await fetch(session, site.url("/"), policy=Policy())
        assert dials == []
        async with open_session(LOOPBACK) as session:
            response = await fetch(session, site.url("/"), policy=LOOPBACK)
        assert response.body == b"hello"
        assert site.hits == {"/": 1}


async def test_an_allowed_loopback_name_dials_only_its_allowed_address(dials: list[str]) -> None:
    async with serve_site({"/": "hello"}) as site:
        port = site.base.rpartition(":")[2]
        async with open_session(LOOPBACK, resolver=ScriptedResolver(NAMES)) as session:
            url = f"http://both-loopbacks.example:{port}/"
            response = await fetch(session, url, policy=LOOPBACK)
    assert response.body == b"hello"
    assert dials == ["127.0.0.1"]


async def test_it_keeps_no_cookies_and_ignores_proxy_variables(
    monkeypatch: pytest.MonkeyPatch, dials: list[str]
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    pages: dict[str, Reply | str] = {"/": Reply("x", headers={"Set-Cookie": "id=1"}), "/two": "y"}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        await fetch(session, site.url("/"), policy=LOOPBACK)
        await fetch(session, site.url("/two"), policy=LOOPBACK)
        assert "Cookie" not in site.seen_headers["/two"]
        assert "BotFactory" in site.seen_headers["/two"]["User-Agent"]


async def test_only_guarded_sessions_of_the_same_policy_are_used(dials: list[str]) -> None:
    async with aiohttp.ClientSession() as plain, open_session(LOOPBACK) as other:
        for session in (plain, other):
            with pytest.raises(TypeError, match="open_session"):
                await fetch(session, "http://127.0.0.1/", policy=Policy())
            with pytest.raises(TypeError, match="open_session"):
                await post(session, "http://127.0.0.1/", policy=Policy(), body=b"")
    assert dials == []
