"""Rate limits on moving windows, shared over Redis where there is one.

When Redis does not answer, the process counts for itself: limits get looser, nobody is locked out.
"""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakKeyDictionary

from django.conf import settings
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from limits.storage import storage_from_string

from botfactory.errors import RateLimited

logger = logging.getLogger(__name__)

Limiters = tuple[MovingWindowRateLimiter, MovingWindowRateLimiter]
# An async storage belongs to the event loop that made it.
_limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, Limiters] = WeakKeyDictionary()


async def hit(key: str, *, per_minute: int) -> None:
    """Counts one use of `key`. Raises RateLimited above `per_minute`."""
    shared, own = _limiters_of_loop()
    item = RateLimitItemPerMinute(per_minute)
    try:
        allowed = await shared.hit(item, key)
    except StorageError:
        logger.warning("limits_storage_unreachable")
        allowed = await own.hit(item, key)
    if not allowed:
        raise RateLimited(subject=key, retry_after_s=60 / per_minute)


def _limiters_of_loop() -> Limiters:
    loop = asyncio.get_running_loop()
    if loop not in _limiters:
        own = MovingWindowRateLimiter(MemoryStorage())
        if settings.REDIS_URL:
            shared = MovingWindowRateLimiter(_redis_storage(settings.REDIS_URL))
        else:
            shared = own
        _limiters[loop] = (shared, own)
    return _limiters[loop]


def _redis_storage(url: str) -> Storage:
    storage = storage_from_string(
        f"async+{url}",
        implementation="redispy",
        wrap_exceptions=True,
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
    )
    assert isinstance(storage, Storage)  # noqa: S101  (the async+ prefix says so; narrows the type)
    return storage
