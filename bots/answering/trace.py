"""How an answer came about: what the bot's owner may look up afterwards, and nobody else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bots.answering.grounding_check import SentenceCheck
from bots.engines.base import Prompt
from bots.knowledge.types import ScoredChunk

RewrittenBy = Literal["", "rule", "engine"]


@dataclass(slots=True)
class Trace:
    """Gathered while a question is answered. `query` is the question as it was searched for."""

    query: str = ""
    rewritten_by: RewrittenBy = ""
    candidates: tuple[ScoredChunk, ...] = ()
    confidence: float | None = None
    prompt: Prompt | None = None
    # Engines that were tried, in order; `code` is the error that ended a try, "" for none.
    attempts: list[tuple[str, str]] = field(default_factory=list)
    # What a model's sentences were found to stand on; empty where none were checked.
    checks: tuple[SentenceCheck, ...] = ()

    def data(self) -> dict[str, Any]:
        """JSON for `AnswerTrace.data`."""
        return {
            "query": self.query,
            "rewritten_by": self.rewritten_by,
            "confidence": self.confidence,
            "candidates": [_candidate(chunk) for chunk in self.candidates],
            "prompt": _prompt(self.prompt) if self.prompt else None,
            "attempts": [{"engine": name, "code": code} for name, code in self.attempts],
            "checks": [asdict(check) for check in self.checks],
        }


def _candidate(chunk: ScoredChunk) -> dict[str, Any]:
    payload = chunk.payload
    return {
        "chunk_id": str(chunk.id),
        "document_id": str(payload.document_id),
        "title": payload.label,
        "url": payload.url,
        "page": payload.page,
        "score": chunk.score,
        "similarity": chunk.similarity,
    }


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {
        "turns": [{"role": turn.role, "text": turn.text} for turn in prompt.turns],
        "passages": [passage.n for passage in prompt.passages],
        "max_new_tokens": prompt.sampling.max_new_tokens,
        "temperature": prompt.sampling.temperature,
    }
