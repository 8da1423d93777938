from __future__ import annotations

import pytest

from ingestion.crawling.frontier import Entry, Frontier, FrontierLimits
from ingestion.crawling.types import KnownUrl, Reason

SITE = "https://example.com"


def add(frontier: Frontier, path: str, depth: int = 1) -> Reason | str | None:
    url = SITE + path
    return frontier.push(url, depth) if frontier.claim(url) else "known"


def test_shallow_pages_come_first_and_each_page_once() -> None:
    frontier = Frontier(FrontierLimits())
    add(frontier, "/deep", depth=3)
    add(frontier, "/list?page=2", depth=1)
    add(frontier, "/a", depth=1)
    assert add(frontier, "/a/index.html") is None
    assert add(frontier, "/a/") == "known"
    order = [entry.url for _ in range(4) if (entry := frontier.pop())]
    assert order == [SITE + p for p in ("/a", "/a/index.html", "/list?page=2", "/deep")]
    assert frontier.pop() is None


@pytest.mark.parametrize(
    "path",
    [
        "/a/a/a/a",
        "/x/a/b/a/b/a/b",
        "/en/en/en",
        "/" + "/".join(str(n) for n in range(30)),
        "/" + "x" * 2_000,
        "/a/1/a/2/a/3/a/4",
    ],
)
def test_endless_paths_are_traps(path: str) -> None:
    assert add(Frontier(FrontierLimits()), path) == Reason.TRAP


@pytest.mark.parametrize("path", ["/a/b/a", "/2026/01/01/post", "/docs/docs", "/a/b/c/d/e/f/g"])
def test_ordinary_paths_are_not(path: str) -> None:
    assert add(Frontier(FrontierLimits()), path) is None


def test_a_calendar_stops_at_the_number_per_pattern() -> None:
    frontier = Frontier(FrontierLimits(max_per_pattern=10))
    by_query = [add(frontier, f"/calendar?d={n}") for n in range(30)]
    by_path = [add(frontier, f"/cal/{n}/{n + 1}") for n in range(30)]
    by_name = [add(frontier, f"/docs/page-{n}") for n in range(30)]
    assert by_query.count(None) == by_path.count(None) == 10
    assert set(by_query[10:]) == {Reason.TRAP}
    assert by_name.count(None) == 30


def test_pages_beyond_the_depth_are_refused() -> None:
    frontier = Frontier(FrontierLimits(max_depth=2))
    assert add(frontier, "/two", depth=2) is None
    assert add(frontier, "/three", depth=3) == Reason.DEPTH


def test_it_says_when_no_more_urls_are_recorded() -> None:
    frontier = Frontier(FrontierLimits(max_seen=2))
    for path in ("/a", "/b"):
        assert not frontier.is_full()
        add(frontier, path)
    assert frontier.is_full()
    assert frontier.n_unlisted == 1


def test_it_continues_from_known_urls() -> None:
    known = (KnownUrl(SITE + "/done", 1, is_settled=True), KnownUrl(SITE + "/open", 2, False))
    frontier = Frontier(FrontierLimits(), known)
    assert add(frontier, "/done") == "known"
    assert add(frontier, "/open") == "known"
    assert frontier.drain() == [Entry(SITE + "/open", 2)]
    assert len(frontier) == 0
