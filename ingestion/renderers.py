"""The browser of this server, for sites that build their text by scripts."""

from __future__ import annotations

import shutil
from functools import cache
from importlib.util import find_spec

from django.conf import settings

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium_path() -> str:
    """Where the browser is: as the operator says, else what is installed; empty where none is."""
    installed = (shutil.which(name) for name in _BROWSERS)
    return settings.BOTFACTORY_CHROMIUM_PATH or next(filter(None, installed), "")


@cache
def missing_for_rendering() -> str:
    """What the operator has to install first, in a sentence; empty when nothing is missing."""
    needs = []
    if not chromium_path():
        needs.append("Chromium")
    if find_spec("playwright") is None:
        needs.append("Playwright for Python (the package's extra “render”)")
    return f"This server lacks {' and '.join(needs)}: ask its operator." if needs else ""
