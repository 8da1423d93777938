"""Which sites may frame a page, as a Content-Security-Policy that the browser enforces."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Sites are normalised when they are saved; nothing else may ever reach a header.
_SITE = re.compile(r"https?://(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")

_PANEL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types botfactory"
)


def frame_ancestors(sites: Sequence[str]) -> str:
    """The `frame-ancestors` directive for a bot's allowed sites; no site means nobody."""
    allowed = [site for site in sites if isinstance(site, str) and _SITE.fullmatch(site)]
    return "frame-ancestors " + (" ".join(allowed) or "'none'")


def panel_policy(ancestors: str) -> str:
    """The whole policy of a page that shows the panel, with who may frame it."""
    return f"{_PANEL_POLICY}; {ancestors}"


def is_top_level(fetch_destination: str) -> bool:
    """Whether a browser says that it is not filling a frame.

    `fetch_destination` is `Sec-Fetch-Dest`; a browser that does not send it gets the benefit of the
    doubt.
    """
    return fetch_destination not in ("", "iframe", "frame")
