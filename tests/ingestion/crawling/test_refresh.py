"""Crawls that know something already: refreshes, interrupted ones, and retries of single pages."""

from __future__ import annotations

import pytest

from ingestion.crawling.types import (
    CrawlSummary,
    KnownUrl,
    Outcome,
    Reason,
    Validators,
    was_fetched,
)
from tests.doubles.fake_site import Reply
from tests.ingestion.crawling.crawls import Pages, RecordingSink, crawl_site, linking


class UnchangedSink(RecordingSink):
    """Has a validator for every page, so that a site may answer 304."""

    async def validators(self, url: str) -> Validators | None:
        return Validators(etag='"1"')


def seeds(*paths: str) -> list[KnownUrl]:
    return [KnownUrl(path, 2, is_settled=False, is_seed=True) for path in paths]


async def test_a_page_that_only_unchanged_pages_link_to_is_visited() -> None:
    pages: Pages = {
        "/": linking("/list"),
        "/list": Reply(status=304),
        "/item": Reply(status=304),
    }
    result = await crawl_site(pages, sink=UnchangedSink(), known=seeds("/list", "/item"))
    assert [one.outcome for one in result.sink.verdicts] == [Outcome.UNCHANGED] * 2
    assert result.site.seen_headers["/item"]["If-None-Match"] == '"1"'
    result.check_one_end_per_url()
    summary = result.summary
    assert (summary.n_seeds, summary.n_seeds_lost, summary.n_unchanged) == (2, 0, 2)
    assert summary.is_healthy


async def test_what_is_found_now_goes_before_pages_of_earlier_runs() -> None:
    pages: Pages = {
        "/": linking("/list"),
        "/list": linking("/new1", "/new2", text="A list."),
        "/new1": "<p>1",
        "/new2": "<p>2",
    }
    pages |= {f"/old{n}": f"<p>old {n}" for n in range(5)}
    known = seeds(*(f"/old{n}" for n in range(5)))
    result = await crawl_site(pages, known=known, max_pages=4, concurrency=4)
    assert sorted(result.pages) == ["/", "/list", "/new1", "/new2"]
    assert result.reasons == dict.fromkeys((f"/old{n}" for n in range(5)), Reason.OVER_BUDGET)
    result.check_one_end_per_url()


async def test_a_seed_keeps_the_address_by_which_its_document_is_known() -> None:
    pages: Pages = {"/": linking("/a/"), "/a/": "<p>a", "/a/index.html": "<p>a"}
    result = await crawl_site(pages, known=seeds("/a/index.html"))
    assert result.pages == ["/", "/a/index.html"]


async def test_gone_pages_are_told_from_failing_ones() -> None:
    pages: Pages = {"/": linking(), **{f"/{n}": f"<p>{n}" for n in range(4)}}
    pages |= {"/gone": Reply(status=410), "/failing": Reply(status=500)}
    known = seeds("/0", "/1", "/2", "/3", "/gone", "/missing", "/failing")
    result = await crawl_site(pages, known=known)
    assert result.reasons == {
        "/gone": Reason.GONE,
        "/missing": Reason.GONE,
        "/failing": Reason.HTTP_STATUS,
    }
    summary = result.summary
    assert (summary.n_gone, summary.n_unreachable, summary.n_seeds_lost) == (2, 1, 3)
    assert summary.is_answering


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404),
        Reply(status=403),
        Reply("<title>Just a moment...</title><p>Checking your browser"),
        Reply("<title>Page not found</title><p>Sorry"),
        Reply("<form><input type=password></form>"),
        Reply("<div id=root></div><script src=/a.js></script>"),
        Reply(status=302, headers={"Location": "/"}),
        Reply(status=302, headers={"Location": "/login"}),
        Reply("<p>start"),
    ],
)
async def test_a_site_on_which_most_pages_vanish_is_not_believed(reply: Reply) -> None:
    pages: Pages = {"/": "<p>start", "/a": "<p>a", "/b": reply, "/c": reply}
    pages["/login"] = "<form><input type=password></form>"
    result = await crawl_site(pages, known=seeds("/a", "/b", "/c"))
    assert result.summary.has_lost_most
    assert not result.summary.is_answering


async def test_one_text_on_every_page_does_not_replace_what_was_there() -> None:
    pages: Pages = {"/": "<p>We are back soon.", **{f"/{n}": "<p>We are back soon." for n in "abc"}}
    result = await crawl_site(pages, known=seeds("/a", "/b", "/c"))
    assert result.pages == ["/"]
    assert result.reasons == dict.fromkeys(("/a", "/b", "/c"), Reason.DUPLICATE)
    assert result.summary.n_seeds_lost == 3


async def test_two_pages_of_earlier_runs_may_become_equal() -> None:
    pages: Pages = {"/": linking(), **{f"/{n}": "<p>one text" for n in "abc"}}
    result = await crawl_site(pages, known=seeds("/a", "/b", "/c"), concurrency=1)
    assert result.pages == ["/", "/a", "/b"]
    assert result.reasons == {"/c": Reason.DUPLICATE}


async def test_what_the_owner_or_the_site_left_out_on_purpose_is_no_loss() -> None:
    pages: Pages = {
        "/": linking(),
        "/robots.txt": "User-agent: *\nDisallow: /secret",
        "/hidden": "<meta name=robots content=noindex>",
        "/blog/a": "<p>a",
    }
    known = seeds("/hidden", "/blog/a", "/secret")
    result = await crawl_site(pages, known=known, exclude=("/blog/*",))
    assert result.reasons == {
        "/hidden": Reason.NOINDEX,
        "/blog/a": Reason.EXCLUDED,
        "/secret": Reason.ROBOTS,
    }
    assert result.summary.n_seeds_lost == 0
    assert result.site.hits["/blog/a"] == result.site.hits["/secret"] == 0


async def test_pages_of_an_interrupted_start_count_against_the_limit() -> None:
    pages: Pages = {"/": linking(*(f"/{n}" for n in range(9)))}
    pages |= {f"/{n}": f"<p>{n}" for n in range(9)}
    known = [KnownUrl("/", 0, True, is_read=True)]
    known += [KnownUrl(f"/{n}", 1, True, is_read=True) for n in range(3)]
    known += [KnownUrl(f"/{n}", 1, False) for n in range(3, 9)]
    result = await crawl_site(pages, known=known, max_pages=6)
    assert len(result.pages) == 2
    assert list(result.reasons.values()) == [Reason.OVER_BUDGET] * 4
    assert (result.summary.n_read_before, result.summary.n_fetched) == (4, 2)


async def test_requests_of_an_interrupted_start_count_too() -> None:
    pages: Pages = {"/": linking(*(f"/{n}" for n in range(20)))}
    known = [KnownUrl(f"/old{n}", 1, True, is_fetched=was_fetched("gone")) for n in range(30)]
    result = await crawl_site(pages, known=known, max_pages=10)
    assert sum(result.site.hits[f"/{n}"] for n in range(20)) <= 10
    assert Reason.OVER_BUDGET in result.reasons.values()


async def test_a_refresh_that_was_interrupted_goes_on_with_its_seeds() -> None:
    known = [
        *seeds("/a", "/b"),
        KnownUrl("/", 0, True, is_read=True),
        KnownUrl("/a", 2, True, is_read=True),
    ]
    result = await crawl_site({"/": linking(), "/a": "<p>a", "/b": "<p>b"}, known=known)
    assert result.pages == ["/b"]
    assert result.site.hits["/a"] == 0


async def test_single_pages_are_retried_and_nothing_else() -> None:
    pages: Pages = {
        "/": linking("/x"),
        "/failed": linking("/x", "/y"),
        "/still": Reply(status=500),
        "/moved": Reply(status=301, headers={"Location": "/target"}),
        "/target": "<p>target",
        "/copy": "<link rel=canonical href=/target><p>copy",
    }
    known = [KnownUrl(path, 3, False) for path in ("/failed", "/still", "/moved", "/copy")]
    known += [KnownUrl(f"/{n}", 1, True, is_read=True) for n in range(10)]
    result = await crawl_site(pages, known=known, only_known=True, max_pages=10, concurrency=1)
    assert result.pages == ["/failed", "/target"]
    assert result.reasons == {
        "/still": Reason.HTTP_STATUS,
        "/moved": Reason.DUPLICATE,
        "/copy": Reason.DUPLICATE,
    }
    asked = {path for path in result.site.hits if not path.startswith("/robots")}
    assert asked == {"/failed", "/still", "/moved", "/target", "/copy"}


async def test_a_retry_of_the_start_page_alone_raises_nothing() -> None:
    known = [KnownUrl("/", 0, False)]
    failed = await crawl_site({"/": Reply(status=500)}, known=known, only_known=True)
    assert failed.reasons == {"/": Reason.HTTP_STATUS}
    read = await crawl_site({"/": linking("/a"), "/a": "<p>a"}, known=known, only_known=True)
    assert read.pages == ["/"]
    closed: Pages = {"/": "<p>x", "/robots.txt": Reply(status=503)}
    paused = await crawl_site(closed, known=known, only_known=True)
    assert paused.reasons == {"/": Reason.ROBOTS_UNAVAILABLE}


def test_what_was_not_asked_for_cost_no_request() -> None:
    assert was_fetched("")
    assert was_fetched(Reason.NOINDEX)
    assert was_fetched("too_thin")
    assert not was_fetched(Reason.OFF_SCOPE)
    assert not was_fetched(Reason.OVER_BUDGET)


def test_a_run_over_its_page_limit_may_believe_what_is_gone_but_not_what_is_missing() -> None:
    summary = CrawlSummary(
        n_seen=9,
        n_fetched=5,
        n_unchanged=0,
        n_skipped=3,
        n_failed=1,
        n_unreachable=0,
        n_unlisted=0,
        is_stopped=False,
        is_over_budget=True,
        n_gone=1,
    )
    assert summary.is_answering
    assert not summary.is_healthy
