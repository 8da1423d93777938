"""One spelling per page, and what two spellings of one page share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

from yarl import URL

_TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|mc_[ce]id"
    r"|mkt_tok|_ga|_gl|_hs(?:enc|mi)|__hs\w+|vero_id|oly_\w+_id|wickedid|srsltid|s_kwcid|ref_src"
    r"|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken|sessionid|session_id)",
    re.IGNORECASE,
)
_SESSION_VALUE = re.compile(r"(?:s|sid|sess|session)=[0-9a-f]{16,}", re.IGNORECASE)
_PATH_SESSION = re.compile(
    r";(?:jsessionid|phpsessid|sid)=[^/?;]*|/\((?:[A-Z]\([^)/]+\))+\)", re.IGNORECASE
)
_INDEX_FILE = re.compile(r"/(?:index\.(?:html?|php)|default\.aspx?)$", re.IGNORECASE)
# Paths that canonicalising leaves as they are: no escapes, no dot segments, nothing of a session.
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?")


@dataclass(frozen=True, slots=True)
class Address:
    """A page's canonical URL, and the number that all spellings of the page share."""

    url: str
    page_id: int

    @classmethod
    def of(cls, url: str) -> Address:
        return cls(url, page_id(url))


def canonicalise(url: URL) -> str:
    """The URL without fragment, default port, tracking parameters and session ids.

    The order of parameters and a slash at the end stay: servers may tell them apart.
    """
    path = _PATH_SESSION.sub("", url.raw_path) or "/"
    kept = [part for part in url.raw_query_string.split("&") if part and not _is_noise(part)]
    query = "?" + "&".join(kept) if kept else ""
    return f"{url.scheme}://{host_and_port(url)}{path}{query}"


def is_plain_path(text: str) -> bool:
    """True for a path (without a query) that is canonical as it is written."""
    return _PLAIN_PATH.fullmatch(text) is not None


def page_key(url: str) -> str:
    """What two addresses of one page share: neither scheme, `www.` nor `/index.html` counts."""
    rest = url.partition("://")[2].removeprefix("www.")
    path, question, query = rest.partition("?")
    return _INDEX_FILE.sub("/", path) + question + query


def page_id(url: str) -> int:
    """The page's key in 64 bits: a set of them takes a fifth of the memory of the addresses."""
    return hash_text(page_key(url))


def hash_text(text: str) -> int:
    """64 bits of a cryptographic hash, so that no site can make two of its pages collide."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def host_and_port(url: URL) -> str:
    """The host, lower-case and in punycode, with its port where that is not the scheme's own."""
    host = (url.host_subcomponent or "").rstrip(".")
    return host if url.is_default_port() else f"{host}:{url.port}"


def _is_noise(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return bool(_TRACKING.fullmatch(name) or _SESSION_VALUE.fullmatch(parameter))
