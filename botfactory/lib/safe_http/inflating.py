"""Packed bodies, unpacked in pieces of a known size.

The HTTP library's own unpacking is switched off for what is read here: it takes a gzip stream that
was cut short for a whole one, unpacks only the first of several encodings, and accepts more kinds
as soon as their libraries happen to be installed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from botfactory.lib.safe_http.errors import ResponseBroken

ACCEPT_ENCODING = "gzip, deflate"

_PIECE_BYTES = 262_144
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15
_RAW_WINDOW = -15


class Inflater:
    """Turns the packed bytes of one body into its content, never more than a piece at a time."""

    def __init__(self, encoding: str) -> None:
        """`encoding` is a whole Content-Encoding, lower-case; empty for a body that is not packed.

        Raises: ResponseBroken for everything but gzip and deflate, and for stacked encodings.
        """
        if encoding not in ("", "identity", "gzip", "deflate"):
            raise ResponseBroken(
                "The server packed the page in a way that was not asked for.",
                subject=encoding[:100],
            )
        self._encoding = "" if encoding == "identity" else encoding
        self._stream: zlib._Decompress | None = None
        self._waiting = b""
        self._n_members = 0
        self._is_over = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """The content of the next bytes from the wire, in pieces of at most 256 KiB.

        Raises: ResponseBroken (retryable) when they are not what the encoding says.
        """
        if not self._encoding:
            yield packed
            return
        rest = self._waiting + packed
        self._waiting = b""
        is_pending = False
        while (rest or is_pending) and not self._is_over:
            if self._stream is None:
                self._stream = self._next_stream(rest)
                if self._stream is None:
                    return
            try:
                piece = self._stream.decompress(rest, _PIECE_BYTES)
            except zlib.error as exc:
                raise ResponseBroken(subject="damaged packing") from exc
            rest = self._stream.unconsumed_tail
            is_pending = len(piece) == _PIECE_BYTES
            if self._stream.eof:
                rest, is_pending = self._stream.unused_data, False
                self._stream, self._n_members = None, self._n_members + 1
            if piece:
                yield piece

    def finish(self) -> None:
        """Raises: ResponseBroken (retryable) when the stream stopped before its own end."""
        if self._stream is not None or (self._waiting and not self._n_members):
            raise ResponseBroken(subject="packing cut short")

    def _next_stream(self, first: bytes) -> zlib._Decompress | None:
        """The decompressor for what begins here; None where too little is known, or nothing does.

        Bytes behind the end that begin no further gzip member are padding, as browsers take them.
        """
        if len(first) < len(_GZIP_MAGIC):
            self._waiting = first
            return None
        if self._n_members and not (self._encoding == "gzip" and first.startswith(_GZIP_MAGIC)):
            self._is_over = True
            return None
        if self._encoding == "gzip":
            return zlib.decompressobj(_GZIP_WINDOW)
        # "deflate" means the zlib format, but servers that send the bare stream are common.
        is_zlib = first[0] & 0x0F == 8 and int.from_bytes(first[:2], "big") % 31 == 0
        return zlib.decompressobj(_ZLIB_WINDOW if is_zlib else _RAW_WINDOW)
