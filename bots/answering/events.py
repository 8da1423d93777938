"""What an answer says while it is made: the same events on every streaming door.

`start`, `status`, `sources`, `delta`, `block` (widget only), then exactly one `done` or `error`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from uuid import UUID

from botfactory.errors import BotFactoryError
from bots.answering.citation_links import link_for


@dataclass(frozen=True, slots=True)
class Started:
    name: ClassVar[str] = "start"
    conversation_id: UUID
    message_id: UUID
    question_id: UUID

    def data(self) -> dict[str, Any]:
        return {
            "conversation_id": str(self.conversation_id),
            "message_id": str(self.message_id),
            "question_id": str(self.question_id),
        }


@dataclass(frozen=True, slots=True)
class Status:
    """`phase`: searching (looking for passages), queued (every engine is full; `position` counts
    from 1), answering (waiting for the engine's first words)."""

    name: ClassVar[str] = "status"
    phase: Literal["searching", "queued", "answering"]
    position: int | None = None

    def data(self) -> dict[str, Any]:
        if self.position is None:
            return {"phase": self.phase}
        return {"phase": self.phase, "position": self.position}


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A numbered passage: offered to the engine, or cited by the finished answer."""

    n: int
    title: str
    url: str
    page: int | None
    text: str
    chunk_id: UUID
    document_id: UUID

    def data(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "title": self.title,
            "url": self.url,
            "page": self.page,
            "link": link_for(self.url, self.page, self.text),
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Sources:
    """The passages the answer may cite; texts are left out until one is cited."""

    name: ClassVar[str] = "sources"
    passages: tuple[CitedPassage, ...]

    def data(self) -> dict[str, Any]:
        keys = ("n", "title", "url", "page")
        return {"sources": [{key: getattr(p, key) for key in keys} for p in self.passages]}


@dataclass(frozen=True, slots=True)
class TextDelta:
    name: ClassVar[str] = "delta"
    text: str

    def data(self) -> dict[str, Any]:
        return {"text": self.text}


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer that may be read: `text` is the checked one, citations as in it."""

    name: ClassVar[str] = "done"
    message_id: UUID
    state: str
    text: str
    answered_by: str = ""
    citations: tuple[CitedPassage, ...] = ()
    follow_ups: tuple[str, ...] = ()
    usage: dict[str, int | None] = field(default_factory=dict)
    timings_ms: dict[str, int] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        return {
            "message_id": str(self.message_id),
            "state": self.state,
            "text": self.text,
            "answered_by": self.answered_by,
            "follow_ups": list(self.follow_ups),
            "citations": [citation.data() for citation in self.citations],
            "usage": self.usage,
            "timings_ms": self.timings_ms,
        }


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of an answer that failed; what was streamed before stays, marked incomplete."""

    name: ClassVar[str] = "error"
    error: BotFactoryError
    state: str

    def data(self) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.error.code, "message": self.error.public_message}
        if self.error.retry_after_s is not None:
            error["retry_after"] = max(1, round(self.error.retry_after_s))
        return {"error": error, "state": self.state}


AnswerEvent = Started | Status | Sources | TextDelta | Done | Failed
