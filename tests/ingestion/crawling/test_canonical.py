from __future__ import annotations

import pytest
from yarl import URL

from botfactory.lib.safe_http import parse_url
from ingestion.crawling.canonical import Scope, canonicalise, page_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://Example.COM:80/A/./b/../c#top", "http://example.com/A/c"),
        ("https://example.com:8443", "https://example.com:8443/"),
        ("https://example.com/docs/", "https://example.com/docs/"),
        ("https://example.com/docs", "https://example.com/docs"),
        ("https://example.com/?b=2&a=1", "https://example.com/?b=2&a=1"),
        ("https://example.com/?utm_source=x&id=7&fbclid=y&", "https://example.com/?id=7"),
        ("https://example.com/?utm_campaign=z", "https://example.com/"),
        ("https://example.com/a;jsessionid=0A1B2C?x=1", "https://example.com/a?x=1"),
        ("https://example.com/(S(abc123))/page.aspx", "https://example.com/page.aspx"),
        ("https://example.com/?sid=0123456789abcdef01&p=2", "https://example.com/?p=2"),
        ("https://example.com/?sid=chapter-2", "https://example.com/?sid=chapter-2"),
        ("https://example.com/%7euser/%c3%bc", "https://example.com/~user/%C3%BC"),
        ("http://[2606:4700::1111]/x", "http://[2606:4700::1111]/x"),
    ],
)
def test_it_gives_one_spelling_per_page(text: str, expected: str) -> None:
    once = canonicalise(parse_url(text))
    assert once == expected
    assert canonicalise(parse_url(once)) == once


def test_addresses_of_one_page_share_a_key_and_others_do_not() -> None:
    key = page_key("https://example.com/a/")
    assert page_key("http://www.example.com/a/index.html") == key
    assert page_key("https://example.com/a/?p=1") != key
    assert page_key("https://example.com/a") != key
    assert page_key("https://docs.example.com/a/") != key


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
