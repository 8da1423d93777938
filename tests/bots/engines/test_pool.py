from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bots.engines.pool import SessionPool


async def test_a_loop_has_one_session_until_it_is_closed() -> None:
    pool = SessionPool(aiohttp.ClientSession)
    first = pool.session()
    assert pool.session() is first
    await pool.aclose()
    assert first.closed
    second = pool.session()
    assert second is not first
    await pool.aclose()


async def test_a_session_that_someone_closed_is_replaced() -> None:
    pool = SessionPool(aiohttp.ClientSession)
    first = pool.session()
    await first.close()
    assert not pool.session().closed
    await pool.aclose()


async def test_closing_an_unused_pool_is_fine() -> None:
    await SessionPool(aiohttp.ClientSession).aclose()


def test_every_loop_has_its_own_session() -> None:
    pool = SessionPool(aiohttp.ClientSession)

    async def use() -> aiohttp.ClientSession:
        session = pool.session()
        await pool.aclose()
        return session

    assert asyncio.run(use()) is not asyncio.run(use())


def test_outside_a_loop_there_is_no_session() -> None:
    with pytest.raises(RuntimeError):
        SessionPool(aiohttp.ClientSession).session()
