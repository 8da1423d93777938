from __future__ import annotations

from collections.abc import Iterator

import pytest

from bots.administration import advice
from bots.engines.errors import EngineError, ModelsEntryInvalid


def _codes(root: type[EngineError] = EngineError) -> Iterator[str]:
    if root is not ModelsEntryInvalid:  # about a text that is pasted, not about a server
        yield root.code
        for child in root.__subclasses__():
            yield from _codes(child)


@pytest.mark.parametrize("code", sorted({*_codes(), "secret_unreadable", "url_not_allowed"}))
def test_every_way_to_fail_has_its_own_advice(code: str) -> None:
    assert advice.advice_for(code) not in ("", advice.advice_for("something new"))


def test_something_new_has_some_advice_and_nothing_has_none() -> None:
    assert "Test" in advice.advice_for("something new")
    assert advice.advice_for("") == ""
