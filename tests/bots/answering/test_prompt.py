from __future__ import annotations

from collections.abc import AsyncGenerator

from bots.answering import prompt
from bots.engines.base import (
    ChatTurn,
    Engine,
    EngineEvent,
    Limits,
    Passage,
    Prompt,
    Sampling,
)

PERSONA = prompt.Persona("Helper", "Be kind.", "I do not know.")


class CountingEngine:
    """An engine of a given size whose tokens are words."""

    name = "counting"

    def __init__(self, total: int) -> None:
        self._total = total
        self.n_counts = 0

    async def limits(self) -> Limits:
        return Limits(max_input_tokens=self._total - 1, max_total_tokens=self._total)

    async def count_tokens(self, text: str) -> int:
        self.n_counts += 1
        return len(text.split())

    def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        raise AssertionError("building a prompt asks no model")

    async def is_healthy(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


def _passages(n: int, words: int = 100) -> list[Passage]:
    return [Passage(i, "word " * words, f"Title {i}", "", None) for i in range(1, n + 1)]


def _turns(n: int, words: int = 50) -> list[ChatTurn]:
    return [
        turn
        for i in range(n)
        for turn in (ChatTurn("user", f"q{i} " * words), ChatTurn("assistant", f"a{i} " * words))
    ]


async def _build(engine: Engine, passages: list[Passage], turns: list[ChatTurn]) -> Prompt:
    request = prompt.PromptRequest(PERSONA, tuple(passages), tuple(turns), "What now?")
    return await prompt.build(engine, request, Sampling(max_new_tokens=200))


async def test_everything_goes_in_where_there_is_room() -> None:
    engine = CountingEngine(100_000)
    built = await _build(engine, _passages(3), _turns(2))
    assert [turn.role for turn in built.turns] == ["system", *["user", "assistant"] * 2, "user"]
    system = built.turns[0].text
    assert "Be kind." in system
    assert "I do not know." in system
    assert all(f"[{n}] Title {n}" in system for n in (1, 2, 3))
    assert built.sampling.max_new_tokens == 200
    assert engine.n_counts == 0  # an upper bound said that it fits


async def test_the_oldest_turns_go_first() -> None:
    built = await _build(CountingEngine(900), _passages(2), _turns(10))
    kept = [turn.text.split()[0] for turn in built.turns if turn.role == "user"][:-1]
    assert kept == [f"q{i}" for i in range(10 - len(kept), 10)]
    assert 0 < len(kept) < 10
    assert len(built.passages) == 2


async def test_then_the_weakest_passages_go_but_never_the_best() -> None:
    built = await _build(CountingEngine(500), _passages(5), [])
    assert [passage.n for passage in built.passages] == [1, 2]
    tiny = await _build(CountingEngine(128), _passages(5), [])
    assert [passage.n for passage in tiny.passages] == [1]


async def test_input_and_answer_fit_the_engine_together() -> None:
    engine = CountingEngine(900)
    built = await _build(engine, _passages(5), _turns(30))
    used = await engine.count_tokens("\n".join(turn.text for turn in built.turns))
    assert used + built.sampling.max_new_tokens <= 900
    assert built.sampling.max_new_tokens >= prompt.MIN_ANSWER_TOKENS
