"""Whether this server can show pages in a browser, for sites that build their text by scripts."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@cache
def missing_for_rendering() -> str:
    """What the operator has to install first, in a sentence; empty when nothing is missing."""
    needs = []
    if not any(shutil.which(name) for name in BROWSERS):
        needs.append("Chromium")
    if find_spec("playwright") is None:
        needs.append("Playwright for Python (the package's extra “render”)")
    return f"This server lacks {' and '.join(needs)}: ask its operator." if needs else ""
