from __future__ import annotations

import pytest
from yarl import URL

from ingestion.crawling.scope import Scope


@pytest.mark.parametrize(
    ("start", "final", "host", "prefix"),
    [
        ("https://example.com/", "https://example.com/", "example.com", "/"),
        ("https://example.com/", "https://www.example.com/en/", "example.com", "/"),
        ("https://example.com/docs/intro.html", "", "example.com", "/docs/"),
        ("https://example.com/docs", "https://example.com/docs/", "example.com", "/docs/"),
        ("https://example.com/docs", "", "example.com", "/"),
        ("https://old.example/", "https://new.example/help/", "new.example", "/help/"),
        ("http://127.0.0.1:8000/a/", "", "127.0.0.1:8000", "/a/"),
    ],
)
def test_the_scope_is_the_folder_of_the_start_page(
    start: str, final: str, host: str, prefix: str
) -> None:
    assert Scope.around(URL(start), URL(final or start)) == Scope(host=host, prefix=prefix)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/docs/a", True),
        ("http://www.example.com/docs/a/b?c", True),
        ("https://example.com/docs", True),
        ("https://example.com/docsearch", False),
        ("https://example.com/blog/", False),
        ("https://docs.example.com/docs/", False),
        ("https://example.com:8443/docs/", False),
        ("https://example.com.evil.test/docs/", False),
    ],
)
def test_a_scope_holds_one_host_under_one_folder(url: str, expected: bool) -> None:
    assert Scope("example.com", "/docs/").contains(URL(url)) is expected
