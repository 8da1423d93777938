from __future__ import annotations

import pytest

from botfactory.lib.safe_http import parse_url
from ingestion.crawling.canonical import canonicalise, is_plain_path, page_id, page_key


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


@pytest.mark.parametrize("path", ["", "/", "/a", "/a/b.html", "/~me/a_b-c/", "/a/v1.2/"])
def test_a_plain_path_is_canonical_as_it_is(path: str) -> None:
    assert is_plain_path(path)
    assert canonicalise(parse_url("https://example.com" + path)).endswith(path)


@pytest.mark.parametrize(
    "path", ["/a/../b", "/./a", "/%7e", "/a?b", "/a;jsessionid=1", "/(S(a))/b", "//a", "/a b", "/ü"]
)
def test_other_paths_need_a_closer_look(path: str) -> None:
    assert not is_plain_path(path)


def test_spellings_of_one_page_share_its_number() -> None:
    assert page_id("http://www.example.com/index.php?a=1") == page_id("https://example.com/?a=1")
    assert page_id("https://example.com/a") != page_id("https://example.com/A")
