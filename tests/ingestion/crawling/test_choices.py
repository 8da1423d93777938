"""What owners choose, what sites ask for, and which of several addresses a page keeps."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from botfactory.lib.safe_http import open_session
from ingestion.crawling.crawler import crawl
from ingestion.crawling.types import CrawlConfig, Reason
from ingestion.errors import SiteUnreachable
from tests.doubles.fake_site import LOOPBACK, Reply, serve_site
from tests.ingestion.crawling.crawls import (
    Pages,
    RecordingSink,
    Result,
    SteppingClock,
    crawl_site,
    linking,
)


class LoopbackResolver(AbstractResolver):
    """Every name is this machine, but for those that do not exist."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if "nowhere" in host:
            raise OSError(None, "no such name")
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        return None


async def test_include_and_exclude_choose_the_pages() -> None:
    pages: Pages = {
        "/": linking("/docs/a", "/docs/old/b", "/blog/c", "/docs/way"),
        "/docs/a": "<p>a",
        "/docs/way": Reply(status=302, headers={"Location": "/docs/old/b"}),
        "/docs/old/b": "<p>b",
    }
    result = await crawl_site(pages, include=("/docs/*",), exclude=("*/old/*",))
    assert result.pages == ["/docs/a"]
    assert result.reasons == dict.fromkeys(
        ("/", "/docs/old/b", "/blog/c", "/docs/way"), Reason.EXCLUDED
    )
    result.check_one_end_per_url()
    assert result.site.hits["/blog/c"] == 0


async def test_a_folder_replaces_that_of_the_start_page() -> None:
    pages: Pages = {
        "/docs/intro.html": linking("/docs/a", "/help/b", "/help"),
        "/help/b": "<p>b",
        "/help": "<p>help",
    }
    result = await crawl_site(pages, start="/docs/intro.html", path_prefix="/help")
    assert sorted(result.pages) == ["/help", "/help/b"]
    assert result.reasons == dict.fromkeys(("/docs/intro.html", "/docs/a"), Reason.OFF_SCOPE)


async def crawl_hosts(pages: Pages, **settings: object) -> tuple[Result, int]:
    """A crawl of shop.test, whose subdomains are the same server."""
    sink = RecordingSink()
    resolver = LoopbackResolver()
    async with serve_site(pages) as site, open_session(LOOPBACK, resolver=resolver) as session:
        port = int(site.base.rpartition(":")[2])
        site.base = f"shop.test:{port}"
        config = CrawlConfig(f"http://{site.base}/", LOOPBACK, **settings)  # type: ignore[arg-type]
        summary = await crawl(
            config, session=session, sink=sink, should_stop=lambda: False, clock=SteppingClock()
        )
    return Result(site, sink, summary), port


async def test_subdomains_are_read_when_asked_for_each_with_its_own_rules() -> None:
    pages: Pages = {
        "/": linking(
            "http://docs.{base}/guide", "http://docs.{base}/secret", "http://www.{base}/about"
        ),
        "/guide": "<p>guide",
        "/about": "<p>about",
        "/secret": "<p>secret",
        # The first to ask is shop.test itself.
        "/robots.txt": [
            Reply("User-agent: *\nDisallow:"),
            Reply("User-agent: *\nDisallow: /secret"),
            Reply("User-agent: *\nDisallow: /secret"),
        ],
    }
    result, port = await crawl_hosts(pages, with_subdomains=True)
    assert sorted(page.url for page in result.sink.pages) == [
        f"http://docs.shop.test:{port}/guide",
        f"http://shop.test:{port}/",
        f"http://www.shop.test:{port}/about",
    ]
    assert [(one.url, one.reason) for one in result.sink.verdicts] == [
        (f"http://docs.shop.test:{port}/secret", Reason.ROBOTS)
    ]
    assert result.site.hits["/robots.txt"] == 3
    assert result.site.hits["/secret"] == 0


async def test_subdomains_are_left_alone_by_default() -> None:
    result, _ = await crawl_hosts({"/": linking("http://docs.{base}/guide")})
    assert [one.reason for one in result.sink.verdicts] == [Reason.OFF_SCOPE]


async def test_a_host_that_fails_costs_its_own_pages_only() -> None:
    pages: Pages = {
        "/": linking("http://nowhere.{base}/a", "http://docs.{base}/b", "/c"),
        "/c": "<p>c",
        "/robots.txt": [Reply(status=404), Reply(status=503)],
    }
    result, port = await crawl_hosts(pages, with_subdomains=True, retry_delays_s=())
    assert {one.url: one.reason for one in result.sink.verdicts} == {
        f"http://nowhere.shop.test:{port}/a": Reason.DNS,
        f"http://docs.shop.test:{port}/b": Reason.ROBOTS_UNAVAILABLE,
    }
    assert [page.url for page in result.sink.pages][1:] == [f"http://shop.test:{port}/c"]


async def test_any_number_of_made_up_subdomains_is_a_trap() -> None:
    links = [f"http://s{n}.{{base}}/x" for n in range(130)]
    pages: Pages = {"/": linking(*links), "/x": "<p>x"}
    result, _ = await crawl_hosts(pages, with_subdomains=True)
    assert result.site.hits["/robots.txt"] <= 100 + 4  # those that were on their way
    assert Reason.TRAP in {one.reason for one in result.sink.verdicts}


async def test_a_page_that_moves_its_readers_on_is_read_where_it_leads() -> None:
    pages: Pages = {
        "/": linking("/old", "/loop", "/out"),
        "/old": "<meta http-equiv=refresh content='0;url=new'><p>Moved.",
        "/new": "<p>new",
        "/loop": "<meta http-equiv=refresh content='0;url=/loop'><p>A page that reloads itself.",
        "/out": "<meta http-equiv=refresh content='1;url=http://elsewhere.invalid/'>",
    }
    result = await crawl_site(pages)
    assert sorted(result.pages) == ["/", "/loop", "/new"]
    assert result.reasons == {
        "/old": Reason.DUPLICATE,
        "/out": Reason.OFF_SCOPE,
        "http://elsewhere.invalid/": Reason.OFF_SCOPE,
    }
    assert result.details["/old"] == "/new"


async def test_a_start_page_that_moves_its_readers_on_counts_as_a_redirect() -> None:
    pages: Pages = {
        "/": "<meta http-equiv=refresh content='0;url=/docs/'>",
        "/docs/": linking("/docs/a"),
        "/docs/a": "<p>a",
    }
    result = await crawl_site(pages)
    assert result.pages == ["/", "/docs/a"]
    assert result.sink.pages[0].final_url.endswith("/docs/")
    circle: Pages = {
        "/": "<meta http-equiv=refresh content='0;url=/b'>",
        "/b": "<meta http-equiv=refresh content='0;url=/'>",
    }
    assert (await crawl_site(circle)).summary.n_fetched <= 1
    with pytest.raises(SiteUnreachable):
        await crawl_site({"/": "<meta http-equiv=refresh content='0;url=/missing'>"})


async def test_a_redirect_is_reported_under_the_page_it_leads_to() -> None:
    pages: Pages = {
        "/": linking("/old"),
        "/old": Reply(status=301, headers={"Location": "/new"}),
        "/new": "<p>new",
    }
    result = await crawl_site(pages)
    assert result.pages == ["/", "/new"]
    assert result.reasons == {"/old": Reason.DUPLICATE}
    assert result.details == {"/old": "/new"}
    result.check_one_end_per_url()


async def test_what_leads_to_a_login_or_a_missing_page_is_reported_as_that() -> None:
    login = "<form><input type=password></form>"
    pages: Pages = {
        "/": linking("/missing", "/members", "/more", "/lost"),
        "/members": Reply(status=302, headers={"Location": "/login?next=/members"}),
        "/more": Reply(status=302, headers={"Location": "/login?next=/members"}),
        "/login?next=/members": login,
        "/lost": Reply(status=302, headers={"Location": "/404"}),
        "/404": "<title>Page not found</title>",
    }
    result = await crawl_site(pages, concurrency=1)
    assert result.reasons == {
        "/missing": Reason.GONE,
        "/members": Reason.LOGIN_PAGE,
        "/more": Reason.LOGIN_PAGE,
        "/login?next=/members": Reason.LOGIN_PAGE,
        "/lost": Reason.NOT_FOUND_PAGE,
        "/404": Reason.NOT_FOUND_PAGE,
    }
    result.check_one_end_per_url()


async def test_the_sitemap_of_a_site_that_moved_is_read_where_it_is_now() -> None:
    listed = Reply("<urlset><url><loc>{base}/listed</loc></url></urlset>")
    there: Pages = {"/": "<p>x", "/sitemap.xml": listed, "/listed": "<p>listed"}
    async with serve_site(there) as target:
        moved = Reply(status=301, headers={"Location": target.url("/")})
        result = await crawl_site({"/": moved})
    assert result.sink.pages[-1].url == target.url("/listed")


async def test_one_page_with_and_without_a_slash_is_read_once_but_two_pages_are_two() -> None:
    pages: Pages = {
        "/": linking("/same", "/same/", "/two", "/two/"),
        "/same": "<p>same",
        "/same/": "<p>same",
        "/two": "<p>a list",
        "/two/": "<p>an entry",
    }
    result = await crawl_site(pages, concurrency=1)
    assert result.pages == ["/", "/same", "/two", "/two/"]
    assert result.reasons == {"/same/": Reason.DUPLICATE}


async def test_files_may_ask_not_to_be_indexed_and_name_their_original() -> None:
    pages: Pages = {
        "/": linking("/a.txt", "/b.txt", "/c.txt"),
        "/a.txt": Reply("a", content_type="text/plain", headers={"X-Robots-Tag": "none"}),
        "/b.txt": Reply(
            "b", content_type="text/plain", headers={"Link": '</c.txt>; rel="canonical"'}
        ),
        "/c.txt": Reply("c", content_type="text/plain"),
    }
    result = await crawl_site(pages)
    assert result.pages == ["/", "/c.txt"]
    assert result.reasons == {"/a.txt": Reason.NOINDEX, "/b.txt": Reason.DUPLICATE}


async def test_a_crawl_out_of_time_says_so() -> None:
    clock = SteppingClock()
    pages: Pages = {"/": linking("/a", "/b"), "/robots.txt": "User-agent: *\nCrawl-delay: 5"}
    pages |= {"/a": "<p>a", "/b": "<p>b"}
    result = await crawl_site(pages, clock=clock, max_seconds=6.0, concurrency=1)
    assert set(result.reasons.values()) == {Reason.OVER_TIME}
    assert result.summary.is_over_budget


@pytest.mark.parametrize(("max_pages", "limit_s"), [(10, 1_800.0), (50_000, 300_000.0)])
def test_large_sites_get_more_time(max_pages: int, limit_s: float) -> None:
    config = CrawlConfig("https://example.com/", LOOPBACK, max_pages=max_pages)
    assert config.time_limit_s == limit_s
