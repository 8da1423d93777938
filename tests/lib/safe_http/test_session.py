"""What a session does beside judging addresses: no cookies, no proxies, no mixing of policies."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import ResolveResult

from botfactory.lib.safe_http import (
    DnsFailed,
    Policy,
    UrlNotAllowed,
    build_user_agent,
    fetch,
    open_session,
    post,
)
from botfactory.lib.safe_http import session as session_module
from tests.doubles.fake_site import LOOPBACK, Reply, serve_site
from tests.lib.safe_http.conftest import ScriptedResolver

NAMES: dict[str, list[list[str]]] = {"both-loopbacks.example": [["::1", "127.0.0.1"]]}


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


async def test_it_keeps_no_cookies_and_names_the_product(dials: list[str]) -> None:
    pages: dict[str, Reply | str] = {"/": Reply("x", headers={"Set-Cookie": "id=1"}), "/two": "y"}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        await fetch(session, site.url("/"), policy=LOOPBACK)
        await fetch(session, site.url("/two"), policy=LOOPBACK)
        assert "Cookie" not in site.seen_headers["/two"]
        assert site.seen_headers["/two"]["User-Agent"] == build_user_agent()


async def test_proxy_variables_and_netrc_of_the_machine_count_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dials: list[str]
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.9:9")
    async with serve_site({"/": "direct"}) as site, open_session(LOOPBACK) as session:
        response = await fetch(session, site.url("/"), policy=LOOPBACK)
        assert response.body == b"direct"
        assert "Authorization" not in site.seen_headers["/"]
    assert set(dials) == {"127.0.0.1"}


async def test_a_kept_connection_serves_only_the_session_that_was_allowed_to_open_it(
    dials: list[str],
) -> None:
    async with (
        serve_site({"/": "hello"}) as site,
        open_session(LOOPBACK) as allowed,
        open_session(Policy()) as strict,
    ):
        for _ in range(2):
            await fetch(allowed, site.url("/"), policy=LOOPBACK)
        with pytest.raises(UrlNotAllowed):
            await fetch(strict, site.url("/"), policy=Policy())
    assert dials == ["127.0.0.1"]


async def test_a_silent_name_server_is_a_dns_failure(
    monkeypatch: pytest.MonkeyPatch, dials: list[str]
) -> None:
    class Silent(ScriptedResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(session_module, "LOOKUP_TIMEOUT_S", 0.05)
    async with open_session(Policy(), resolver=Silent({})) as session:
        with pytest.raises(DnsFailed) as caught:
            await fetch(session, "http://public.example/", policy=Policy())
    assert caught.value.retryable
    assert dials == []


@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_NONAME])
async def test_each_failure_of_the_name_server_is_a_dns_failure(
    code: int, dials: list[str]
) -> None:
    class Failing(ScriptedResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            raise socket.gaierror(code, "no answer")

    async with open_session(Policy(), resolver=Failing({})) as session:
        with pytest.raises(DnsFailed):
            await fetch(session, "http://public.example/", policy=Policy())
    assert dials == []


async def test_only_guarded_sessions_of_the_same_policy_are_used(dials: list[str]) -> None:
    async with aiohttp.ClientSession() as plain, open_session(LOOPBACK) as other:
        for session in (plain, other):
            with pytest.raises(TypeError, match="open_session"):
                await fetch(session, "http://127.0.0.1/", policy=Policy())
            with pytest.raises(TypeError, match="open_session"):
                await post(session, "http://127.0.0.1/", policy=Policy(), body=b"")
    assert dials == []
