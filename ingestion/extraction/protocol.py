"""What the server and an extraction worker say to each other over two pipes.

A message is the length of a JSON head (four bytes, big-endian), the head, and as many raw bytes as
its `n_bytes` says. JSON and bytes, never pickle: the worker has read hostile files and is not
trusted.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO

MAX_HEAD_BYTES = 1_000_000
MAX_BODY_BYTES = 100_000_000

_LENGTH = struct.Struct(">I")

Head = dict[str, object]


class ProtocolBroken(Exception):
    """The other side closed the pipe or sent something else."""


def send(stream: IO[bytes], head: Mapping[str, object], body: bytes) -> None:
    """Writes one message. Raises: OSError when the other side is gone."""
    encoded = json.dumps({**head, "n_bytes": len(body)}).encode()
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Head, bytes]:
    """Reads one message. Raises: ProtocolBroken."""
    (n_head,) = _LENGTH.unpack(_read(stream, _LENGTH.size, MAX_HEAD_BYTES))
    try:
        head = json.loads(_read(stream, n_head, MAX_HEAD_BYTES))
    except ValueError as exc:
        raise ProtocolBroken("head is not JSON") from exc
    n_body = head.get("n_bytes") if isinstance(head, dict) else None
    if not isinstance(n_body, int):
        raise ProtocolBroken("head has no length")
    return head, _read(stream, n_body, MAX_BODY_BYTES)


def _read(stream: IO[bytes], n_bytes: int, n_most: int) -> bytes:
    if not 0 <= n_bytes <= n_most:
        raise ProtocolBroken("length out of range")
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise ProtocolBroken("pipe closed")
    return data
