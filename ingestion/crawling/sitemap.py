"""The URLs that a site lists itself: sitemap index, urlset, RSS, Atom and plain lists."""

from __future__ import annotations

import io
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from lxml import etree

MAX_SITEMAPS = 50
MAX_SITEMAP_DEPTH = 3
MAX_SITEMAP_BYTES = 50_000_000
MAX_SITEMAP_URLS = 50_000

_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class SitemapContent:
    """`pages` and further `sitemaps` in the order of the file, as written there."""

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]


def parse_sitemap(body: bytes) -> SitemapContent:
    """The addresses in one sitemap file; a damaged file gives those before the damage.

    Entities are never expanded and a file that declares any is ignored.
    """
    if body.startswith(_GZIP_MAGIC):
        body = _inflate(body)
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"<"):
        return SitemapContent(_plain_lines(body), ())
    if b"<!ENTITY" in body:
        return SitemapContent((), ())
    return _parse_xml(body)


async def walk_sitemaps(
    roots: tuple[str, ...], load: Callable[[str], Awaitable[bytes | None]]
) -> AsyncIterator[tuple[str, ...]]:
    """Page addresses file by file, from `roots` down; `load` gives a file's bytes or None.

    At most 50 files, three levels and 50,000 addresses; each file is read once.
    """
    queue = [(root, 1) for root in roots]
    known = set(roots)
    n_files = n_urls = 0
    while queue and n_files < MAX_SITEMAPS and n_urls < MAX_SITEMAP_URLS:
        url, level = queue.pop(0)
        n_files += 1
        body = await load(url)
        if body is None:
            continue
        content = parse_sitemap(body)
        n_urls += len(content.pages)
        yield content.pages
        for inner in content.sitemaps if level < MAX_SITEMAP_DEPTH else ():
            if inner not in known:
                known.add(inner)
                queue.append((inner, level + 1))


def _inflate(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MAX_SITEMAP_BYTES)
    except zlib.error:
        return b""


def _plain_lines(body: bytes) -> tuple[str, ...]:
    lines = body.decode("utf-8-sig", errors="replace").split("\n", MAX_SITEMAP_URLS)
    urls = (line.strip() for line in lines[:MAX_SITEMAP_URLS])
    return tuple(url for url in urls if url.startswith(("http://", "https://")))


def _parse_xml(body: bytes) -> SitemapContent:
    pages: list[str] = []
    sitemaps: list[str] = []
    events = etree.iterparse(
        io.BytesIO(body),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            _collect(element, pages, sitemaps)
            if len(pages) >= MAX_SITEMAP_URLS:
                break
    except etree.XMLSyntaxError:
        pass  # what was read before the damage still counts
    return SitemapContent(tuple(pages), tuple(sitemaps))


def _collect(element: etree._Element, pages: list[str], sitemaps: list[str]) -> None:
    name = _local_name(element)
    parent = element.getparent()
    parent_name = _local_name(parent) if parent is not None else ""
    text = (element.text or "").strip()
    if name == "loc" and text:
        (sitemaps if parent_name == "sitemap" else pages).append(text)
    elif name == "link" and parent_name in ("item", "entry"):
        if (address := element.get("href") or text) and element.get("rel") in (None, "alternate"):
            pages.append(address)
    elif name in ("url", "sitemap", "item", "entry"):
        # Finished entries are dropped at once, so that a large file needs little memory.
        element.clear()
        while element.getprevious() is not None and parent is not None:
            del parent[0]


def _local_name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
