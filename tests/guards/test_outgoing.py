"""Only safe_http goes out to the network. Reads the code; runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.guards.test_layers import MODULES, _imports, _is_within

SAFE = "botfactory.lib.safe_http"

# Whatever can open a connection of its own: HTTP clients, sockets, mail, remote shells, browsers.
CLIENTS = (
    "aiodns",
    "aiosmtplib",
    "boto3",
    "botocore",
    "curl_cffi",
    "feedparser",
    "ftplib",
    "grpc",
    "http.client",
    "httpcore",
    "httpx",
    "huggingface_hub",
    "imaplib",
    "openai",
    "paramiko",
    "playwright",
    "poplib",
    "psycopg",
    "pycurl",
    "qdrant_client",
    "redis",
    "requests",
    "selenium",
    "smtplib",
    "socket",
    "telnetlib",
    "tldextract",
    "urllib.request",
    "urllib3",
    "websockets",
    "xmlrpc",
)
OPENERS = (
    "ClientSession",
    "TCPConnector",
    "create_connection",
    "create_datagram_endpoint",
    "fetch_url",
    "open_connection",
    "open_unix_connection",
    "sock_connect",
    "urlopen",
    "urlretrieve",
    "ws_connect",
)
# Programs that fetch when they are started.
PROGRAMS = frozenset({"curl", "git", "wget", "ssh", "scp", "rsync"})

# Who may import one of these all the same, and why no person's address can get there.
ALLOWED = {
    ("bots.knowledge.server_store", "qdrant_client"): "QDRANT_URL is the operator's",
    (
        "bots.knowledge.server_requests",
        "qdrant_client",
    ): "names that client's models, opens nothing",
    ("bots.knowledge.server_store", "httpx"): "names the errors of that client",
    ("botfactory.management.commands.serve", "socket"): "listens, never connects",
    ("ingestion.crawling.rendering", "playwright"): (
        "its browser has no network: safe_http fetches what pages ask for"
    ),
}


def _outside() -> Iterator[tuple[str, ast.Module]]:
    yield from (one for one in MODULES.items() if not _is_within(one[0], SAFE))


def _clients_in(module: str, tree: ast.Module) -> set[tuple[str, str]]:
    return {
        (module, client)
        for imported in _imports(tree)
        for client in CLIENTS
        if _is_within(imported, client)
    }


def test_nothing_else_imports_what_can_connect() -> None:
    found = set[tuple[str, str]]().union(*(_clients_in(*one) for one in _outside()))
    expected = {one for one in ALLOWED if one[0] in MODULES}
    assert found == expected, "an outgoing door beside safe_http, or an exception not needed"


def test_nothing_else_opens_sessions_or_connections() -> None:
    breaches = [
        f"{module} calls {ast.unparse(node.func)}"
        for module, tree in _outside()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in OPENERS
    ]
    assert breaches == []


def test_nothing_starts_a_program_that_fetches() -> None:
    breaches = [
        f"{module} names {node.elts[0].value}"
        for module, tree in _outside()
        for node in ast.walk(tree)
        if isinstance(node, ast.List | ast.Tuple)
        and node.elts
        and isinstance(node.elts[0], ast.Constant)
        and node.elts[0].value in PROGRAMS
    ]
    assert breaches == []


def test_nobody_switches_the_protection_of_a_request_off() -> None:
    """aiohttp takes these for a single request; each would go past what the session checks."""
    names = ("allow_redirects", "proxy", "ssl", "verify_ssl", "trust_env")
    breaches = [
        f"{module}: {keyword.arg}={ast.unparse(keyword.value)}"
        for module, tree in _outside()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("get", "post", "request", "head", "put")
        for keyword in node.keywords
        if keyword.arg in names and ast.unparse(keyword.value) != "False"
    ]
    assert breaches == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import requests", {("m", "requests")}),
        ("def f():\n    from urllib.request import urlopen", {("m", "urllib.request")}),
        ("from urllib import request", {("m", "urllib.request")}),
        ("from urllib.parse import urlsplit", set()),
        ("import http", set()),
    ],
)
def test_the_guard_sees_imports_wherever_they_stand(code: str, found: set[object]) -> None:
    assert _clients_in("m", ast.parse(code)) == found
