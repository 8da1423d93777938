"""A prompt within the engine's real limits: counted by its tokenizer, cut where it must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bots.answering.digest import digest
from bots.answering.prompt import PlainRequest, PromptRequest, render
from bots.answering.shortening import shorten, shorten_middle
from bots.engines.base import ChatTurn, Engine, Limits, Passage, Prompt, Sampling
from bots.engines.tokenizer import TOKENS_PER_TURN

MARGIN_TOKENS = 8
MIN_ANSWER_TOKENS = 64
# Shares of what the rules and the question leave. What one does not need, the others get.
PASSAGES_SHARE = 0.6
NOTES_SHARE = 0.15
MIN_QUESTION_CHARS = 400
MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a request goes into a prompt."""

    passages: tuple[Passage, ...]
    notes: str
    turns: tuple[ChatTurn, ...]
    question: str


async def build(
    engine: Engine, request: PromptRequest | PlainRequest, sampling: Sampling
) -> Prompt:
    """A prompt that the engine accepts, with room for an answer. Raises EngineError.

    Rules, question and the best passage always go in, cut where they must be. What remains is
    shared by the other passages, notes on what was said earlier, and the newest turns.
    """
    limits = await engine.limits()
    budget = input_budget(limits, sampling)
    passages: tuple[Passage, ...] = ()
    if isinstance(request, PlainRequest):
        turns, used = await _fit_plain(engine, request, budget)
        question = request.body
    else:
        selection, turns, used = await _fit(engine, request, budget)
        passages, question = selection.passages, request.standalone
    room = limits.max_total_tokens - used - MARGIN_TOKENS
    if room < sampling.max_new_tokens:  # the upper bound may hide room that is there
        used = min(used, await engine.count_turns(turns))
        room = limits.max_total_tokens - used - MARGIN_TOKENS
    return Prompt(
        turns=tuple(turns),
        question=question,
        passages=passages,
        sampling=replace(sampling, max_new_tokens=max(1, min(sampling.max_new_tokens, room))),
    )


def input_budget(limits: Limits, sampling: Sampling) -> int:
    """Tokens the input may take so that an answer of useful length still fits."""
    answer = max(MIN_ANSWER_TOKENS, min(sampling.max_new_tokens, limits.max_total_tokens // 4))
    room = limits.max_total_tokens - answer - MARGIN_TOKENS
    return max(1, min(limits.max_input_tokens - MARGIN_TOKENS, room))


def upper_bound(turns: Sequence[ChatTurn]) -> int:
    """More tokens than any common tokenizer makes of `turns`: it makes none of less than a byte."""
    return sum(len(turn.text.encode("utf-8", "replace")) + TOKENS_PER_TURN for turn in turns)


async def _fit(
    engine: Engine, request: PromptRequest, budget: int
) -> tuple[Selection, list[ChatTurn], int]:
    """The largest selection found that fits, its turns, and their tokens.

    The engine counts whole prompts only; pieces are weighed by the tokens a character took in the
    last count. So two or three counts are enough, whatever the number of turns.
    """
    history = request.history
    selection = Selection(request.passages, history.summary, history.turns, request.question)
    turns = _turns(request, selection)
    if (bound := upper_bound(turns)) <= budget:
        return selection, turns, bound
    target = float(budget)
    for _ in range(MAX_ROUNDS):
        used = await engine.count_turns(turns)
        if used <= budget:
            return selection, turns, used
        per_char = used / max(1, _chars(turns))
        smaller = select(request, max_chars=int(min(target, budget) / per_char))
        if smaller == selection:
            target *= 0.8
        else:
            target -= max(1.0, 0.02 * budget)
        selection, turns = smaller, _turns(request, smaller)
    # Hopeless by counting: what fits even if every byte is a token.
    selection = select(request, max_chars=max(0, budget - TOKENS_PER_TURN * 2) // 4)
    turns = _turns(request, selection)
    return selection, turns, await engine.count_turns(turns)


def select(request: PromptRequest, *, max_chars: int) -> Selection:
    """What goes into a prompt of about `max_chars` characters. Pure."""
    persona, history = request.persona, request.history
    rules = len(render(persona, (), "", (), "")[0].text)
    question = shorten_middle(request.question, max(MIN_QUESTION_CHARS, (max_chars - rules) // 4))
    room = max(0, max_chars - rules - len(question))
    passages = _first_passages(request.passages, int(room * PASSAGES_SHARE))
    notes_room = int(room * NOTES_SHARE)
    left = room - _passage_chars(passages) - notes_room
    turns = _newest(history.turns, left)
    notes = _notes(history.summary, history.turns[: len(history.turns) - len(turns)], notes_room)
    # What notes and turns did not need goes to the passages.
    spare = room - _passage_chars(passages) - len(notes) - _chars(turns)
    more = _first_passages(request.passages, _passage_chars(passages) + spare)
    return Selection(more, notes, turns, question)


def _first_passages(passages: Sequence[Passage], room: int) -> tuple[Passage, ...]:
    """The best ones that fit; the very best is cut rather than left out."""
    kept: list[Passage] = []
    for passage in passages:
        size = _passage_chars((passage,))
        if size > room:
            if not kept:
                kept.append(replace(passage, text=shorten(passage.text, max(80, room - 60))))
            break
        kept.append(passage)
        room -= size
    return tuple(kept)


def _newest(turns: Sequence[ChatTurn], room: int) -> tuple[ChatTurn, ...]:
    """The newest whole pairs of question and answer that fit."""
    start = len(turns)
    while start >= 2:
        size = _chars(turns[start - 2 : start])
        if size > room:
            break
        room -= size
        start -= 2
    return tuple(turns[start:])


def _notes(summary: str, left_out: Sequence[ChatTurn], room: int) -> str:
    """The summary of older turns and, for turns that no summary holds, the visitor's own words."""
    if not left_out:
        return shorten(summary, room)
    lines = digest(left_out, max_chars=max(room // 2, room - len(summary) - 1))
    kept = shorten(summary, room - len(lines) - 1)
    return "\n".join(part for part in (kept, lines) if part)


def _passage_chars(passages: Sequence[Passage]) -> int:
    return sum(len(one.text) + len(one.title) + 40 for one in passages)


def _chars(turns: Sequence[ChatTurn]) -> int:
    return sum(len(turn.text) + TOKENS_PER_TURN * 4 for turn in turns)


def _turns(request: PromptRequest, selection: Selection) -> list[ChatTurn]:
    return render(
        request.persona,
        selection.passages,
        selection.notes,
        selection.turns,
        selection.question,
    )


async def _fit_plain(
    engine: Engine, request: PlainRequest, budget: int
) -> tuple[list[ChatTurn], int]:
    """The task and as much of the end of its body as fits."""
    body = request.body
    for _ in range(MAX_ROUNDS):
        turns = [ChatTurn("system", request.task), ChatTurn("user", body)]
        if (bound := upper_bound(turns)) <= budget:
            return turns, bound
        used = await engine.count_turns(turns)
        if used <= budget:
            return turns, used
        body = body[len(body) - int(len(body) * budget / used * 0.9) :]
    return turns, budget
