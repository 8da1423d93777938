"""What a site allows programs to do: its robots.txt by Google's reading of RFC 9309, and the rules
that a page carries itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from protego import Protego

from botfactory.lib.safe_http import FetchedResponse, FetchError
from ingestion.errors import RobotsUnavailable

ROBOTS_NAME = "BotFactory"
MAX_ROBOTS_BYTES = 512_000
MAX_LINE_CHARS = 16_000
MAX_SITEMAP_LINES = 50

# Google reads no crawl delay at all. Some hosting panels write 10 to 60 seconds for everybody, at
# which 500 pages take up to eight hours and a refresh never ends. Five seconds between requests,
# one at a time, load no server, and 500 pages take forty minutes.
MAX_DELAY_S = 5.0

_AGENT_LINE = re.compile(r"\s*(user[- ]?agent)\s*(?::|(?<=\S)\s)\s*(.*)", re.IGNORECASE)
_AGENT_TOKEN = re.compile(r"[A-Za-z_-]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ODD_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029\x00]")
_PAGE_RULE = re.compile(r"(?:([a-z0-9_-]+)\s*:)?\s*([a-z0-9_-]+)", re.IGNORECASE)
_RULES_WITH_VALUES = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)


class _Rules(Protocol):
    def can_fetch(self, url: str, user_agent: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one origin. `delay_s` is what the site asks for, at most five seconds."""

    rules: _Rules
    delay_s: float
    sitemaps: tuple[str, ...]

    def allows(self, url: str) -> bool:
        return self.rules.can_fetch(url, ROBOTS_NAME)


@dataclass(frozen=True, slots=True)
class PageRules:
    """What a page says about itself, in `X-Robots-Tag` or a robots meta element."""

    is_noindex: bool
    is_nofollow: bool


def parse_robots(body: bytes) -> Robots:
    """The rules in the first 500 KiB of `body`; anything unreadable in it counts as no rule."""
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", errors="replace")
    lines = (_with_our_name(line[:MAX_LINE_CHARS]) for line in _LINE_END.split(text))
    rules = Protego.parse("\n".join(lines))
    asked = rules.crawl_delay(ROBOTS_NAME) or 0.0
    delay_s = min(max(float(asked), 0.0), MAX_DELAY_S)
    sitemaps = tuple(rules.sitemaps)[:MAX_SITEMAP_LINES]
    return Robots(rules=rules, delay_s=delay_s, sitemaps=sitemaps)


def judge_robots(reply: FetchedResponse | FetchError) -> Robots:
    """The rules that a reply for /robots.txt stands for: 4xx means that everything is allowed.

    Raises: RobotsUnavailable (retryable) for 5xx, 429 and for a reply that did not arrive.
    """
    if isinstance(reply, FetchError):
        if reply.code in ("too_many_redirects", "response_too_large", "url_not_allowed"):
            return parse_robots(b"")
        raise RobotsUnavailable(subject=reply.subject) from reply
    if reply.status >= 500 or reply.status == 429:
        raise RobotsUnavailable(subject=f"{reply.url} answered {reply.status}")
    return parse_robots(reply.body if reply.status == 200 else b"")


def read_page_rules(texts: Iterable[str]) -> PageRules:
    """The rules in `X-Robots-Tag` headers and robots meta elements that are meant for us.

    A header may name a program before its rules (`googlebot: noindex`), for which they hold until
    the next name.
    """
    found: set[str] = set()
    for text in texts:
        is_ours = True
        for part in text.split(","):
            rule = _PAGE_RULE.match(part.strip())
            if rule is None:
                continue
            name = (rule[1] or "").lower()
            if name and name not in _RULES_WITH_VALUES:
                is_ours = name == ROBOTS_NAME.lower()
            if is_ours and name not in _RULES_WITH_VALUES:
                found.add(rule[2].lower())
    return PageRules(
        is_noindex=bool(found & {"noindex", "none"}),
        is_nofollow=bool(found & {"nofollow", "none"}),
    )


def _with_our_name(line: str) -> str:
    """The line with its user agent put so that the library compares whole names.

    The library takes `User-agent: bot` for the beginning of our name, and misses
    `User-agent: BotFactory/2.0`; by the standard, the name ends at the first other character.
    """
    line = _ODD_LINE_ENDS.sub(" ", line)
    agent = _AGENT_LINE.match(line.partition("#")[0])
    if agent is None:
        return line
    value = agent[2].strip()
    if value == "*" or value.startswith(("* ", "*\t")):
        return "User-agent: *"
    token = _AGENT_TOKEN.match(value)
    is_ours = token is not None and token[0].lower() == ROBOTS_NAME.lower()
    return f"User-agent: {ROBOTS_NAME if is_ours else 'somebody-else'}"
