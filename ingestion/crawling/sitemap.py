"""The URLs that a site lists itself: sitemap index, urlset, RSS, Atom and plain lists.

A file is inflated, parsed and handed on piece by piece, so that neither 50,000 addresses nor a
bomb stand in memory at once.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from lxml import etree

MAX_SITEMAPS = 50
MAX_SITEMAP_DEPTH = 3
MAX_SITEMAP_BYTES = 50_000_000
MAX_SITEMAP_URLS = 50_000
MAX_LOC_CHARS = 2_048
BATCH_URLS = 1_000
# Also where no address is found, so that other work gets its turn.
CHUNKS_PER_BREAK = 8
# Four megabytes without one address are no sitemap.
MAX_BARREN_CHUNKS = 64

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 65_536
_ENTITY = b"<!ENTITY"


@dataclass(frozen=True, slots=True)
class SitemapContent:
    """`pages` and further `sitemaps` in the order of the file, as written there."""

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]


def read_sitemap(body: bytes) -> Iterator[SitemapContent]:
    """The addresses in one sitemap file, some at a time; a damaged file gives those before the
    damage.

    Entities are never expanded, and reading ends where a file declares one.
    """
    chunks = _inflated(body) if body.startswith(_GZIP_MAGIC) else _cut(body)
    first = next(chunks, b"")
    start = first[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"<", b"\xff\xfe", b"\xfe\xff")):
        yield from _read_xml(first, chunks)
    else:
        yield from _read_lines(first, chunks)


async def walk_sitemaps(
    roots: tuple[str, ...], load: Callable[[str], Awaitable[bytes | None]]
) -> AsyncIterator[tuple[str, ...]]:
    """Page addresses batch by batch, from `roots` down; `load` gives a file's bytes or None.

    At most 50 files, three levels and 50,000 addresses; each file is read once.
    """
    queue = [(root, 1) for root in roots]
    known = set(roots)
    n_files = n_urls = 0
    while queue and n_files < MAX_SITEMAPS and n_urls < MAX_SITEMAP_URLS:
        url, level = queue.pop(0)
        n_files += 1
        body = await load(url)
        for content in read_sitemap(body) if body is not None else ():
            pages = content.pages[: MAX_SITEMAP_URLS - n_urls]
            n_urls += len(pages)
            if pages:
                yield pages
            for inner in content.sitemaps if level < MAX_SITEMAP_DEPTH else ():
                if inner not in known and len(known) < MAX_SITEMAPS * 4:
                    known.add(inner)
                    queue.append((inner, level + 1))
            await asyncio.sleep(0)  # a long list must not hold up the pages that arrive


def _cut(body: bytes) -> Iterator[bytes]:
    whole = memoryview(body)[:MAX_SITEMAP_BYTES]
    for start in range(0, len(whole), _CHUNK_BYTES):
        yield bytes(whole[start : start + _CHUNK_BYTES])


def _inflated(body: bytes) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)
    n_left, packed = MAX_SITEMAP_BYTES, body
    while n_left > 0 and not inflater.eof:
        try:
            chunk = inflater.decompress(packed, min(_CHUNK_BYTES, n_left))
        except zlib.error:
            return
        packed = inflater.unconsumed_tail
        if not chunk and not packed:
            return
        n_left -= len(chunk)
        yield chunk


def _read_lines(first: bytes, chunks: Iterator[bytes]) -> Iterator[SitemapContent]:
    rest, n_urls = first.removeprefix(b"\xef\xbb\xbf"), 0
    while rest and n_urls < MAX_SITEMAP_URLS:
        chunk = next(chunks, None)
        whole, newline, tail = (rest + (chunk or b"")).rpartition(b"\n")
        lines = whole if chunk is not None else whole + newline + tail
        rest = tail[:MAX_LOC_CHARS] if chunk is not None else b""
        urls = (line.strip() for line in lines.decode("utf-8", errors="replace").split("\n"))
        pages = tuple(url for url in urls if url.startswith(("http://", "https://")))
        pages = pages[: MAX_SITEMAP_URLS - n_urls]
        n_urls += len(pages)
        yield SitemapContent(pages, ())


def _read_xml(first: bytes, chunks: Iterator[bytes]) -> Iterator[SitemapContent]:
    parser = etree.XMLPullParser(
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    found, n_urls, n_chunks, tail = _Found(), 0, 0, b""
    chunk: bytes | None = first
    is_barren = True
    while chunk is not None and n_urls < MAX_SITEMAP_URLS:
        # The NULs of UTF-16 would hide the word.
        window = (tail + chunk).replace(b"\x00", b"")
        if _ENTITY in window:
            return
        tail = chunk[-2 * len(_ENTITY) :]
        try:
            parser.feed(chunk)
            for _, element in parser.read_events():
                found.take(element)
        except etree.XMLSyntaxError:
            chunk = None  # what was read before the damage still counts
        else:
            chunk = next(chunks, None)
        n_chunks += 1
        if len(found.pages) >= BATCH_URLS or chunk is None or n_chunks % CHUNKS_PER_BREAK == 0:
            content = found.hand_over(MAX_SITEMAP_URLS - n_urls)
            n_urls += len(content.pages)
            is_barren = is_barren and not content.pages and not content.sitemaps
            yield content
        if is_barren and n_chunks >= MAX_BARREN_CHUNKS:
            return


class _Found:
    """The addresses that were read and not yet handed on."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.sitemaps: list[str] = []

    def hand_over(self, n_most: int) -> SitemapContent:
        content = SitemapContent(tuple(self.pages[:n_most]), tuple(self.sitemaps))
        self.pages, self.sitemaps = [], []
        return content

    def take(self, element: etree._Element) -> None:
        name = _local_name(element)
        parent = element.getparent()
        parent_name = _local_name(parent) if parent is not None else ""
        text = (element.text or "").strip()[:MAX_LOC_CHARS]
        if name == "loc" and text:
            (self.sitemaps if parent_name == "sitemap" else self.pages).append(text)
        elif name == "link" and parent_name in ("item", "entry"):
            address = element.get("href") or text
            if address and element.get("rel") in (None, "alternate"):
                self.pages.append(address)
        elif name in ("url", "sitemap", "item", "entry"):
            # Finished entries are dropped at once, so that a large file needs little memory.
            element.clear()
            while element.getprevious() is not None and parent is not None:
                del parent[0]


def _local_name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
