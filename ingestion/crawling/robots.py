"""What a site's robots.txt allows, by Google's reading of RFC 9309."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from protego import Protego

from botfactory.lib.safe_http import FetchedResponse, FetchError
from ingestion.errors import RobotsUnavailable

ROBOTS_NAME = "BotFactory"
MAX_ROBOTS_BYTES = 512_000
MAX_DELAY_S = 5.0


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


def parse_robots(body: bytes) -> Robots:
    """The rules in the first 500 KiB of `body`; anything unreadable in it counts as no rule."""
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", errors="replace").replace("\x00", "")
    rules = Protego.parse(text)
    asked = rules.crawl_delay(ROBOTS_NAME) or 0.0
    delay_s = min(max(float(asked), 0.0), MAX_DELAY_S)
    return Robots(rules=rules, delay_s=delay_s, sitemaps=tuple(rules.sitemaps)[:50])


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
