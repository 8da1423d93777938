from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest

from botfactory.lib.safe_http import (
    ConnectFailed,
    FetchError,
    FetchTimeout,
    TooManyRedirects,
    UrlInvalid,
    UrlNotAllowed,
    open_session,
)
from ingestion.crawling.crawler import crawl
from ingestion.crawling.types import (
    REASON_SENTENCES,
    CrawlConfig,
    KnownUrl,
    Outcome,
    Reason,
    Validators,
    Verdict,
)
from ingestion.errors import RobotsUnavailable, SiteUnreachable
from tests.doubles.fake_site import LOOPBACK, Reply, gzip_bomb, serve_site
from tests.ingestion.crawling.crawls import (
    Pages,
    RecordingSink,
    SteppingClock,
    crawl_site,
    linking,
)


async def test_it_follows_links_and_sitemaps_and_every_url_ends_once() -> None:
    result = await crawl_site(
        {
            "/": linking("/a", "/b?x=1#part", "mailto:a@b.c", "http://[broken", "/a?utm_source=z"),
            "/a": linking("/", "sub/c"),
            "/b?x=1": "<p>b",
            "/sub/c": "<p>c",
            "/robots.txt": Reply("Sitemap: {base}/map.xml", content_type="text/plain"),
            "/map.xml": Reply(
                gzip.compress(b"<urlset><url><loc>/relative</loc></url></urlset>"),
                content_type="application/gzip",
            ),
            "/sitemap.xml": Reply(
                "<urlset><url><loc>{base}/listed</loc></url>"
                "<url><loc>http://elsewhere.example/x</loc></url></urlset>"
            ),
            "/listed": "<p>listed",
        }
    )
    assert sorted(result.pages) == ["/", "/a", "/b?x=1", "/listed", "/sub/c"]
    assert result.reasons == {}
    assert [one.depth for one in result.sink.found if one.url.endswith("/sub/c")] == [2]
    result.check_one_end_per_url()
    assert result.summary.is_healthy
    assert result.site.hits["/"] == 1


async def test_a_page_arrives_with_what_the_pipeline_needs() -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT"}
    page = Reply(b"<p>\xfc", content_type="Text/HTML; Charset=ISO-8859-1", headers=headers)
    result = await crawl_site({"/": page})
    (only,) = result.sink.pages
    assert only.body == b"<p>\xfc"
    assert (only.content_type, only.charset) == ("text/html", "iso-8859-1")
    assert (only.etag, only.last_modified) == ('"v1"', "Sun, 01 Nov 2026 00:00:00 GMT")
    assert (only.status, only.depth) == (200, 0)


async def test_each_page_that_is_left_out_has_its_reason() -> None:
    pages: Pages = {
        "/docs/": linking(
            *("noindex", "login", "dead", "gone", "broken", "picture.png", "data", "huge", "bomb"),
            *("circle", "away", "inside", "secret/x", "/blog/", "http://elsewhere.example/"),
            *("twin", "old", "deep/a/a/a/a", "nested", "copy", "print"),
        ),
        "/robots.txt": "User-agent: *\nDisallow: /docs/secret/",
        "/docs/noindex": "<meta name=robots content=noindex>" + linking("behind"),
        "/docs/behind": "<p>found through a page that is not indexed",
        "/docs/login": "<form><input type=password></form>",
        "/docs/dead": "<title>Page not found</title>",
        "/docs/broken": Reply(status=500),
        "/docs/data": Reply("{}", content_type="application/json"),
        "/docs/huge": Reply(bytes(60_000)),
        "/docs/bomb": gzip_bomb(1_000_000),
        "/docs/circle": Reply(status=302, headers={"Location": "circle"}),
        "/docs/away": Reply(status=302, headers={"Location": "/blog/"}),
        "/blog/": "<p>blog",
        "/docs/inside": Reply(status=302, headers={"Location": "http://10.0.0.1/"}),
        "/docs/old": Reply(status=301, headers={"Location": "twin"}),
        "/docs/twin": "<p>twin",
        "/docs/nested": "<div>" * 5_000,
        "/docs/copy": "<link rel=canonical href='/docs/original'><p>the same",
        "/docs/print": "<link rel=canonical href='/docs/original'><p>the same",
        "/docs/original": "<link rel=canonical href='/docs/original'><p>the same",
    }
    result = await crawl_site(pages, start="/docs/", max_page_bytes=50_000, concurrency=1)
    expected = {
        "/docs/noindex": Reason.NOINDEX,
        "/docs/login": Reason.LOGIN_PAGE,
        "/docs/dead": Reason.NOT_FOUND_PAGE,
        "/docs/gone": Reason.GONE,
        "/docs/broken": Reason.HTTP_STATUS,
        "/docs/picture.png": Reason.TYPE,
        "/docs/data": Reason.TYPE,
        "/docs/huge": Reason.TOO_LARGE,
        "/docs/bomb": Reason.TOO_LARGE,
        "/docs/circle": Reason.REDIRECT_LOOP,
        "/docs/away": Reason.OFF_SCOPE,
        "/docs/inside": Reason.URL_NOT_ALLOWED,
        "/docs/secret/x": Reason.ROBOTS,
        "/blog/": Reason.OFF_SCOPE,
        "http://elsewhere.example/": Reason.OFF_SCOPE,
        "/docs/old": Reason.DUPLICATE,
        "/docs/deep/a/a/a/a": Reason.TRAP,
        "/docs/nested": Reason.TOO_COMPLEX,
        "/docs/copy": Reason.DUPLICATE,
        "/docs/print": Reason.DUPLICATE,
    }
    assert result.reasons == expected
    assert sorted(result.pages) == ["/docs/", "/docs/behind", "/docs/original", "/docs/twin"]
    result.check_one_end_per_url()
    assert result.site.hits["/docs/secret/x"] == result.site.hits["/docs/picture.png"] == 0
    assert all(one.sentence for one in result.sink.verdicts)


async def test_pages_that_name_each_other_as_original_do_not_both_vanish() -> None:
    result = await crawl_site(
        {
            "/": linking("/a", "/b", "/c"),
            "/a": "<link rel=canonical href='/b'><p>a",
            "/b": "<link rel=canonical href='/a'><p>b",
            "/c": "<link rel=canonical href='/'><p>a template that names the front page",
        }
    )
    assert len({"/a", "/b"} & set(result.pages)) == 1
    assert "/c" in result.pages


async def test_the_page_limit_holds_and_the_rest_says_so() -> None:
    pages: Pages = {"/": linking(*(f"/{n}" for n in range(40)))}
    pages |= {f"/{n}": f"<p>{n}" for n in range(40)}
    result = await crawl_site(pages, max_pages=10)
    assert len(result.pages) == 10
    assert list(result.reasons.values()) == [Reason.OVER_BUDGET] * 31
    assert result.site.hits.total() <= 10 + 2  # robots.txt and the sitemap
    assert result.summary.is_over_budget
    assert not result.summary.is_healthy
    result.check_one_end_per_url()


async def test_an_endless_calendar_ends() -> None:
    class Calendar(dict[str, Reply | str | list[Reply]]):
        def get(self, path: str, default: object = None) -> Reply:
            if not path.startswith("/cal"):
                return Reply(status=404)
            day = int(path.rpartition("=")[2] or 0)
            return Reply(linking(f"/cal?d={day + 1}", f"/cal?d={day + 2}"))

    async with serve_site({}) as site, open_session(LOOPBACK) as session:
        site.pages = Calendar()
        sink = RecordingSink()
        config = CrawlConfig(site.url("/cal?d=0"), LOOPBACK, max_pages=400, max_depth=10_000)
        summary = await crawl(config, session=session, sink=sink, should_stop=lambda: False)
    assert summary.n_fetched <= 202
    assert Reason.TRAP in {one.reason for one in sink.verdicts}


async def test_failures_that_may_pass_are_tried_again() -> None:
    clock = SteppingClock()
    pages: Pages = {
        "/": linking("/busy", "/down"),
        "/busy": [Reply(status=503, headers={"Retry-After": "7"}), Reply("<p>now")],
        "/down": Reply(status=502),
    }
    result = await crawl_site(pages, clock=clock, concurrency=1)
    assert result.pages == ["/", "/busy"]
    assert result.reasons == {"/down": Reason.HTTP_STATUS}
    assert result.site.hits["/down"] == 3
    retry_after_s, *backoff_s = clock.naps
    assert 6.9 < retry_after_s <= 7.0
    assert any(1.0 <= nap <= 1.25 for nap in backoff_s)
    assert any(4.0 <= nap <= 5.0 for nap in backoff_s)
    assert result.summary.n_failed == 1


async def test_a_slow_page_fails_alone() -> None:
    pages: Pages = {"/": linking("/slow", "/fine"), "/slow": Reply("<p>", stall=True), "/fine": "x"}
    result = await crawl_site(pages, page_timeout_s=0.2)
    assert sorted(result.pages) == ["/", "/fine"]
    assert result.reasons == {"/slow": Reason.TIMEOUT}


async def test_dead_links_do_not_make_a_crawl_unhealthy_but_many_failures_do() -> None:
    paths = [f"/{n}" for n in range(5)]
    gone = await crawl_site({"/": linking(*paths)})
    failing = await crawl_site({"/": linking(*paths), **dict.fromkeys(paths, Reply(status=500))})
    assert gone.summary.n_failed == failing.summary.n_failed == 5
    assert gone.summary.is_healthy
    assert not failing.summary.is_healthy


async def test_a_crawl_delay_makes_requests_wait_their_turn() -> None:
    clock = SteppingClock()
    pages: Pages = {
        "/robots.txt": "User-agent: *\nCrawl-delay: 3",
        "/": linking("/a", "/b"),
        "/a": "<p>a",
        "/b": "<p>b",
    }
    result = await crawl_site(pages, clock=clock)
    assert len(result.pages) == 3
    assert clock.naps == pytest.approx([3.0, 3.0, 3.0])  # two links and the sitemap
    assert result.site.max_open == 1


async def test_several_pages_are_fetched_at_once_but_no_more_than_allowed() -> None:
    pages: Pages = {"/": linking(*(f"/{n}" for n in range(12)))}
    pages |= {f"/{n}": Reply(f"<p>{n}", delay_s=0.02) for n in range(12)}
    result = await crawl_site(pages, concurrency=4)
    assert len(result.pages) == 13
    assert 2 <= result.site.max_open <= 5  # four pages and a sitemap


async def test_unchanged_pages_are_asked_for_by_their_validators() -> None:
    sink = RecordingSink()
    pages: Pages = {"/": linking("/same", "/new"), "/same": Reply(status=304), "/new": "<p>new"}
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        sink.stored[site.url("/same")] = Validators(etag='"1"', last_modified="yesterday")
        config = CrawlConfig(site.url("/"), LOOPBACK)
        summary = await crawl(config, session=session, sink=sink, should_stop=lambda: False)
        assert site.seen_headers["/same"]["If-None-Match"] == '"1"'
        assert site.seen_headers["/same"]["If-Modified-Since"] == "yesterday"
        assert "If-None-Match" not in site.seen_headers["/new"]
    assert [one.outcome for one in sink.verdicts] == [Outcome.UNCHANGED]
    assert (summary.n_fetched, summary.n_unchanged) == (2, 1)
    assert summary.is_healthy


async def test_a_stopped_crawl_continues_where_it_ended() -> None:
    pages: Pages = {"/": linking("/a", "/b", "/c", "/d")}
    pages |= {f"/{name}": f"<p>{name}" for name in "abcd"}
    sink = RecordingSink()
    first = await crawl_site(
        pages, sink=sink, should_stop=lambda: len(sink.pages) >= 2, concurrency=1
    )
    assert first.summary.is_stopped
    assert not first.summary.is_healthy
    assert first.reasons == {}
    done = set(first.pages)
    known = [
        KnownUrl(path, 1, path in done) for path in (first.path(one.url) for one in sink.found)
    ]
    second = await crawl_site(pages, known=known)
    assert sorted([*done, *second.pages]) == ["/", "/a", "/b", "/c", "/d"]
    assert second.sink.found == []


async def test_pages_known_from_before_are_visited_though_nothing_links_to_them() -> None:
    result = await crawl_site(
        {"/": "<p>x", "/island": "<p>y"}, known=[KnownUrl("/island", 1, False)]
    )
    assert sorted(result.pages) == ["/", "/island"]


async def test_a_start_page_that_redirects_to_another_host_moves_the_scope() -> None:
    async with serve_site({"/help/": linking("/help/a", "/other"), "/help/a": "<p>a"}) as target:
        moved = Reply(status=301, headers={"Location": target.url("/help/")})
        result = await crawl_site({"/": moved})
    assert [page.final_url.removeprefix(target.base) for page in result.sink.pages] == [
        "/help/",
        "/help/a",
    ]
    assert set(result.reasons.values()) == {Reason.OFF_SCOPE}


async def test_the_page_behind_a_redirecting_start_is_read_once() -> None:
    moved = Reply(status=302, headers={"Location": "/home/"})
    result = await crawl_site({"/": moved, "/home/": linking("/home/", "/a"), "/a": "<p>a"})
    assert result.pages == ["/", "/a"]
    assert result.site.hits["/home/"] == 1


async def test_a_sink_may_take_many_refusals_at_once() -> None:
    class PatientSink(RecordingSink):
        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        async def refused(self, verdicts: Sequence[Verdict]) -> None:
            self.sizes.append(len(verdicts))
            self.verdicts += verdicts

    sink = PatientSink()
    outside = [f"http://elsewhere.invalid/{n}" for n in range(50)]
    result = await crawl_site({"/": linking(*outside, "/missing")}, sink=sink)
    assert sink.sizes == [50]
    assert result.summary.n_skipped == 50
    result.check_one_end_per_url()


async def test_what_the_sink_raises_reaches_the_caller() -> None:
    class FullDisk(RecordingSink):
        async def verdict(self, verdict: Verdict) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        await crawl_site({"/": linking("/missing")}, sink=FullDisk())


@pytest.mark.parametrize(
    ("pages", "error"),
    [
        ({"/": Reply(status=404)}, SiteUnreachable),
        ({"/": Reply(status=500)}, SiteUnreachable),
        ({"/": "<p>x", "/robots.txt": "User-agent: *\nDisallow: /"}, SiteUnreachable),
        ({"/": "<p>x", "/robots.txt": Reply(status=503)}, RobotsUnavailable),
        ({"/": Reply("x", stall=True)}, FetchTimeout),
        ({"/": Reply(status=302, headers={"Location": "/"})}, TooManyRedirects),
        ({"/": Reply(status=302, headers={"Location": "http://10.0.0.1/"})}, UrlNotAllowed),
    ],
)
async def test_a_start_page_that_fails_is_raised_with_its_cause(
    pages: Pages, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await crawl_site(pages, page_timeout_s=0.2)


@pytest.mark.parametrize(
    ("url", "error"),
    [("http://10.0.0.1/", UrlNotAllowed), ("no address", UrlInvalid), (None, ConnectFailed)],
)
async def test_a_start_address_that_cannot_be_opened_is_raised(
    url: str | None, error: type[FetchError]
) -> None:
    async with serve_site({}) as site:
        closed = site.url("/")
    config = CrawlConfig(url or closed, LOOPBACK, retry_delays_s=())
    sink = RecordingSink()
    async with open_session(LOOPBACK) as session:
        with pytest.raises(error):
            await crawl(config, session=session, sink=sink, should_stop=lambda: False)
    assert sink.found == []


def test_every_reason_has_a_sentence() -> None:
    assert set(REASON_SENTENCES) == set(Reason)
