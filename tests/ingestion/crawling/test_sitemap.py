from __future__ import annotations

import gzip

import pytest

from ingestion.crawling import sitemap
from ingestion.crawling.sitemap import SitemapContent, read_sitemap, walk_sitemaps

NAMESPACE = b'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def parse_sitemap(body: bytes) -> SitemapContent:
    parts = list(read_sitemap(body))
    return SitemapContent(
        tuple(page for part in parts for page in part.pages),
        tuple(one for part in parts for one in part.sitemaps),
    )


def urlset(*urls: str) -> bytes:
    entries = "".join(f"<url><loc> {url} </loc><lastmod>2026-01-01</lastmod></url>" for url in urls)
    return b'<?xml version="1.0"?>\n<urlset ' + NAMESPACE + b">" + entries.encode() + b"</urlset>"


def index(*urls: str) -> bytes:
    entries = "".join(f"<sitemap><loc>{url}</loc></sitemap>" for url in urls)
    return b"<sitemapindex " + NAMESPACE + b">" + entries.encode() + b"</sitemapindex>"


def test_a_urlset_gives_pages_and_an_index_gives_sitemaps() -> None:
    assert parse_sitemap(urlset("https://a.example/1", "https://a.example/2")).pages == (
        "https://a.example/1",
        "https://a.example/2",
    )
    assert parse_sitemap(index("https://a.example/m.xml")).sitemaps == ("https://a.example/m.xml",)


def test_gzip_rss_atom_and_plain_lists_are_read() -> None:
    rss = b"<rss><channel><link>https://a.example/</link><item><link>https://a.example/1</link>"
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="https://a.example/1"/>'
        b'<link rel="edit" href="https://a.example/e"/></entry></feed>'
    )
    plain = b"\xef\xbb\xbfhttps://a.example/1\r\n\nnot a url\n"
    for body in (gzip.compress(urlset("https://a.example/1")), rss, atom, plain):
        assert parse_sitemap(body).pages == ("https://a.example/1",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"<html><body>404</body></html>",
        b"\x1f\x8bbroken gzip",
        b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url>',
        b"<urlset>" + b"<a>" * 5000,
        b" " * 70_000 + b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>',
        '<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>x&a;</loc></url></urlset>'.encode(
            "utf-16"
        ),
        gzip.compress(
            b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', mtime=0
        ),
    ],
)
def test_what_is_no_sitemap_gives_nothing(body: bytes) -> None:
    assert parse_sitemap(body).pages == ()


def test_a_cut_file_gives_what_came_before_the_cut() -> None:
    body = urlset("https://a.example/1", "https://a.example/2")[:-40]
    assert parse_sitemap(body).pages[0] == "https://a.example/1"


def test_a_gzip_bomb_is_inflated_only_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_SITEMAP_BYTES", 1_000)
    packed = gzip.compress(urlset("https://a.example/1") + b" " * 10_000_000)
    assert parse_sitemap(packed).pages == ("https://a.example/1",)


def test_a_list_of_nested_entities_is_not_expanded() -> None:
    names = "abcdefghij"
    laughs = "".join(
        f'<!ENTITY {name} "{f"&{inner};" * 10}">'
        for name, inner in zip(names[1:], names, strict=False)
    )
    bomb = f'<!DOCTYPE x [<!ENTITY a "lol">{laughs}]><urlset><url><loc>&j;</loc></url></urlset>'
    assert parse_sitemap(bomb.encode()).pages == ()


def test_utf_16_and_addresses_across_chunk_borders_are_read() -> None:
    many = [f"https://a.example/{n:06}" for n in range(5_000)]
    for body in (
        urlset(*many),
        "\n".join(many).encode(),
        urlset(*many[:3]).decode().encode("utf-16"),
    ):
        pages = parse_sitemap(body).pages
        assert pages == tuple(many[: len(pages)])
        assert len(pages) in (3, 5_000)


def test_a_long_list_comes_in_batches() -> None:
    many = [f"https://a.example/{n}" for n in range(5_000)]
    sizes = [len(part.pages) for part in read_sitemap(urlset(*many))]
    assert len(sizes) > 2
    assert max(sizes) < 3_000


def test_the_number_of_urls_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_SITEMAP_URLS", 10)
    many = [f"https://a.example/{n}" for n in range(50)]
    assert len(parse_sitemap(urlset(*many)).pages) == 10
    assert len(parse_sitemap("\n".join(many).encode()).pages) == 10


async def test_the_walk_reads_each_file_once_and_stops_at_depth() -> None:
    files = {
        "top": index("https://a.example/self", "level2"),
        "https://a.example/self": index("https://a.example/self", "top"),
        "level2": index("level3"),
        "level3": index("level4"),
        "level4": urlset("https://a.example/too-deep"),
    }
    asked: list[str] = []

    async def load(url: str) -> bytes | None:
        asked.append(url)
        return files.get(url)

    pages = [page async for found in walk_sitemaps(("top",), load) for page in found]
    assert asked == ["top", "https://a.example/self", "level2", "level3"]
    assert pages == []


async def test_the_walk_reads_at_most_fifty_files() -> None:
    n_asked = 0

    async def load(url: str) -> bytes | None:
        nonlocal n_asked
        n_asked += 1
        return index(*(f"{url}/{n}" for n in range(30)))

    assert [pages async for pages in walk_sitemaps(("https://a.example",), load)] == []
    assert n_asked == 50
