"""From text to the one URL object that is both checked and dialled."""

from __future__ import annotations

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import urljoin

import idna
from yarl import URL

from botfactory.lib.safe_http.errors import UrlInvalid, UrlNotAllowed

MAX_URL_CHARS = 2_048
MAX_HOST_CHARS = 253

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER_LABEL = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)
_HAS_SCHEME_AND_HOST = re.compile(r"^https?://[^/?#]", re.IGNORECASE)
_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})


def parse_url(text: str) -> URL:
    """The absolute http(s) URL in `text`: host lower-case in punycode, no user name, no fragment.

    Raises: UrlInvalid for what is no URL; UrlNotAllowed for other schemes and for hosts written in
    a disguised form (`127.1`, `0x7f000001`, circled digits). Neither is retryable.
    """
    text = text.strip(" \t\r\n")
    _refuse_bad_text(text)
    scheme, _, rest = text.partition("#")[0].partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    host_text, port = _split_authority(authority)
    host = _checked_host(host_text)
    try:
        slash = "" if tail.startswith("/") else "/"
        # The host goes in again in the form that was judged; everything else stays as written.
        url = URL(f"{scheme.lower()}://{authority}{slash}{tail}").with_host(host)
        if url.explicit_port != port and port is not None:
            raise UrlInvalid(subject=text[:200])
    except (ValueError, TypeError) as exc:
        raise UrlInvalid(subject=text[:200]) from exc
    return url


def join_url(base: URL, reference: str) -> URL:
    """The URL that `reference` (a link, a `Location`) means on page `base`; raises as parse_url."""
    try:
        joined = urljoin(str(base), reference.strip(" \t\r\n"))
    except ValueError as exc:
        raise UrlInvalid(subject=reference[:200]) from exc
    return parse_url(joined)


def follow_location(base: URL, location: str) -> URL:
    """The URL that a redirect from `base` leads to; raises as parse_url.

    Unlike a link in a page, a header has no excuse for tabs and line ends inside an address.
    """
    if _CONTROL.search(location.strip(" \t")):
        raise UrlInvalid(subject=location[:200].encode("ascii", "replace").decode())
    return join_url(base, location)


def origin_of(url: URL) -> tuple[str, str, int]:
    """Scheme, host and port: two URLs with the same three share secrets such as Authorization."""
    return (url.scheme, url.raw_host or "", url.port or 0)


def _refuse_bad_text(text: str) -> None:
    shown = text[:200]
    if not text or len(text) > MAX_URL_CHARS or _CONTROL.search(text):
        raise UrlInvalid(subject=shown)
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        raise UrlNotAllowed(
            "Only addresses that start with http:// or https:// are opened.", subject=shown
        )
    before_query = text.split("?", 1)[0]
    if not _HAS_SCHEME_AND_HOST.match(text) or "\\" in before_query:
        raise UrlInvalid(subject=shown)
    # `http://1.2.3.4#@127.0.0.1`: parsers disagree about which host this is.
    if "@" in text.split("://", 1)[1].split("/", 1)[0].partition("#")[2]:
        raise UrlInvalid(subject=shown)


def _split_authority(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise UrlInvalid(
            "Addresses with a user name or password in them are not opened. Remove the part before "
            "the @ sign.",
            subject=authority.rsplit("@", 1)[-1],
        )
    host, colon, port_text = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return authority, None
    if not port_text:
        return host, None
    if not (port_text.isascii() and port_text.isdigit() and 0 < int(port_text[:6]) <= 65_535):
        raise UrlInvalid(subject=authority)
    return host, int(port_text)


def _checked_host(host: str) -> str:
    if host.startswith("["):
        return _checked_ipv6(host)
    if "%" in host or ":" in host or any(char.isspace() for char in host):
        raise UrlInvalid(subject=host)
    plain = unicodedata.normalize("NFKC", host).lower().replace("\u3002", ".")
    if _is_numeric(plain):
        return _checked_ipv4(host)
    name = _to_ascii(plain)
    labels = name.removesuffix(".").split(".")
    if len(name) > MAX_HOST_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlInvalid(subject=host[:200])
    if name.removesuffix(".") in _METADATA_NAMES:
        raise UrlNotAllowed(subject=host)
    return name


def _is_numeric(host: str) -> bool:
    """True for what some resolver would read as an IPv4 address in any of its old spellings."""
    last = host.rstrip(".").rpartition(".")[2]
    return bool(_NUMBER_LABEL.fullmatch(last))


def _checked_ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError as exc:
        raise UrlNotAllowed(
            "Write a numeric address as four plain numbers, like 93.184.216.34.", subject=host
        ) from exc


def _checked_ipv6(host: str) -> str:
    if not host.endswith("]"):
        raise UrlInvalid(subject=host)
    if "%" in host:
        raise UrlNotAllowed(subject=host)
    try:
        return str(IPv6Address(host[1:-1]))
    except AddressValueError as exc:
        raise UrlInvalid(subject=host) from exc


def _to_ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as exc:
        raise UrlInvalid(subject=host[:200]) from exc
