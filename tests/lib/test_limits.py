"""So many a minute, and a shared count that may fail without locking anybody out."""

from __future__ import annotations

import logging
import socket
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from botfactory.errorpages import error_headers
from botfactory.errors import RateLimited
from botfactory.lib import limits


async def test_the_limit_is_reached_and_says_when_to_come_back() -> None:
    key = uuid4().hex
    for _ in range(3):
        await limits.hit(key, per_minute=3)
    with pytest.raises(RateLimited) as caught:
        await limits.hit(key, per_minute=3)
    assert caught.value.retry_after_s == 20
    assert error_headers(caught.value) == {"Retry-After": "20"}


async def test_keys_are_counted_apart() -> None:
    first, second = uuid4().hex, uuid4().hex
    await limits.hit(first, per_minute=1)
    await limits.hit(second, per_minute=1)
    with pytest.raises(RateLimited):
        await limits.hit(first, per_minute=1)


async def test_without_redis_the_process_counts_for_itself(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as closed:  # bound, and never listening
        closed.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        key = uuid4().hex
        with caplog.at_level(logging.WARNING):
            await limits.hit(key, per_minute=1)
            with pytest.raises(RateLimited):
                await limits.hit(key, per_minute=1)
    assert "limits_storage_unreachable" in caplog.messages
