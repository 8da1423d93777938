"""How much one visitor and one address may ask for in a minute."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

from botfactory.lib import limits
from widget.tokens import Visit

PAGES_PER_ADDRESS = 120
QUESTIONS_PER_VISITOR = 12
# Many people may stand behind one office's address.
QUESTIONS_PER_ADDRESS = 60
READS_PER_VISITOR = 60


async def check_page(request: HttpRequest) -> None:
    """Raises RateLimited."""
    await limits.hit(f"widget:page:{client(request)}", per_minute=PAGES_PER_ADDRESS)


async def check_question(request: HttpRequest, visit: Visit) -> None:
    """Raises RateLimited. The address counts first: a new page makes a new visitor."""
    await limits.hit(f"widget:ask:{client(request)}", per_minute=QUESTIONS_PER_ADDRESS)
    await limits.hit(f"widget:ask:{visit.visitor_id}", per_minute=QUESTIONS_PER_VISITOR)


async def check_read(visit: Visit) -> None:
    """Raises RateLimited."""
    await limits.hit(f"widget:read:{visit.visitor_id}", per_minute=READS_PER_VISITOR)


def client(request: HttpRequest) -> str:
    """The caller's address; for IPv6 its /64, which is what one subscriber gets."""
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.SECURE_PROXY_SSL_HEADER:  # behind our own proxy, which appends whom it talked to
        text = request.headers.get("X-Forwarded-For", text).rpartition(",")[2].strip()
    try:
        address = ip_address(text)
    except ValueError:  # a Unix socket has no address: all its callers share one count
        return "local"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return text
