"""Reading one reply to its end: its head judged, its bytes counted before and after unpacking."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from botfactory.lib.safe_http.errors import ResponseBroken, ResponseTooLarge
from botfactory.lib.safe_http.inflating import Inflater

_CHUNK_BYTES = 65_536


async def read_whole(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The unpacked body; raises as `read_parts`."""
    return b"".join([part async for part in read_parts(response, max_bytes)])


async def read_parts(
    response: aiohttp.ClientResponse, max_bytes: int
) -> AsyncGenerator[bytes, None]:
    """The unpacked body piece by piece; the last piece comes only when the body was whole.

    Both sides of the unpacking count: a bomb is small on the wire, and a stream of empty blocks
    never grows behind it.

    Raises: ResponseBroken (retryable), ResponseTooLarge.
    """
    inflater = Inflater(_encoding_of(response))
    n_packed = 0
    n_bytes = 0
    try:
        _refuse_head(response, max_bytes)
        async for packed in response.content.iter_chunked(_CHUNK_BYTES):
            n_packed += len(packed)
            if n_packed > max_bytes:
                raise ResponseTooLarge(subject=str(response.url))
            for part in inflater.feed(packed):
                n_bytes += len(part)
                if n_bytes > max_bytes:
                    raise ResponseTooLarge(subject=str(response.url))
                yield part
        inflater.finish()
    except BaseException:
        response.close()
        raise


def readable_headers(response: aiohttp.ClientResponse) -> CIMultiDictProxy[str]:
    """The reply's headers as text that can be stored: bytes that are no UTF-8 become `?`."""
    headers = response.headers
    if all(value.isascii() for value in headers.values()):
        return headers
    return CIMultiDictProxy(
        CIMultiDict(
            (name, value.encode("utf-8", "replace").decode("utf-8"))
            for name, value in headers.items()
        )
    )


def _encoding_of(response: aiohttp.ClientResponse) -> str:
    """The whole Content-Encoding, whatever number of header lines it is spread over."""
    transfer = ",".join(response.headers.getall("Transfer-Encoding", [])).strip().lower()
    if transfer not in ("", "identity", "chunked"):
        raise ResponseBroken(
            "The server sent the page in a way that was not asked for.", subject=transfer[:100]
        )
    return ",".join(response.headers.getall("Content-Encoding", [])).strip().lower()


def _refuse_head(response: aiohttp.ClientResponse, max_bytes: int) -> None:
    if response.status == 101:
        raise ResponseBroken(subject="switches to another protocol")
    has_body = response.status not in (204, 304)  # a 304 may name the length of what it leaves out
    if has_body and response.content_length is not None and response.content_length > max_bytes:
        raise ResponseTooLarge(subject=str(response.url))
