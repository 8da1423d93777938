"""The sites a bot may stand on, as origins that a browser can compare."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

MAX_SITES = 50


def normalise_sites(sites: Sequence[str]) -> list[str]:
    """Each site as `scheme://host[:port]`, without repeats. Raises ValidationError.

    A bare host means https. `https://*.example.com` allows every subdomain, as CSP does.
    """
    if not isinstance(sites, list | tuple) or len(sites) > MAX_SITES:
        raise ValidationError(f"Give a list of at most {MAX_SITES} sites.")
    return list(dict.fromkeys(normalise_site(site) for site in sites if str(site).strip()))


def normalise_site(site: str) -> str:
    """Raises ValidationError with what to write instead."""
    text = str(site).strip()
    if not text.isprintable():
        raise ValidationError(_hint(text))
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError) as exc:
        raise ValidationError(_hint(text)) from exc
    plain = host[2:] if host.startswith("*.") else host
    is_name = bool(plain) and all(c.isalnum() or c in "-." for c in plain) and ".." not in plain
    if parts.scheme not in ("http", "https") or not is_name or parts.username or parts.password:
        raise ValidationError(_hint(text))
    if port is None or port == {"http": 80, "https": 443}[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def _hint(site: str) -> str:
    return f"{site[:100]!r} is not a site. Write it like https://www.example.com."
