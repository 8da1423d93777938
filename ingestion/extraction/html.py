"""Web pages: what a reader came for, as Markdown."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from lxml import etree

from ingestion.errors import LinkList, TooThin
from ingestion.extraction.article import documentation_blocks, extract_article
from ingestion.extraction.cleaning import drop_chrome, drop_unseen
from ingestion.extraction.counting import text_of
from ingestion.extraction.decoding import clean_text, decode_html
from ingestion.extraction.formulas import write_formulas
from ingestion.extraction.prescan import check_html
from ingestion.extraction.structure import to_markdown
from ingestion.extraction.titles import title_of
from ingestion.extraction.types import ExtractedDocument

Element = Any  # lxml carries no types

MIN_CHARS = 20
MIN_DIRECTORY_LINKS = 40
DIRECTORY_SHARE = 0.9

_NEEDS_SCRIPTS = re.compile(
    r"(?:enable|activate|requires?|turn on|need)\W+(?:\w+\W+){0,3}javascript", re.IGNORECASE
)
_LANGUAGE = re.compile(r"^([a-z]{2,3})(?:[-_].*)?$", re.IGNORECASE)
_SPHINX = (
    "//dl[contains(@class, 'py ') or contains(@class, 'function')]"
    " | //*[self::h1 or self::h2]/a[@class='headerlink']"
)
_DOCUMENTATION_MAKERS = re.compile(
    r"sphinx|mkdocs|docusaurus|docutils|javadoc|doxygen|gitbook|hugo book|vitepress|mdbook"
    r"|asciidoc|docbook|mediawiki",
    re.IGNORECASE,
)


def extract_html(body: bytes, *, charset: str | None = None) -> ExtractedDocument:
    """The main text of a page with its headings, code and tables.

    Raises: PageTooComplex, TooThin, LinkList.
    """
    html = decode_html(body, charset=charset).replace("\x00", "")
    encoded = html.encode("utf-8", errors="replace")
    check_html(encoded)
    root = _parse(encoded)
    title, language = title_of(root), _language(root)
    text = _main_text(root, title)
    if text is None:
        text = _structural(_main_element(_cleaned(_parse(encoded))))
    text = clean_text(text).strip()
    if len(text) < MIN_CHARS or (len(text) < 400 and _NEEDS_SCRIPTS.search(text)):
        raise TooThin
    return ExtractedDocument(title=title, text=text, language=language)


def _parse(encoded: bytes) -> Element:
    # `huge_tree` lifts libxml2's depth limit of 255, beyond which text is lost without an error;
    # the scan before has bounded depth and size. Plain elements, not those of `lxml.html`: those
    # ask a function of ours for the class of each.
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
    )
    try:
        root = etree.fromstring(encoded, parser=parser)
    except (etree.XMLSyntaxError, ValueError) as exc:
        raise TooThin from exc
    if root is None or root.tag != "html":
        raise TooThin
    return root


def _cleaned(root: Element) -> Element:
    write_formulas(root)
    drop_unseen(root)
    return root


def _main_text(root: Element, title: str) -> str | None:
    """Markdown, or None (and the tree is spoilt) where the search for an article found too little.

    That happens on pages made of cards, questions or forms. Raises: LinkList.
    """
    is_documentation = _is_documentation(root)
    main = _main_element(_cleaned(root))
    if main.tag != "body" and _is_directory(main):
        raise LinkList
    if is_documentation and main.tag == "body":
        return "\n\n".join(documentation_blocks(main))
    if is_documentation or _has_much_structure(main):
        return _structural(main)
    # All of what the page calls its one main part is content, or nearly so.
    inside = text_of(main, "a", "nav", "footer") if main.tag == "main" else None
    n_least = 0.4 * (inside.n_chars - inside.n_linked) if inside else 0
    body = root.find("body")
    article = extract_article(body if body is not None else root, title)
    return article if len(article) >= max(n_least, MIN_CHARS) else None


def _structural(main: Element) -> str:
    drop_chrome(main)
    return to_markdown(main)


def _is_directory(main: Element) -> bool:
    """True for tables of contents and indexes: their words stand on the pages they link to.

    A body with a large menu looks the same, so only what the page calls its main part is judged.
    """
    text = text_of(main, "a")
    return text.n_links >= MIN_DIRECTORY_LINKS and text.n_linked > DIRECTORY_SHARE * text.n_chars


def _main_element(root: Element) -> Element:
    """The element that the page itself calls its main part, else its body."""
    for elements in (root.iter("main"), root.xpath("//*[@role='main']"), root.iter("article")):
        found = list(islice(elements, 2))
        if len(found) == 1:
            return found[0]
    bodies = root.xpath("/html/body")
    return bodies[0] if bodies else root


def _is_documentation(root: Element) -> bool:
    makers = root.xpath("//meta[@name='generator']/@content")
    if any(_DOCUMENTATION_MAKERS.search(maker) for maker in makers):
        return True
    return bool(root.xpath(_SPHINX))


def _has_much_structure(main: Element) -> bool:
    """True when a good part of the text sits in code, definitions or tables."""
    n_all = len("".join(main.itertext()))
    # Whole pages are laid out in tables, main elements are not.
    tables = " | .//table[.//th]" if main.tag != "body" else ""
    parts = main.xpath(".//pre | .//dl[not(ancestor::dl)]" + tables)
    n_structured = sum(len("".join(one.itertext())) for one in parts)
    return n_structured > 0.2 * n_all > 0


def _language(root: Element) -> str | None:
    found = _LANGUAGE.match((root.get("lang") or "").strip())
    return found[1].lower() if found else None
