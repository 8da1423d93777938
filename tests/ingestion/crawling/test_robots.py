from __future__ import annotations

import time

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, FetchTimeout, TooManyRedirects, UrlNotAllowed
from ingestion.crawling.robots import MAX_DELAY_S, judge_robots, parse_robots, read_page_rules
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


# What Google's documentation and parser say, in our own words: rules, a path, whether we may.
TABLE = [
    # Field names and the names of programs are read in any case; paths are not.
    ("USER-AGENT: botfactory\nDISALLOW: /x", "/x", False),
    ("user-agent: *\ndisallow: /X", "/x", True),
    # A space may stand in for the colon, and around it.
    ("user-agent *\ndisallow /x", "/x", False),
    ("  User-Agent :\t*\n  Disallow :  /x  # a comment", "/x", False),
    # Lines may end in any of the three ways.
    ("user-agent: *\rdisallow: /x", "/x", False),
    ("user-agent: *\r\ndisallow: /x\r\n", "/x", False),
    # Rules before any program are for nobody, and so is what cannot be read.
    ("disallow: /x\nuser-agent: *\ndisallow: /y", "/x", True),
    ("<html><body>disallow: /</body></html>", "/x", True),
    ("user-agent: *\nfoo: /x\n/x\n: /x\n", "/x", True),
    # A name ends at the first character that is none of a name.
    ("user-agent: BotFactory/2.1\ndisallow: /x", "/x", False),
    ("user-agent: BotFactory crawler\ndisallow: /x", "/x", False),
    ("user-agent: Bot\ndisallow: /x", "/x", True),
    ("user-agent: Factory\ndisallow: /x", "/x", True),
    ("user-agent: BotFactoryPro\ndisallow: /x", "/x", True),
    ("user-agent: Googlebot\ndisallow: /x", "/x", True),
    ("user-agent: * bots\ndisallow: /x", "/x", False),
    # Our own group replaces the general one, wherever it stands, and groups of one name are one.
    ("user-agent: *\ndisallow: /\n\nuser-agent: botfactory\nallow: /", "/x", True),
    ("user-agent: botfactory\ndisallow: /x\n\nuser-agent: *\nallow: /", "/x", False),
    (
        "user-agent: botfactory\ndisallow: /x\nuser-agent: a\ndisallow: /\n"
        "user-agent: botfactory\ndisallow: /y",
        "/y",
        False,
    ),
    ("user-agent: a\nuser-agent: botfactory\ndisallow: /x", "/x", False),
    ("user-agent: a\n\n\nuser-agent: botfactory\n# none\ndisallow: /x", "/x", False),
    ("user-agent: botfactory\nsitemap: https://example.com/s.xml\ndisallow: /x", "/x", False),
    # The longest rule counts, whichever comes first; of two equal ones, the one that allows.
    ("user-agent: *\ndisallow: /x\nallow: /x/page", "/x/page.html", True),
    ("user-agent: *\nallow: /x/page\ndisallow: /x/page.html", "/x/page.html", False),
    ("user-agent: *\ndisallow: /x\nallow: /x", "/x", True),
    ("user-agent: *\nallow: /\ndisallow: /x", "/x", False),
    ("user-agent: *\ndisallow: /\nallow: /$", "/", True),
    ("user-agent: *\ndisallow: /\nallow: /$", "/x", False),
    # Empty rules forbid nothing.
    ("user-agent: *\ndisallow:", "/x", True),
    ("user-agent: *\nallow:\ndisallow: /x", "/x", False),
    # A rule is a beginning; `*` is anything and `$` the end.
    ("user-agent: *\ndisallow: /fish", "/fish.html", False),
    ("user-agent: *\ndisallow: /fish", "/catfish", True),
    ("user-agent: *\ndisallow: /fish/", "/fish", True),
    ("user-agent: *\ndisallow: /fish*", "/fishheads/yummy", False),
    ("user-agent: *\ndisallow: /*.php", "/folder/file.php?parameters", False),
    ("user-agent: *\ndisallow: /*.php", "/windows.PHP", True),
    ("user-agent: *\ndisallow: /*.php$", "/file.php", False),
    ("user-agent: *\ndisallow: /*.php$", "/file.php?parameters", True),
    ("user-agent: *\ndisallow: /*.php$", "/file.php5", True),
    ("user-agent: *\ndisallow: /fish*.php", "/fishheads/catfish.php?a", False),
    ("user-agent: *\ndisallow: /a$b", "/a$b", False),
    ("user-agent: *\ndisallow: /*?sort=", "/shop?sort=1", False),
    ("user-agent: *\ndisallow: *", "/x", False),
    # Escapes and letters mean the same.
    ("user-agent: *\ndisallow: /\u00fc", "/%C3%BC", False),
    ("user-agent: *\ndisallow: /%c3%bc", "/%C3%BC", False),
    ("user-agent: *\ndisallow: /~x", "/~x", False),
    # An index file stands for its folder.
    ("user-agent: *\ndisallow: /x\nallow: /x/index.html", "/x/", True),
    # Common misspellings are understood.
    ("user-agent: *\ndissallow: /x", "/x", False),
    ("useragent: *\ndisallow: /x", "/x", False),
    # robots.txt itself is always open.
    ("user-agent: *\ndisallow: /", "/robots.txt", True),
    # A mark at the beginning is not part of the first line.
    ("\ufeffuser-agent: *\ndisallow: /x", "/x", False),
    # Very long lines are cut and hurt nobody.
    ("user-agent: *\nallow: /" + "y" * 100_000 + "\ndisallow: /x", "/x", False),
]


@pytest.mark.parametrize(("rules", "path", "may"), TABLE)
def test_rules_are_read_as_google_reads_them(rules: str, path: str, may: bool) -> None:
    assert parse_robots(rules.encode()).allows("https://example.com" + path) is may


def test_a_file_of_nothing_but_wildcards_is_matched_in_time() -> None:
    rules = "user-agent: *\n" + "".join(f"disallow: /*{n}*a*b*c*d$\n" for n in range(5_000))
    robots = parse_robots(rules.encode())
    started_s = time.process_time()
    assert robots.allows("https://example.com/" + "abc" * 300)
    assert time.process_time() - started_s < 0.5


def test_odd_line_ends_and_nulls_do_not_hide_rules() -> None:
    rules = b"user-agent: *\x00\ndisallow: /a\x0ballow: /\ndisallow: /x"
    assert not parse_robots(rules).allows("https://example.com/x")


def test_a_refused_redirect_of_robots_counts_as_missing() -> None:
    assert judge_robots(UrlNotAllowed()).allows(PAGE)


@pytest.mark.parametrize(
    ("texts", "noindex", "nofollow"),
    [
        (["noindex"], True, False),
        (["NOINDEX, NoFollow"], True, True),
        (["none"], True, True),
        (["googlebot: noindex"], False, False),
        (["googlebot: noindex", "nofollow"], False, True),
        (["botfactory: noindex"], True, False),
        (["otherbot: none, botfactory: nofollow"], False, True),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noindex"], True, False),
        (["max-snippet: 20, max-image-preview:none"], False, False),
        (["all", "", ",,", "\u00fc: x"], False, False),
    ],
)
def test_rules_in_a_header_are_read(texts: list[str], noindex: bool, nofollow: bool) -> None:
    rules = read_page_rules(texts)
    assert (rules.is_noindex, rules.is_nofollow) == (noindex, nofollow)
