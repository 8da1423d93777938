"""The loader and the panel's files, read once, compressed once, and cached by browsers.

They are served here rather than as collected static files because the panel's modules import each
other by relative names: a version in the folder part of their address, not in each name, lets a
browser keep them for a year without ever mixing two versions.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers

LOADER = "widget.js"
_CONTENT_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Asset:
    content_type: str
    body: bytes
    compressed: bytes
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of the widget by its name."""
    folder = Path(settings.BASE_DIR, "frontend_static", "widget")
    return {
        path.name: _read(path) for path in sorted(folder.iterdir()) if path.suffix in _CONTENT_TYPES
    }


@cache
def version() -> str:
    """A name for the present state of all files together."""
    together = "".join(asset.etag for asset in assets().values())
    return hashlib.sha256(together.encode()).hexdigest()[:12]


def panel_modules() -> list[str]:
    """The scripts of the panel, for preloading them all in one round trip."""
    return [name for name in assets() if name.endswith(".js") and name != LOADER]


def asset_response(request: HttpRequest, asset: Asset, *, cache_control: str) -> HttpResponse:
    """The file, compressed where the browser takes it, or 304 where it has it."""
    takes_gzip = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(
        asset.compressed if takes_gzip else asset.body, content_type=asset.content_type
    )
    if takes_gzip:
        response["Content-Encoding"] = "gzip"
    response["ETag"] = f'W/"{asset.etag}"'
    response = (
        get_conditional_response(request, etag=response["ETag"], response=response) or response
    )
    response["Cache-Control"] = cache_control
    # Host pages may demand this of everything that they embed.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(
        content_type=_CONTENT_TYPES[path.suffix],
        body=body,
        compressed=gzip.compress(body, mtime=0),
        etag=hashlib.sha256(body).hexdigest()[:16],
    )
