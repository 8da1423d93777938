"""E-books (EPUB 2 and 3): the chapters in reading order, by their structure alone.

What makes an article of a web page would drop parts of a book, so each chapter is walked as it is.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingestion.errors import FileDamaged, FileEncrypted
from ingestion.extraction.archives import ZipArchive
from ingestion.extraction.blocks import Blocks, title_of
from ingestion.extraction.cleaning import drop_unseen
from ingestion.extraction.decoding import decode_html
from ingestion.extraction.ooxml import text_of
from ingestion.extraction.prescan import check_html
from ingestion.extraction.structure import to_markdown
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import Element, attribute, child, children, parse_part

MAX_CHAPTER_BYTES = 20_000_000

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts are garbled to keep them from being copied out; the text of such a book is open.
_FONT_GARBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTER_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_COVER = re.compile(r"(?:^|[/_-])cover(?:[._-]?(?:page|image))?(?:\.x?html?)?$", re.IGNORECASE)
_SELF_CLOSED = re.compile(rb"<([a-zA-Z][\w:.-]*+)([^<>]*)/>")
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
_DOCTYPE = re.compile(
    rb"<!DOCTYPE[^>\[]{0,1000}+(?:\[[^\]]{0,20000}+\])?[^>]{0,100}>", re.IGNORECASE
)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def extract_epub(body: bytes) -> ExtractedDocument:
    """The text of a book as Markdown, without cover and navigation.

    Raises: FileDamaged, FileEncrypted (copy protection), ArchiveUnsafe, ArchiveTooLarge,
    PageTooComplex, TextTooLong, NoTextFound.
    """
    archive = ZipArchive(body)
    _refuse_protected(archive)
    container = parse_part(_without_doctype(archive.read(_CONTAINER)))
    rootfiles = children(child(container, "rootfiles"), "rootfile")
    if not rootfiles:
        raise FileDamaged(subject="no package")
    opf = posixpath.normpath(attribute(rootfiles[0], "full-path"))
    package = parse_part(_without_doctype(archive.read(opf)))
    blocks = Blocks()
    for part in _chapter_parts(package, posixpath.dirname(opf)):
        if part in archive:
            blocks.add(_chapter(archive.read(part, max_bytes=MAX_CHAPTER_BYTES)))
    metadata = child(package, "metadata")
    language = _LANGUAGE.match(text_of(child(metadata, "language")).strip().lower())
    return ExtractedDocument(
        title=title_of(text_of(child(metadata, "title"))),
        text=blocks.text(),
        language=language[0] if language else None,
    )


def _refuse_protected(archive: ZipArchive) -> None:
    if _ENCRYPTION not in archive:
        return
    root = parse_part(_without_doctype(archive.read(_ENCRYPTION)))
    for one in root.iter("{*}EncryptedData"):
        if attribute(child(one, "EncryptionMethod"), "Algorithm") not in _FONT_GARBLING:
            raise FileEncrypted(
                "The book is protected against copying (DRM). Upload a copy without protection."
            )


def _chapter_parts(package: Element, folder: str) -> list[str]:
    """The names of the chapters in reading order."""
    items = {attribute(one, "id"): one for one in children(child(package, "manifest"), "item")}
    parts: list[str] = []
    for reference in children(child(package, "spine"), "itemref"):
        item_id = attribute(reference, "idref")
        item = items.get(item_id)
        href = unquote(attribute(item, "href")).partition("#")[0]
        is_chapter = attribute(item, "media-type").lower() in _CHAPTER_TYPES
        is_nav = "nav" in attribute(item, "properties").split()
        is_cover = _COVER.search(item_id) or _COVER.search(href)
        if is_chapter and href and not is_nav and not is_cover:
            part = posixpath.normpath(posixpath.join(folder, href))
            if part not in parts:
                parts.append(part)
    return parts


def _chapter(data: bytes) -> str:
    html = decode_html(data, charset=None).replace("\x00", "").encode("utf-8", errors="replace")
    html = _SELF_CLOSED.sub(_opened, _without_doctype(html))
    check_html(html)
    parser = HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True
    )
    try:
        root: HtmlElement = document_fromstring(html, parser=parser)
    except (etree.LxmlError, ValueError):
        return ""  # a page without anything in it
    drop_unseen(root)
    for nav in list(root.iter("nav")):
        nav.drop_tree()
    body = root.find("body")
    return to_markdown(root if body is None else body)


def _opened(found: re.Match[bytes]) -> bytes:
    """XHTML's `<a id="x"/>` as HTML, where the slash would leave the element open."""
    name, rest = found[1], found[2]
    return found[0] if name.lower() in _VOID else b"<%s%s></%s>" % (name, rest, name)


def _without_doctype(data: bytes) -> bytes:
    """Books carry the document types of their standards; nothing in them is needed."""
    return _DOCTYPE.sub(b"", data, count=1)
