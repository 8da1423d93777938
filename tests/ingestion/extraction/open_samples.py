"""E-books, OpenDocument files and notebooks, written member by member."""

from __future__ import annotations

import json

from tests.ingestion.extraction.archive_samples import make_zip

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
_NAMESPACES = (
    f'xmlns:office="{_ODF}:office:1.0" xmlns:text="{_ODF}:text:1.0" '
    f'xmlns:table="{_ODF}:table:1.0" xmlns:draw="{_ODF}:drawing:1.0" '
    f'xmlns:presentation="{_ODF}:presentation:1.0"'
)
CHAPTER = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x"/></head><body>
<h1>Loomings<a id="x"/></h1><p>Call me&nbsp;Ishmael. <span/>Some years ago.</p>
<table><tr><th>Ship</th><th>Port</th></tr><tr><td>Pequod</td><td>Nantucket</td></tr></table>
<pre>code\n  kept</pre><aside>A note that is part of the book.</aside></body></html>"""


def make_epub(*, encryption: str = "", chapter: str = CHAPTER) -> bytes:
    """A book of two chapters, a cover and a table of contents."""
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": """<package xmlns="http://www.idpf.org/2007/opf"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Moby Dick</dc:title>
 <dc:language>en-US</dc:language></metadata><manifest>
 <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
 <item id="cover" href="cover.xhtml" media-type="application/xhtml+xml"/>
 <item id="c2" href="ch%202.xhtml" media-type="application/xhtml+xml"/>
 <item id="c1" href="text/discovery.xhtml" media-type="application/xhtml+xml"/>
 <item id="img" href="a.png" media-type="image/png"/></manifest>
 <spine><itemref idref="cover"/><itemref idref="nav"/><itemref idref="c1"/>
 <itemref idref="c2"/><itemref idref="img"/><itemref idref="lost"/></spine></package>""",
        "OEBPS/nav.xhtml": "<html><body><p>Contents of everything</p></body></html>",
        "OEBPS/cover.xhtml": "<html><body><p>COVER</p></body></html>",
        "OEBPS/text/discovery.xhtml": chapter,
        "OEBPS/ch 2.xhtml": "<html><body><h1>The Carpet-Bag</h1><p>I stuffed a shirt.</p></body>",
    }
    if encryption:
        members["META-INF/encryption.xml"] = (
            '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData>'
            f'<EncryptionMethod Algorithm="{encryption}"/></EncryptedData></encryption>'
        )
    return make_zip(members)


def make_opendocument(kind: str, body: str, *, manifest: str = "") -> bytes:
    """A file of `kind` text, spreadsheet or presentation with this XML as its content."""
    meta = (
        f'<office:document-meta {_NAMESPACES} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<office:meta><dc:title>Guide</dc:title></office:meta></office:document-meta>"
    )
    members: dict[str, str | bytes] = {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": f"<office:document-content {_NAMESPACES}><office:body><office:{kind}>{body}"
        f"</office:{kind}></office:body></office:document-content>",
        "meta.xml": meta,
    }
    if manifest:
        members["META-INF/manifest.xml"] = manifest
    return make_zip(members)


def make_notebook() -> bytes:
    cells = [
        {"cell_type": "markdown", "source": ["# Analysis\n", "Of sales."]},
        {
            "cell_type": "code",
            "source": "total = 6 * 7\ntotal",
            "outputs": [
                {"output_type": "execute_result", "data": {"text/plain": ["42"]}},
                {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}},
                {"output_type": "stream", "text": ["x" * 10_000]},
            ],
        },
        {"cell_type": "raw", "source": "ignored"},
    ]
    metadata = {"language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}).encode()
