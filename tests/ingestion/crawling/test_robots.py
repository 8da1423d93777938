from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, FetchTimeout, TooManyRedirects
from ingestion.crawling.robots import MAX_DELAY_S, judge_robots, parse_robots
from ingestion.errors import RobotsUnavailable

PAGE = "https://example.com/private/x"


def reply(status: int, body: bytes = b"User-agent: *\nDisallow: /private/") -> FetchedResponse:
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return FetchedResponse(URL("https://example.com/robots.txt"), status, headers, body, ())


def test_rules_sitemaps_and_delay_are_read() -> None:
    robots = parse_robots(
        b"\xef\xbb\xbfUser-agent: *\nDisallow: /private/\nAllow: /private/x\nCrawl-delay: 2\n"
        b"Sitemap: https://example.com/map.xml\n"
    )
    assert robots.allows(PAGE)
    assert not robots.allows("https://example.com/private/y")
    assert robots.delay_s == 2.0
    assert robots.sitemaps == ("https://example.com/map.xml",)


def test_rules_for_our_name_go_before_the_general_ones() -> None:
    robots = parse_robots(b"User-agent: BotFactory\nDisallow:\n\nUser-agent: *\nDisallow: /\n")
    assert robots.allows(PAGE)


@pytest.mark.parametrize("asked", [b"1e9", b"60", b"-3", b"nonsense"])
def test_a_strange_delay_is_capped(asked: bytes) -> None:
    robots = parse_robots(b"User-agent: *\nCrawl-delay: " + asked)
    assert 0.0 <= robots.delay_s <= MAX_DELAY_S


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Not found</body></html>", b"\x00\xff\xfe" * 100, b"\r\r\r"]
)
def test_what_is_no_robots_file_forbids_nothing(body: bytes) -> None:
    assert parse_robots(body).allows(PAGE)


def test_only_the_first_500_kib_count() -> None:
    padding = b"# " + b"x" * 600_000 + b"\n"
    assert parse_robots(padding + b"User-agent: *\nDisallow: /\n").allows(PAGE)
    assert not parse_robots(b"User-agent: *\nDisallow: /\n" + padding).allows(PAGE)


def test_rules_count_only_when_they_were_served() -> None:
    assert not judge_robots(reply(200)).allows(PAGE)
    for status in (301, 401, 403, 404, 410):
        assert judge_robots(reply(status)).allows(PAGE)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failing_robots_file_pauses_the_crawl(status: int) -> None:
    with pytest.raises(RobotsUnavailable) as caught:
        judge_robots(reply(status))
    assert caught.value.retryable


def test_no_reply_pauses_and_a_redirect_circle_counts_as_missing() -> None:
    with pytest.raises(RobotsUnavailable):
        judge_robots(FetchTimeout())
    assert judge_robots(TooManyRedirects()).allows(PAGE)
