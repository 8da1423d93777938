"""How much of real documentation pages the extraction keeps: code, cells, terms, headings.

What a page holds is read from it a second time with nothing of the extraction: every line of
`<pre>`, every table cell, every term of a definition list and every heading of the page's main
part. A piece is kept when its letters and digits stand in the extracted text.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import html

from benchmarks.report import Cell, Table
from ingestion.errors import ExtractionError
from ingestion.extraction.kinds import HTML
from ingestion.extraction.registry import extract

PAGES_PER_PACKAGE = 60
PACKAGES = {
    "python3-doc": Path("/usr/share/doc/python3.11/html"),
    "postgresql-doc-15": Path("/usr/share/doc/postgresql-doc-15/html"),
    "python-django-doc": Path("/usr/share/doc/python-django-doc/html"),
    "sqlite3-doc": Path("/usr/share/doc/sqlite3"),
    "git-doc": Path("/usr/share/doc/git-doc"),
}
KINDS = ("code", "cell", "term", "heading")

_MAIN = ("//main", "//*[@role='main']", "//div[@class='yui-g']", "//*[@id='content']", "/html/body")
# Menus, anchors and line numbers of these five makers of documentation.
_NOT_CONTENT = (
    ".//nav | .//script | .//style | .//svg | .//button | .//select | .//input"
    " | .//*[contains(@style, 'display:none')] | .//*[@role='navigation']"
    " | .//*[@class='headerlink' or @class='navheader' or @class='navfooter' or @class='related'"
    " or @class='sphinxsidebar' or @class='toc' or @class='linenos' or @class='nosearch'"
    " or contains(@class, 'menu')]"
)
_LETTERS = re.compile(r"[^\W_]+")


def measure_packages(n_pages: int) -> Table:
    """One row for each installed package, over `n_pages` pages spread evenly over it."""
    samples = {name: _sample(folder, n_pages) for name, folder in PACKAGES.items()}
    rows = tuple(_row(name, paths) for name, paths in samples.items() if paths)
    missing = [name for name, paths in samples.items() if not paths]
    columns = ("package", "pages", "indexes", *(f"{kind}s kept" for kind in KINDS), "CPU ms/page")
    title = "documentation kept, of the main part of each page"
    return Table(
        title + (f" (not installed: {', '.join(missing)})" if missing else ""), columns, rows
    )


def _sample(folder: Path, n_pages: int) -> list[Path]:
    paths = sorted(folder.rglob("*.html"))
    return paths[:: max(1, len(paths) // n_pages)][:n_pages]


def _row(package: str, paths: list[Path]) -> tuple[Cell, ...]:
    found: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    n_refused = 0
    cpu_s = 0.0
    for path in paths:
        body = path.read_bytes()
        started = time.process_time()
        try:
            document = extract(body, declared=HTML)
        except ExtractionError:
            n_refused += 1  # a table of contents, which is not content
            continue
        finally:
            cpu_s += time.process_time() - started
        letters = _letters(f"{document.title} {document.text}")
        for kind, piece in _pieces(body):
            found[kind] += 1
            kept[kind] += piece in letters
    shares = (kept[kind] / found[kind] if found[kind] else None for kind in KINDS)
    return package, len(paths), n_refused, *shares, cpu_s / len(paths) * 1000


def _pieces(body: bytes) -> Iterator[tuple[str, str]]:
    """Kind and letters of each piece of the main part."""
    root = html.document_fromstring(body)
    main = next(found[0] for path in _MAIN if (found := root.xpath(path)))
    for element in main.xpath(_NOT_CONTENT):
        if element.getparent() is not None and element is not main:
            element.drop_tree()
    for element in main.iter("pre", "td", "th", "dt", "h1", "h2", "h3", "h4", "h5", "h6"):
        for kind, text in _texts(element):
            if letters := _letters(text):
                yield kind, letters


def _texts(element: Any) -> list[tuple[str, str]]:
    if element.tag == "pre":
        return [("code", line) for line in element.text_content().split("\n")]
    if element.tag in ("td", "th"):
        # Cells that hold whole parts of a page are counted by what is in them.
        return (
            []
            if element.xpath(".//table | .//pre | .//dl | .//ol | .//ul")
            else [("cell", element.text_content())]
        )
    return [("term" if element.tag == "dt" else "heading", element.text_content())]


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text))
