"""A citation's link opens the page at its passage: seen in Chromium, by what it marks."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page

from bots.answering.citation_links import link_for
from ingestion.extraction.html import extract_html
from ingestion.indexing.chunking import split_document
from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

MARK = (255, 0, 255)
_FILLER = "<h2>Other things</h2>" + "".join(
    f"<p>Paragraph {n} tells of other things, at some length, to fill the page.</p>"
    for n in range(40)
)
_SECTIONS = {
    "prose": (
        "<h2>Opening hours</h2><p>We are <b>open</b> from nine - to - five, on "
        "<a href='/x'>most weekdays</a> &amp; some Sundays. On holidays, call the "
        "<code>desk()</code> first.</p>"
    ),
    "list": (
        "<h2>What to bring</h2><ul><li>The form that you have signed</li>"
        "<li>A passport or another document with a picture</li></ul>"
    ),
    "table": (
        "<h2>What it costs</h2><table><tr><th>Plan for a year</th><th>Price</th></tr>"
        "<tr><td>The plan for large teams</td><td>ninety euros a month</td></tr></table>"
    ),
    "code": (
        "<h2>How to start it</h2><p>Install the package with its command:</p><pre><code>"
        "pip install   botfactory\npython manage.py serve --port 8000\n</code></pre>"
    ),
    "terms": (
        "<h2>What words mean</h2><dl><dt>chunk</dt>"
        "<dd>A part of a document that fits into the embedding model.</dd></dl>"
    ),
}
HTML = (
    "<style>::target-text { background: rgb(255, 0, 255) }</style><main><h1>The manual</h1>"
    + "".join(f"{_FILLER}<section id='{name}'>{html}</section>" for name, html in _SECTIONS.items())
    + f"{_FILLER}</main>"
)


@pytest.mark.parametrize("name", _SECTIONS)
@pytest.mark.parametrize("anchor", ["", "#prose"])
def test_the_browser_scrolls_to_the_passage_and_marks_it(
    name: str, anchor: str, page: Page, site: Site
) -> None:
    address = site.show(HTML, path="/manual")
    link = link_for(address + anchor, None, _passage(name))
    page.goto(link)
    assert page.evaluate("scrollY") > 500
    marked = _marked_rows(page)
    section = page.locator(f"#{name}").bounding_box()
    assert section is not None
    assert marked
    assert section["y"] <= marked[0]
    assert marked[-1] <= section["y"] + section["height"]


def _passage(name: str) -> str:
    """The chunk of the section, as reading the page makes it."""
    document = extract_html(f"<!DOCTYPE html><title>A shop</title><body>{HTML}</body>".encode())
    chunks = split_document(document, count_tokens=lambda texts: [len(t) // 4 for t in texts])
    heading = _SECTIONS[name].split("<h2>")[1].split("</h2>")[0]
    return next(one.text for one in chunks if one.heading_path[-1:] == (heading,))


def _marked_rows(page: Page) -> list[int]:
    """The rows of the window that hold marked pixels."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    width, height = picture.size
    pixels = picture.load()
    assert pixels is not None
    return [y for y in range(height) if any(pixels[x, y] == MARK for x in range(0, width, 2))]
