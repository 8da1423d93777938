"""Web pages: what a reader came for, as Markdown."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingestion.errors import TooThin
from ingestion.extraction.cleaning import drop_chrome, drop_unseen
from ingestion.extraction.decoding import clean_text, decode_html
from ingestion.extraction.prescan import check_html
from ingestion.extraction.structure import to_markdown
from ingestion.extraction.types import ExtractedDocument

MIN_CHARS = 20
MAX_TITLE_CHARS = 300
MIN_DIRECTORY_LINKS = 40
DIRECTORY_SHARE = 0.9

_NEEDS_SCRIPTS = re.compile(
    r"(?:enable|activate|requires?|turn on|need)\W+(?:\w+\W+){0,3}javascript", re.IGNORECASE
)
_LANGUAGE = re.compile(r"^([a-z]{2,3})(?:[-_].*)?$", re.IGNORECASE)
_MAIN_XPATHS = ("//main", "//*[@role='main']", "//article")
_ESCAPED = re.compile(r"\\([_\[\]*#~|<>-])")
_FENCED = re.compile(r"(```.*?```)", re.DOTALL)
_DOCUMENTATION_MAKERS = re.compile(
    r"sphinx|mkdocs|docusaurus|docutils|javadoc|doxygen|gitbook|hugo book|vitepress|mdbook"
    r"|asciidoctor|mediawiki",
    re.IGNORECASE,
)


def extract_html(body: bytes, *, charset: str | None = None) -> ExtractedDocument:
    """The main text of a page with its headings, code and tables.

    Raises: PageTooComplex, TooThin.
    """
    html = decode_html(body, charset=charset).replace("\x00", "")
    encoded = html.encode("utf-8", errors="replace")
    check_html(encoded)
    root = _parse(encoded)
    title, language = _title(root), _language(root)
    is_documentation = _is_documentation(root)
    drop_unseen(root)
    text = clean_text(_main_text(root, is_documentation)).strip()
    if len(text) < MIN_CHARS or (len(text) < 400 and _NEEDS_SCRIPTS.search(text)):
        raise TooThin
    return ExtractedDocument(title=title, text=text, language=language)


def _parse(encoded: bytes) -> HtmlElement:
    # `huge_tree` lifts libxml2's depth limit of 255, beyond which text is lost without an error;
    # the scan before has bounded depth and size.
    parser = HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
    )
    try:
        root = document_fromstring(encoded, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as exc:
        raise TooThin from exc
    if root.tag != "html":
        raise TooThin
    return root


def _main_text(root: HtmlElement, is_documentation: bool) -> str:
    main = _main_element(root)
    if _is_directory(main):
        return ""
    if is_documentation or _has_much_structure(main):
        return _structural(main)
    article = _article(root)
    n_prose = _n_prose_chars(main)
    # An article extractor may find nothing on pages made of cards, questions or forms. How much it
    # must keep depends on how sure it is that everything in the element is content.
    n_least = 0.4 * n_prose if main.tag == "main" else 0.1 * n_prose
    return article if len(article) >= max(n_least, MIN_CHARS) else _structural(main)


def _n_prose_chars(main: HtmlElement) -> int:
    """How many characters lie outside links, which is where menus and teasers are."""
    texts = main.xpath(
        ".//text()[not(ancestor::a) and not(ancestor::nav) and not(ancestor::footer)]"
    )
    return sum(len(text.strip()) for text in texts)


def _structural(main: HtmlElement) -> str:
    drop_chrome(main)
    return to_markdown(main)


def _is_directory(main: HtmlElement) -> bool:
    """True for tables of contents and indexes: their words stand on the pages they link to.

    A body with a large menu looks the same, so only what the page calls its main part is judged.
    """
    if main.tag == "body" or len(main.xpath(".//a[@href]")) < MIN_DIRECTORY_LINKS:
        return False
    texts = main.xpath(".//text()")
    linked = main.xpath(".//text()[ancestor::a]")
    n_all, n_linked = (sum(len(text.strip()) for text in found) for found in (texts, linked))
    return bool(n_linked > DIRECTORY_SHARE * n_all)


def _main_element(root: HtmlElement) -> HtmlElement:
    """The element that the page itself calls its main part, else its body."""
    for path in _MAIN_XPATHS:
        found = root.xpath(path)
        if len(found) == 1:
            return found[0]
    bodies = root.xpath("/html/body")
    return bodies[0] if bodies else root


def _is_documentation(root: HtmlElement) -> bool:
    makers = root.xpath("//meta[@name='generator']/@content")
    if any(_DOCUMENTATION_MAKERS.search(maker) for maker in makers):
        return True
    return bool(root.xpath("//dl[contains(@class, 'py ') or contains(@class, 'function')]"))


def _has_much_structure(main: HtmlElement) -> bool:
    """True when a good part of the text sits in code, definitions or tables."""
    n_all = len("".join(main.itertext()))
    # Whole pages are laid out in tables, main elements are not.
    tables = " | .//table[.//th]" if main.tag != "body" else ""
    parts = main.xpath(".//pre | .//dl[not(ancestor::dl)]" + tables)
    n_structured = sum(len("".join(one.itertext())) for one in parts)
    return n_structured > 0.2 * n_all > 0


def _article(root: HtmlElement) -> str:
    import trafilatura

    text = trafilatura.extract(
        root,
        output_format="markdown",
        include_comments=False,
        include_tables=True,
        include_formatting=True,
        favor_precision=True,
        # The second opinions of other algorithms cost a third of the time and, on pages that name
        # their one main part, change nothing.
        fast=len(root.xpath("//main | //*[@role='main']")) == 1,
    )
    pieces = _FENCED.split(text or "")
    return "".join(
        piece if piece.startswith("```") else _ESCAPED.sub(r"\1", piece) for piece in pieces
    )


def _title(root: HtmlElement) -> str:
    candidates = (
        *root.xpath("//meta[@property='og:title']/@content"),
        *("".join(one.itertext()) for one in root.xpath("(//h1)[1]")),
        *("".join(one.itertext()) for one in root.xpath("(//title)[1]")),
    )
    for candidate in candidates:
        text = " ".join(clean_text(candidate).split()).rstrip("¶# ")
        if text:
            return text[:MAX_TITLE_CHARS]
    return ""


def _language(root: HtmlElement) -> str | None:
    found = _LANGUAGE.match((root.get("lang") or "").strip())
    return found[1].lower() if found else None
