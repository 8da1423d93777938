from __future__ import annotations

import time

import pytest
from yarl import URL

from botfactory.errors import InvalidInput
from ingestion.crawling.scope import Patterns, Scope, check_pattern


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


@pytest.mark.parametrize(
    ("path_prefix", "path", "expected"),
    [
        ("/docs", "/docs/a", True),
        ("docs/", "/docs", True),
        ("/docs", "/docsearch", False),
        ("/", "/anything", True),
        ("", "/anything", True),
        ("/hilfe/über", "/hilfe/%C3%BCber/uns", True),
    ],
)
def test_a_folder_may_be_set_in_place_of_that_of_the_start(
    path_prefix: str, path: str, expected: bool
) -> None:
    start = URL("https://example.com/blog/")
    scope = Scope.around(start, start, path_prefix=path_prefix)
    assert scope.contains(URL("https://example.com" + path, encoded=True)) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/", True),
        ("https://docs.example.com/", True),
        ("https://a.b.example.com/", True),
        ("https://badexample.com/", False),
        ("https://example.com.evil.test/", False),
        ("https://docs.example.com:8443/", False),
    ],
)
def test_subdomains_belong_to_a_source_that_asks_for_them(url: str, expected: bool) -> None:
    scope = Scope("example.com", "/", with_subdomains=True)
    assert scope.contains(URL(url)) is expected


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("/blog/*", "https://example.com/blog/a/b", True),
        ("/blog/*", "https://example.com/blog", False),
        ("/blog/", "https://example.com/blog/a", True),
        ("/blog/", "https://example.com/blogs/a", False),
        ("/blog", "https://example.com/blog", True),
        ("/blog", "https://example.com/blog/a", False),
        ("blog*", "https://example.com/blogs", True),
        ("*.pdf", "https://example.com/a/b.pdf", True),
        ("*.pdf", "https://example.com/a/b.pdf?x", False),
        ("*/print", "https://example.com/a/print", True),
        ("*?sort=*", "https://example.com/shop?sort=up", True),
        ("/*/x/*/y", "https://example.com/1/x/2/y", True),
        ("/*/x/*/y", "https://example.com/1/x/y", False),
        ("/a*a", "https://example.com/a", False),
        ("/A", "https://example.com/a", False),
        ("/über*", "https://example.com/%C3%BCber-uns", True),
        ("/a.b", "https://example.com/axb", False),
        ("https://example.com/a", "https://example.com/a", True),
        ("https://www.example.com/a?utm_source=x#y", "http://example.com/a", True),
        ("https://example.com/a", "https://example.com/a/b", False),
        ("https://example.com/a*", "https://example.com/abc?d", True),
        ("https://example.com/", "https://example.com/a", False),
        ("https://docs.example.com/*", "https://example.com/a", False),
    ],
)
def test_a_pattern_matches_path_and_query_or_a_whole_address(
    pattern: str, url: str, expected: bool
) -> None:
    assert Patterns(include=(pattern,)).allow(url) is expected
    assert Patterns(exclude=(pattern,)).allow(url) is not expected


def test_exclude_goes_before_include_and_no_patterns_allow_everything() -> None:
    patterns = Patterns(include=("/docs/*",), exclude=("*/old/*",))
    assert patterns.allow("https://example.com/docs/new")
    assert not patterns.allow("https://example.com/docs/old/x")
    assert not patterns.allow("https://example.com/blog")
    assert Patterns().allow("https://example.com/blog")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" /blog/* ", "/blog/*"),
        ("blog", "/blog"),
        ("*", "*"),
        ("*blog", "*blog"),
        ("*/blog", "*/blog"),
        ("/a?b=*", "/a?b=*"),
        ("HTTP://Example.com:80/A*", "http://example.com/A*"),
    ],
)
def test_a_pattern_is_kept_in_one_spelling(text: str, kept: str) -> None:
    assert check_pattern(text) == kept
    assert check_pattern(kept) == kept


@pytest.mark.parametrize(
    "text",
    ["", "  ", "/a b", "/a\nb", "/" + "x" * 600, "*a" * 30, "ftp://example.com/*", "http://*.com/"],
)
def test_a_pattern_that_can_never_match_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_pattern(text)


def test_no_pattern_makes_matching_slow() -> None:
    glob = Patterns(include=("*" + "a*" * 19 + "b",))
    started_s = time.process_time()
    for _ in range(100):
        assert not glob.allow("https://example.com/" + "a" * 2_000)
    assert time.process_time() - started_s < 0.5
