"""How an answer came about: what the bot's owner may look up afterwards, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from bots.answering.events import CitedPassage
from bots.answering.grounding_check import SentenceCheck
from bots.engines.base import Prompt
from bots.knowledge.types import ScoredChunk

RewrittenBy = Literal["", "rule", "engine"]


@dataclass(slots=True)
class Trace:
    """Gathered while a question is answered. `query` is the question as it was searched for."""

    question: str = ""
    query: str = ""
    # Who made `query` of the question; "" where both are the same.
    rewritten_by: RewrittenBy = ""
    floor: float | None = None
    confidence: float | None = None
    # Everything that was found; `passages` of it (joined neighbours as one) became [1], [2], ...
    candidates: tuple[ScoredChunk, ...] = ()
    passages: tuple[ScoredChunk, ...] = ()
    prompt: Prompt | None = None
    # Engines that were tried, in order; `code` is the error that ended a try, "" for none.
    attempts: list[tuple[str, str]] = field(default_factory=list)
    # What a model's sentences were found to stand on; empty where none were checked.
    checks: tuple[SentenceCheck, ...] = ()

    def data(self, citations: Sequence[CitedPassage] = ()) -> dict[str, Any]:
        """JSON for `AnswerTrace.data`; `citations` are the finished answer's."""
        return {
            "question": self.question,
            "query": self.query,
            "rewritten_by": self.rewritten_by,
            "floor": self.floor,
            "confidence": _short(self.confidence),
            "candidates": self._candidates(citations),
            "prompt": _prompt(self.prompt) if self.prompt else None,
            "attempts": [{"engine": name, "code": code} for name, code in self.attempts],
            "checks": [
                {
                    "text": check.text,
                    "is_supported": check.is_supported,
                    "similarity": _short(check.similarity),
                    "overlap": _short(check.overlap),
                    "n": check.n,
                }
                for check in self.checks
            ],
        }

    def _candidates(self, citations: Sequence[CitedPassage]) -> list[dict[str, Any]]:
        sent = {passage.n for passage in self.prompt.passages} if self.prompt else set()
        numbers = {
            chunk_id: n
            for chunk_id, n in _numbers(self.candidates, self.passages).items()
            if n in sent
        }
        cited = {citation.n for citation in citations}
        return [
            {
                "chunk_id": str(chunk.id),
                "document_id": str(chunk.payload.document_id),
                "title": chunk.payload.label,
                "url": chunk.payload.url,
                "page": chunk.payload.page,
                "text": chunk.payload.text,
                "score": _short(chunk.score),
                "similarity": _short(chunk.similarity),
                "bm25": _short(chunk.bm25),
                "coverage": _short(chunk.coverage),
                "rerank": _short(chunk.rerank),
                "n": numbers.get(chunk.id),
                "is_cited": numbers.get(chunk.id) in cited,
            }
            for chunk in self.candidates
        ]


def _numbers(candidates: Sequence[ScoredChunk], passages: Sequence[ScoredChunk]) -> dict[UUID, int]:
    """Chunk -> the number of the passage that it went into, if any did."""
    found: dict[UUID, int] = {}
    for n, passage in enumerate(passages, start=1):
        whole = passage.payload
        for chunk in candidates:
            part = chunk.payload
            is_inside = whole.char_start <= part.char_start <= part.char_end <= whole.char_end
            if chunk.id == passage.id or (
                is_inside
                and (part.document_id, part.version, part.page)
                == (whole.document_id, whole.version, whole.page)
            ):
                found.setdefault(chunk.id, n)
    return found


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def _prompt(prompt: Prompt) -> dict[str, Any]:
    sampling = prompt.sampling
    return {
        "turns": [{"role": turn.role, "text": turn.text} for turn in prompt.turns],
        "passages": [passage.n for passage in prompt.passages],
        "max_new_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
    }
