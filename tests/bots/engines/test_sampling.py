"""Whose number wins: the bot's wish, the engine's default, and the range that holds both."""

from __future__ import annotations

from bots.engines.base import Sampling
from bots.engines.sampling import SamplingWish, resolve


def test_without_anything_the_product_s_own_defaults_hold() -> None:
    assert resolve(SamplingWish()) == Sampling()


def test_the_engine_s_defaults_stand_under_the_bot_s_wish() -> None:
    found = resolve(SamplingWish(top_p=0.5), {"temperature": 0.7, "top_p": 0.9})
    assert (found.temperature, found.top_p) == (0.7, 0.5)


def test_a_wish_outside_the_range_is_brought_to_its_edge() -> None:
    wish = SamplingWish(temperature=2.0, max_new_tokens=10)
    found = resolve(wish, ranges={"temperature": [0.0, 1.0], "max_new_tokens": [64, 2048]})
    assert (found.temperature, found.max_new_tokens) == (1.0, 64)
    assert isinstance(found.max_new_tokens, int)


def test_unknown_names_are_no_business_of_the_engine() -> None:
    assert resolve(SamplingWish(), {"watermark": 1.0}, {"beams": [1, 2]}) == Sampling()
