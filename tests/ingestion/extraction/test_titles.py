from __future__ import annotations

import pytest
from lxml import etree

from ingestion.extraction.titles import title_of


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        ("<title>Opening hours | Acme</title>", "<h1>Opening hours</h1>", "Opening hours"),
        ("<title>json - JSON</title>", "<h1>json - JSON\u00b6</h1>", "json - JSON"),
        ("<title>Hours and holidays - Acme</title>", "<h1>Acme</h1>", "Hours and holidays - Acme"),
        (
            "<title>x</title><meta property=og:title content='Hours - Acme'>"
            "<meta property=og:site_name content=Acme>",
            "<h1>Other</h1>",
            "Hours",
        ),
        ("<title>Head | Site</title>", "<main><h1>The headline</h1></main>", "The headline"),
        ("", "<h1>Only a heading</h1>", "Only a heading"),
        ("<title>Only a title</title>", "", "Only a title"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_confirmed_title_wins(head: str, body: str, title: str) -> None:
    page = f"<html><head><meta charset=utf-8>{head}</head><body>{body}<p>x</body></html>"
    assert title_of(etree.fromstring(page, parser=etree.HTMLParser())) == title
