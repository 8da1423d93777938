"""The aiohttp session in which every dialled address is judged at the socket.

There is no second lookup between the check and the dial: the resolver's answers are checked as one
set (a name that mixes public and private answers is refused whole), and the socket factory checks
each address again when its socket is about to be made. Literal addresses never meet the resolver;
the factory sees them all the same.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from botfactory.lib.safe_http.addresses import check_address, embedded_addresses, is_public
from botfactory.lib.safe_http.errors import UrlNotAllowed
from botfactory.lib.safe_http.policy import Policy

CONNECT_TIMEOUT_S = 10.0
LOOKUP_TIMEOUT_S = 10.0
MAX_HEADER_BYTES = 32_768
MAX_HEADERS = 128

AddressInfo = tuple[int, int, int, str, tuple[object, ...]]


def open_session(
    policy: Policy,
    *,
    resolver: AbstractResolver | None = None,
    max_connections: int = 100,
    max_connections_per_host: int = 0,
    keepalive_s: float = 15.0,
) -> aiohttp.ClientSession:
    """A session that can only reach what `policy` allows; close it with `async with`.

    Call it inside a running event loop. It keeps no cookies and ignores proxy variables. Requests
    made on it directly (streams of engines) raise UrlNotAllowed before anything is dialled; they
    must pass `allow_redirects=False`, as redirects are followed by `fetch` only. Zero connections
    per host means no limit beside `max_connections`.
    """
    connector = _GuardedConnector(
        policy,
        resolver=_CheckedResolver(resolver or ThreadedResolver(), policy),
        limit=max_connections,
        limit_per_host=max_connections_per_host,
        keepalive_timeout=keepalive_s,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        headers={"User-Agent": policy.user_agent},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
    )


def require_guarded(session: aiohttp.ClientSession, policy: Policy) -> None:
    """Raises TypeError for a session that `open_session` did not make with this policy."""
    connector = session.connector
    if not isinstance(connector, _GuardedConnector) or connector.policy != policy:
        raise TypeError("the session was not made by open_session with this policy")


class _GuardedConnector(aiohttp.TCPConnector):
    """A connector whose every socket passes `check_address`."""

    def __init__(
        self,
        policy: Policy,
        *,
        resolver: AbstractResolver,
        limit: int,
        limit_per_host: int,
        keepalive_timeout: float,
    ) -> None:
        self.policy = policy
        super().__init__(
            resolver=resolver,
            socket_factory=_socket_factory(policy),
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=keepalive_timeout,
            ttl_dns_cache=10,
        )


def _socket_factory(policy: Policy) -> Callable[[AddressInfo], socket.socket]:
    def make_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        check_address(str(address[0]), int(str(address[1])), policy)
        return socket.socket(family, kind, protocol)

    return make_socket


class _CheckedResolver(AbstractResolver):
    """The answers of another resolver, refused when a public name also points inside."""

    def __init__(self, inner: AbstractResolver, policy: Policy) -> None:
        self._inner = inner
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        answers = await self._look_up(host, port, family)
        allowed: list[ResolveResult] = []
        refusal: UrlNotAllowed | None = None
        for answer in answers:
            try:
                check_address(answer["host"], port, self._policy)
            except UrlNotAllowed as exc:
                refusal = exc
            else:
                allowed.append(answer)
        # `localhost` may answer ::1 beside an allowed 127.0.0.1: that is no trick, and only the
        # allowed address is dialled. A public answer beside a closed one is how rebinding looks.
        if refusal is not None and (
            not allowed or any(_leads_outside(answer["host"]) for answer in allowed)
        ):
            raise refusal
        return allowed

    async def _look_up(
        self, host: str, port: int, family: socket.AddressFamily
    ) -> list[ResolveResult]:
        """Raises: OSError, which aiohttp takes for a failed lookup; a silent server is one."""
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                answers = await self._inner.resolve(host, port, family)
        except TimeoutError as exc:
            raise OSError(None, "the name server does not answer") from exc
        if not answers:
            raise OSError(None, "no addresses")
        return answers

    async def close(self) -> None:
        await self._inner.close()


def _leads_outside(host: str) -> bool:
    address = ip_address(host)
    return is_public(address) or any(is_public(inner) for inner in embedded_addresses(address))
