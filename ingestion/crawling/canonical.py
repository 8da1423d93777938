"""One spelling per page, and which pages belong to a source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yarl import URL

_TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|igshid|mc_[ce]id|mkt_tok"
    r"|_ga|_gl|_hs(?:enc|mi)|__hs\w+|vero_id|oly_\w+_id|wickedid"
    r"|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|sessionid|session_id)",
    re.IGNORECASE,
)
_SESSION_VALUE = re.compile(r"(?:sid|session)=[0-9a-f]{16,}", re.IGNORECASE)
_PATH_SESSION = re.compile(
    r";(?:jsessionid|phpsessid|sid)=[^/?;]*|/\((?:[A-Z]\([^)/]+\))+\)", re.IGNORECASE
)
_INDEX_FILE = re.compile(r"/index\.html?$", re.IGNORECASE)


def canonicalise(url: URL) -> str:
    """The URL without fragment, default port, tracking parameters and session ids.

    The order of parameters and a slash at the end stay: servers may tell them apart.
    """
    path = _PATH_SESSION.sub("", url.raw_path) or "/"
    kept = [part for part in url.raw_query_string.split("&") if part and not _is_noise(part)]
    query = "?" + "&".join(kept) if kept else ""
    return f"{url.scheme}://{_host_and_port(url)}{path}{query}"


def page_key(url: str) -> str:
    """What two addresses of one page share: neither scheme, `www.` nor `/index.html` counts."""
    rest = url.partition("://")[2].removeprefix("www.")
    path, question, query = rest.partition("?")
    return _INDEX_FILE.sub("/", path) + question + query


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the web that a source means: one host (with or without www) under one folder."""

    host: str
    prefix: str

    @classmethod
    def around(cls, start: URL, final: URL) -> Scope:
        """The scope of a crawl that starts at `start` and was redirected to `final`."""
        host = _site_name(final)
        is_folder = final.raw_path == start.raw_path + "/"
        shown = final if is_folder or host != _site_name(start) else start
        return cls(host=host, prefix=shown.raw_path.rpartition("/")[0] + "/")

    def contains(self, url: URL) -> bool:
        return self.has_host(url) and (
            url.raw_path.startswith(self.prefix) or url.raw_path + "/" == self.prefix
        )

    def has_host(self, url: URL) -> bool:
        return _site_name(url) == self.host


def _is_noise(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return bool(_TRACKING.fullmatch(name) or _SESSION_VALUE.fullmatch(parameter))


def _host_and_port(url: URL) -> str:
    host = (url.host_subcomponent or "").rstrip(".")
    return host if url.is_default_port() else f"{host}:{url.port}"


def _site_name(url: URL) -> str:
    return _host_and_port(url).removeprefix("www.")
