"""What a crawler needs to know from a page's HTML: where it leads and what it says about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, FetchError, parse_url
from ingestion.crawling.canonical import canonicalise, is_plain_path
from ingestion.crawling.robots import ROBOTS_NAME, read_page_rules
from ingestion.crawling.soft_pages import judge_looks
from ingestion.crawling.types import Reason
from ingestion.errors import PageTooComplex
from ingestion.extraction.prescan import check_html

MAX_LINKS = 5_000
MAX_ALTERNATES = 200
MAX_PARSED_BYTES = 3_000_000
# A page that stays longer before it moves on is meant to be read.
MAX_REFRESH_S = 5.0
MAX_STUB_BYTES = 20_000

_ROBOTS_NAMES = ("robots", ROBOTS_NAME.lower())
_REFRESH = re.compile(
    r"\s*(\d{0,9}\.?\d{0,9})\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE
)
_CANONICAL_HEADER = re.compile(r"<([^<>]*)>[^,<]*;\s*rel=\"?canonical\"?", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[^/?#]+")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Addresses are as written in the page, not yet joined to its URL.

    `n_cut_links` counts links beyond those that are kept. `refresh` is where the page sends its
    readers at once. `alternates` pairs language tags with addresses. `looks` is the reason why the
    page is no page although it was answered as one (a login, a captcha), if it looks so.
    """

    links: tuple[str, ...]
    n_cut_links: int
    base: str | None
    canonical: str | None
    refresh: str | None
    alternates: tuple[tuple[str, str], ...]
    language: str
    is_noindex: bool
    is_nofollow: bool
    has_scripts: bool
    looks: Reason | None


def read_page(html: bytes, *, headers: Mapping[str, str], path: str) -> PageFacts:
    """The facts of a page whose own address ends in `path`.

    Raises: PageTooComplex when the markup would keep a parser busy.
    """
    check_html(html)
    html = html[:MAX_PARSED_BYTES]
    # Only ASCII names and addresses matter here, so the page's charset does not; the depth is
    # bounded by the scan above, and without `huge_tree` a deep page would come out empty.
    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, no_network=True, remove_comments=True, huge_tree=True
    )
    root = etree.fromstring(html, parser=parser) if html.strip() else None
    reading = _Reading()
    if root is not None:
        for element in root.iter("a", "area", "base", "link", "meta", "script"):
            reading.take(element)
    rules = read_page_rules([*header_values(headers, "X-Robots-Tag"), *reading.robots])
    return PageFacts(
        links=tuple(reading.links),
        n_cut_links=reading.n_cut_links,
        base=reading.base,
        canonical=reading.canonical or canonical_header(headers),
        refresh=reading.refresh,
        alternates=tuple(reading.alternates),
        language=(root.get("lang") or "").strip().lower() if root is not None else "",
        is_noindex=rules.is_noindex,
        is_nofollow=rules.is_nofollow,
        has_scripts=reading.has_scripts,
        looks=judge_looks(root, path=path, has_scripts=reading.has_scripts)
        if root is not None
        else None,
    )


def find_refresh(response: FetchedResponse) -> URL | None:
    """Where a small page sends its readers at once, if it does; None for anything unreadable."""
    if len(response.body) > MAX_STUB_BYTES or b"http-equiv" not in response.body.lower():
        return None
    try:
        facts = read_page(response.body, headers=response.headers, path=response.url.raw_path_qs)
    except PageTooComplex:
        return None
    if facts.refresh is None:
        return None
    base = join_link(str(response.url), facts.base)
    try:
        return URL(canonicalise(parse_url(join_link(base, facts.refresh))), encoded=True)
    except FetchError:
        return None


def header_values(headers: Mapping[str, str], name: str) -> list[str]:
    """All values of a header, which a reply may repeat."""
    get_all = getattr(headers, "getall", None)
    if get_all is not None:
        return list(get_all(name, []))
    return [headers[name]] if name in headers else []


def canonical_header(headers: Mapping[str, str]) -> str | None:
    """The original that a `Link` header names; PDFs have no other way to say it."""
    for value in header_values(headers, "Link"):
        if found := _CANONICAL_HEADER.search(value[:4_000]):
            return found[1].strip()
    return None


def join_link(base: str, link: str | None) -> str:
    """The absolute address of a link, not yet judged; empty for what cannot be joined."""
    if link and link[0] == "/" and is_plain_path(link) and (origin := _ORIGIN.match(base)):
        return origin[0] + link
    try:
        return urljoin(base, link or "").partition("#")[0]
    except ValueError:
        return ""


class _Reading:
    """Collects the facts element by element; the first base, canonical and refresh count."""

    def __init__(self) -> None:
        self.links: dict[str, None] = {}
        self.n_cut_links = 0
        self.base: str | None = None
        self.canonical: str | None = None
        self.refresh: str | None = None
        self.alternates: list[tuple[str, str]] = []
        self.robots: list[str] = []
        self.has_scripts = False

    def take(self, element: etree._Element) -> None:
        match element.tag:
            case "a" | "area":
                self._take_link(element)
            case "base":
                self.base = self.base or element.get("href")
            case "link":
                self._take_relation(element)
            case "meta":
                self._take_meta(element)
            case "script":
                self.has_scripts = self.has_scripts or element.get("type", "") != (
                    "application/ld+json"
                )

    def _take_link(self, element: etree._Element) -> None:
        # An index may link to thousands of places on a few pages.
        address = (element.get("href") or "").partition("#")[0].strip()
        if not address or "nofollow" in (element.get("rel") or "").lower():
            return
        if len(self.links) < MAX_LINKS:
            self.links.setdefault(address)
        elif address not in self.links:
            self.n_cut_links += 1

    def _take_relation(self, element: etree._Element) -> None:
        relations = (element.get("rel") or "").lower().split()
        address = (element.get("href") or "").strip()
        if "canonical" in relations:
            self.canonical = self.canonical or address
        language = (element.get("hreflang") or "").strip().lower()
        if "alternate" in relations and language and len(self.alternates) < MAX_ALTERNATES:
            self.alternates.append((language, address))

    def _take_meta(self, element: etree._Element) -> None:
        content = element.get("content") or ""
        if (element.get("name") or "").lower() in _ROBOTS_NAMES:
            self.robots.append(content)
        elif (element.get("http-equiv") or "").lower() == "refresh" and self.refresh is None:
            self.refresh = _refresh_target(element, content)


def _refresh_target(element: etree._Element, content: str) -> str | None:
    """Where a refresh leads at once. Those for browsers without scripts lead to an excuse."""
    found = _REFRESH.match(content[:3_000])
    if found is None or any(True for _ in element.iterancestors("noscript")):
        return None
    try:
        is_at_once = float(found[1] or 0) <= MAX_REFRESH_S
    except ValueError:
        return None
    return found[2].strip() if is_at_once else None
