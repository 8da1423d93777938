"""The ASGI entry: sets Django up, then names the application (`botfactory.frontdoor`)."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")
django.setup(set_prefix=False)

from botfactory.frontdoor import application  # noqa: E402  (needs Django to be set up)

__all__ = ["application"]
