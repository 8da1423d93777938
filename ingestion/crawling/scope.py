"""Which pages belong to a source: its host, its folder, and the owner's patterns.

A pattern is compared with a page's path and query, in which `*` stands for anything. One that ends
with a slash means everything in that folder. One that is a whole address means that address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

from botfactory.errors import InvalidInput
from botfactory.lib.safe_http import FetchError, parse_url
from ingestion.crawling.canonical import canonicalise, host_and_port, page_key

MAX_PATTERN_CHARS = 500
MAX_PATTERN_STARS = 20
MAX_PATTERNS = 200

_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check_pattern(text: str) -> str:
    """The pattern as `Patterns` reads it: `/` before a bare word, percent-encoding as in addresses.

    Raises: InvalidInput (the message says what to change) for what can never match.
    """
    text = text.strip()
    if not text or len(text) > MAX_PATTERN_CHARS or _CONTROL_OR_SPACE.search(text):
        raise InvalidInput(
            f"Write each pattern without spaces, in at most {MAX_PATTERN_CHARS} characters, like "
            "/blog/*.",
            subject=text[:100],
        )
    if text.count("*") > MAX_PATTERN_STARS:
        raise InvalidInput(
            f"A pattern may hold at most {MAX_PATTERN_STARS} stars.", subject=text[:100]
        )
    if _SCHEME.match(text):
        return _check_address(text)
    if not text.startswith(("/", "*")):
        text = "/" + text
    star = "*" if text.startswith("*") else ""
    try:
        url = URL("http://x/" + text.removeprefix("*").removeprefix("/"))
    except ValueError as exc:
        raise InvalidInput("This pattern is not part of a web address.", subject=text) from exc
    slash = "" if star and not text.startswith("*/") else "/"
    return star + slash + url.raw_path_qs.removeprefix("/")


def _check_address(text: str) -> str:
    try:
        return canonicalise(parse_url(text))
    except FetchError as exc:
        raise InvalidInput(
            "A pattern that is a whole address starts with http:// or https:// and a host without "
            "a star.",
            subject=text[:100],
        ) from exc


class Patterns:
    """The owner's include and exclude patterns, each checked by `check_pattern` again."""

    def __init__(self, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> None:
        self._include = [_Glob(check_pattern(one)) for one in include[:MAX_PATTERNS]]
        self._exclude = [_Glob(check_pattern(one)) for one in exclude[:MAX_PATTERNS]]

    def allow(self, url: str) -> bool:
        """True when no exclude pattern matches the canonical `url`, and an include one does."""
        if not self._include and not self._exclude:
            return True
        path, key = "/" + url.partition("://")[2].partition("/")[2], page_key(url)
        if any(one.matches(path, key) for one in self._exclude):
            return False
        return not self._include or any(one.matches(path, key) for one in self._include)


class _Glob:
    """A pattern cut at its stars. Each part is looked for once, behind the part before it, so a
    match takes time in proportion to the address, whatever the pattern."""

    def __init__(self, pattern: str) -> None:
        self._is_address = "://" in pattern
        if self._is_address:
            pattern = page_key(pattern)
        elif pattern.endswith("/"):
            pattern += "*"
        self._first, *rest = pattern.split("*")
        self._last = rest.pop() if rest else None
        self._middle = [part for part in rest if part]

    def matches(self, path: str, key: str) -> bool:
        text = key if self._is_address else path
        if self._last is None:
            return text == self._first
        if not text.startswith(self._first) or not text.endswith(self._last):
            return False
        position, end = len(self._first), len(text) - len(self._last)
        for part in self._middle:
            found = text.find(part, position, max(end, 0))
            if found < 0:
                return False
            position = found + len(part)
        return position <= end


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the web that a source means: one host (with or without www) under one folder."""

    host: str
    prefix: str
    with_subdomains: bool = False

    @classmethod
    def around(
        cls,
        start: URL,
        final: URL,
        *,
        path_prefix: str | None = None,
        with_subdomains: bool = False,
    ) -> Scope:
        """The scope of a crawl that starts at `start` and was redirected to `final`."""
        host = site_name(final)
        if path_prefix is not None:
            folder = path_prefix.strip().strip("/")
            prefix = URL(f"http://x/{folder}").raw_path.rstrip("/") + "/"
            return cls(host, prefix, with_subdomains)
        is_folder = final.raw_path == start.raw_path + "/"
        shown = final if is_folder or host != site_name(start) else start
        return cls(host, shown.raw_path.rpartition("/")[0] + "/", with_subdomains)

    def contains(self, url: URL) -> bool:
        return self.has_host(url) and (
            url.raw_path.startswith(self.prefix) or url.raw_path + "/" == self.prefix
        )

    def has_host(self, url: URL) -> bool:
        name = site_name(url)
        return name == self.host or (self.with_subdomains and name.endswith("." + self.host))


def site_name(url: URL) -> str:
    """Host and port without `www.`: what people call the same site."""
    return host_and_port(url).removeprefix("www.")
