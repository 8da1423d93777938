"""Stylesheets and scripts over a connection that a browser keeps open."""

from __future__ import annotations

import http.client
import re
import socket
from pathlib import Path

from tests.e2e.processes import running_server

N_REQUESTS = 20


def test_requests_that_wait_on_one_connection_are_all_answered(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        host, port = server.url.removeprefix("http://").split(":")
        home = http.client.HTTPConnection(host, int(port), timeout=20)
        home.request("GET", "/")
        found = re.search(r'href="(/static/css/[^"]+)"', home.getresponse().read().decode())
        home.close()
        assert found is not None
        request = f"GET {found[1]} HTTP/1.1\r\nHost: {host}\r\n".encode()
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            # A browser sends the next one when it has the last byte, before the server is through.
            connection.sendall((request + b"\r\n") * N_REQUESTS)
            connection.sendall(request + b"Connection: close\r\n\r\n")
            body = b"".join(iter(lambda: connection.recv(65536), b""))

        assert re.findall(rb"HTTP/1.1 (\d+)", body) == [b"200"] * (N_REQUESTS + 1)
        assert "Traceback" not in server.said()
