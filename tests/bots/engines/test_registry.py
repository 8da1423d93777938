from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from bots.engines.errors import EngineRejected
from bots.engines.registry import KINDS, EngineConfig, build_engine


async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.ones((len(texts), 1), dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_builds_the_engine_of_its_name(kind: str) -> None:
    async with aiohttp.ClientSession() as session:
        config = EngineConfig(kind, url="http://127.0.0.1:1")
        assert build_engine(config, session=session, embed=embed).name == kind


async def test_quoting_needs_neither_address_nor_session() -> None:
    assert build_engine(EngineConfig("extractive"), session=None, embed=embed).name == "extractive"


@pytest.mark.parametrize(
    "config",
    [EngineConfig("gpt"), EngineConfig("tgi"), EngineConfig("openai", url="http://127.0.0.1:1")],
)
async def test_it_refuses_an_unknown_kind_and_a_server_it_cannot_reach(
    config: EngineConfig,
) -> None:
    with pytest.raises(EngineRejected):
        build_engine(config, session=None, embed=embed)


def test_a_key_is_not_shown_when_the_config_is_printed() -> None:
    assert "s3cret" not in repr(EngineConfig("tgi", api_key="s3cret"))
