"""Whether this server can show pages in a browser, for sites that build their text by scripts."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec

from django.conf import settings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser_path() -> str:
    """The program that shows pages: what the operator named, else the first that is installed;
    empty where there is none."""
    named = settings.BOTFACTORY_CHROMIUM_PATH
    names = (named,) if named else BROWSERS
    return next((path for name in names if (path := shutil.which(name))), "")


@cache
def missing_for_rendering() -> str:
    """What the operator has to install first, in a sentence; empty when nothing is missing."""
    needs = []
    if not browser_path():
        needs.append("Chromium")
    if find_spec("playwright") is None:
        needs.append("Playwright for Python (the package's extra “render”)")
    return f"This server lacks {' and '.join(needs)}: ask its operator." if needs else ""
