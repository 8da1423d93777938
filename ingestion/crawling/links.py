"""What a crawler needs to know from a page's HTML: links and what the page says about itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

from ingestion.extraction.prescan import check_html

MAX_LINKS = 5_000
MAX_PARSED_BYTES = 3_000_000

_DEAD_TITLE = re.compile(
    r"^\W*(?:error\W*)?404\b|\bpage (?:was )?not found\b|^\W*not found\W*$|^just a moment\b"
    r"|^attention required!|^access denied\b|^are you a robot\b",
    re.IGNORECASE,
)
_LOGIN_PATH = re.compile(
    r"/(?:log-?in|sign-?in|sso|saml2?|oauth2?|users/sign_in|wp-login\.php)(?:[/?._-]|$)",
    re.IGNORECASE,
)
MAX_LOGIN_PAGE_CHARS = 600


@dataclass(frozen=True, slots=True)
class PageFacts:
    """`links`, `base` and `canonical` are as written in the page, not yet joined to its URL."""

    links: tuple[str, ...]
    base: str | None
    canonical: str | None
    is_noindex: bool
    is_nofollow: bool
    is_dead: bool
    is_login: bool


def read_page(html: bytes, *, headers: Mapping[str, str], path: str) -> PageFacts:
    """The facts of a page whose own address ends in `path`.

    Raises: PageTooComplex when the markup would keep a parser busy.
    """
    html = html[:MAX_PARSED_BYTES]
    check_html(html)
    # Only ASCII names and addresses matter here, so the page's charset does not; the depth is
    # bounded by the scan above, and without `huge_tree` a deep page would come out empty.
    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, no_network=True, remove_comments=True, huge_tree=True
    )
    root = etree.fromstring(html, parser=parser) if html.strip() else None
    reading = _Reading()
    if root is not None:
        for element in root.iter("a", "area", "base", "link", "meta", "title", "input"):
            reading.take(element)
    rules = {
        one.strip()
        for one in f"{reading.robots},{headers.get('X-Robots-Tag', '')}".lower().split(",")
    }
    return PageFacts(
        links=tuple(reading.links),
        base=reading.base,
        canonical=reading.canonical,
        is_noindex=bool(rules & {"noindex", "none"}),
        is_nofollow=bool(rules & {"nofollow", "none"}),
        is_dead=bool(_DEAD_TITLE.search(reading.title.strip())),
        is_login=reading.has_password
        and (bool(_LOGIN_PATH.search(path)) or _n_visible_chars(root) < MAX_LOGIN_PAGE_CHARS),
    )


def join_link(base: str, link: str | None) -> str:
    """The absolute address of a link, not yet judged; empty for what cannot be joined."""
    try:
        return urljoin(base, link or "").partition("#")[0]
    except ValueError:
        return ""


class _Reading:
    """Collects the facts element by element; the first base, canonical and title count."""

    def __init__(self) -> None:
        self.links: dict[str, None] = {}
        self.base: str | None = None
        self.canonical: str | None = None
        self.robots = ""
        self.title = ""
        self.has_password = False

    def take(self, element: etree._Element) -> None:
        match element.tag:
            case "a" | "area":
                self._take_link(element)
            case "base":
                self.base = self.base or element.get("href")
            case "link" if "canonical" in (element.get("rel") or "").lower().split():
                self.canonical = self.canonical or element.get("href")
            case "meta" if (element.get("name") or "").lower() in ("robots", "botfactory"):
                self.robots += "," + (element.get("content") or "")
            case "title":
                self.title = self.title or (element.text or "")
            case "input" if (element.get("type") or "").lower() == "password":
                self.has_password = True

    def _take_link(self, element: etree._Element) -> None:
        address = (element.get("href") or "").strip()
        is_followed = "nofollow" not in (element.get("rel") or "").lower()
        if address and not address.startswith("#") and is_followed and len(self.links) < MAX_LINKS:
            self.links.setdefault(address)


def _n_visible_chars(root: etree._Element | None) -> int:
    if root is None:
        return 0
    texts = root.xpath("//body//text()[not(ancestor::script) and not(ancestor::style)]")
    return sum(len(text.strip()) for text in texts)
