from __future__ import annotations

import tracemalloc
from uuid import UUID

import pytest

from ingestion.crawling.canonical import Address, page_id
from ingestion.crawling.frontier import Entry, Frontier, FrontierLimits
from ingestion.crawling.types import KnownUrl, Reason

SITE = "https://example.com"


def add(frontier: Frontier, path: str, depth: int = 1) -> Reason | str | None:
    url = SITE + path
    return frontier.push(url, depth) if frontier.claim(Address.of(url)) else "known"


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
    frontier = Frontier(FrontierLimits(max_per_pattern=10, max_per_numbers=10))
    by_query = [add(frontier, f"/calendar?d={n}") for n in range(30)]
    by_path = [add(frontier, f"/cal/{n}/{n + 1}") for n in range(30)]
    by_name = [add(frontier, f"/docs/page-{n}") for n in range(30)]
    assert by_query.count(None) == by_path.count(None) == 10
    assert set(by_query[10:]) == {Reason.TRAP}
    assert by_name.count(None) == 30


def test_a_session_in_the_path_makes_no_new_pages_for_ever() -> None:
    frontier = Frontier(FrontierLimits(max_per_numbers=10))
    by_session = [add(frontier, f"/s/{n:032x}/page") for n in range(30)]
    by_uuid = [add(frontier, f"/u/{UUID(int=n)}/page") for n in range(30)]
    assert by_session.count(None) == by_uuid.count(None) == 10


def test_combinations_of_filters_stop_although_each_is_another_pattern() -> None:
    frontier = Frontier(FrontierLimits(max_per_pattern=10))
    queries = ("&".join(f"f{n}=1" for n in range(8) if mask >> n & 1) for mask in range(1, 256))
    added = [add(frontier, f"/shop?{query}") for query in queries]
    assert added.count(None) == 20
    assert add(frontier, "/other?f1=1") is None


def test_what_a_sitemap_lists_is_no_series() -> None:
    frontier = Frontier(FrontierLimits(max_per_pattern=10, max_per_numbers=10))
    urls = [f"{SITE}/news/{n}" for n in range(30)]
    assert {frontier.push(url, 1, is_listed=True) for url in urls} == {None}
    assert frontier.push(SITE + "/" + "x" * 2_000, 1, is_listed=True) == Reason.TRAP


def test_a_large_budget_allows_longer_series() -> None:
    small = FrontierLimits.for_budget(max_pages=500, max_depth=20)
    large = FrontierLimits.for_budget(max_pages=50_000, max_depth=20)
    assert (small.max_seen, small.max_per_pattern, small.max_per_numbers) == (10_000, 200, 250)
    assert (large.max_seen, large.max_per_numbers) == (200_000, 25_000)


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
    assert list(frontier.drain()) == [Entry(SITE + "/open", 2)]
    assert len(frontier) == 0


def test_series_are_counted_on_after_a_restart_but_not_what_was_refused() -> None:
    read = [KnownUrl(f"{SITE}/c?d={n}", 1, True, is_read=True) for n in range(4)]
    refused = [KnownUrl(f"{SITE}/c?d=9{n}", 1, True) for n in range(9)]
    frontier = Frontier(FrontierLimits(max_per_pattern=5), read + refused)
    assert add(frontier, "/c?d=100") is None
    assert add(frontier, "/c?d=101") == Reason.TRAP


def test_seeds_come_last_unless_they_are_found_again() -> None:
    known = [KnownUrl(SITE + path, 1, False, is_seed=True) for path in ("/a", "/b", "/c")]
    frontier = Frontier(FrontierLimits(), known)
    claimed = frontier.claim(Address.of("https://www.example.com/b"))
    assert claimed is not None
    assert claimed.url == SITE + "/b"  # as the earlier run wrote it
    frontier.push(claimed.url, 3)
    add(frontier, "/new", depth=5)
    entries = list(frontier.drain())
    assert [one.url for one in entries] == [SITE + path for path in ("/b", "/new", "/a", "/c")]
    assert [one.is_seed for one in entries] == [True, False, True, True]
    assert [one.is_unseen for one in entries] == [False, False, True, True]


def test_a_seed_that_this_run_settled_is_not_visited_again() -> None:
    url = SITE + "/a"
    known = [KnownUrl(url, 1, False, is_seed=True), KnownUrl(url, 1, True, is_read=True)]
    frontier = Frontier(FrontierLimits(), known)
    assert frontier.n_waiting_seeds == 0
    assert frontier.is_seed(page_id(url))


def test_what_was_begun_before_comes_last_the_least_often_begun_first() -> None:
    known = [
        KnownUrl(SITE + "/twice", 0, False, n_attempts=2),
        KnownUrl(SITE + "/once", 1, False, n_attempts=1),
        KnownUrl(SITE + "/deep", 5, False),
    ]
    frontier = Frontier(FrontierLimits(), known)
    add(frontier, "/new", depth=9)
    entries = [(one.url.removeprefix(SITE), one.depth) for one in frontier.drain()]
    assert entries == [("/deep", 5), ("/new", 9), ("/once", 1), ("/twice", 0)]


def test_waiting_addresses_take_little_memory() -> None:
    tracemalloc.start()
    frontier = Frontier(FrontierLimits.for_budget(max_pages=50_000, max_depth=20))
    for n in range(5_000):
        add(frontier, f"/handbook/chapter-{n % 90}/page-about-topic-{n}.html")
    n_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(frontier) == 5_000
    assert n_bytes < 3_000_000  # 30 MB for the largest budget
