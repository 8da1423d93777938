"""Where visitors reach this server."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def public_origin(request: HttpRequest) -> str:
    """Where visitors reach this server, such as `https://bots.example.com`."""
    configured: str = settings.BOTFACTORY_PUBLIC_URL
    return configured or f"{request.scheme}://{request.get_host()}"
