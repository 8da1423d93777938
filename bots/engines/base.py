"""The engine interface: what an answer needs from a language-model server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class ChatTurn:
    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as the prompt sees it: `n` is the number that a citation `[n]` refers to, from 1."""

    n: int
    text: str
    title: str
    url: str
    page: int | None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the engine picks tokens. `temperature` 0 means greedy.

    None is not sent, so that the server's own default holds; a value that a server would refuse as
    meaning "off" (a `top_p` of 1, a `top_k` of 0) is not sent either. OpenAI's format has neither
    `top_k` nor `repetition_penalty`: vLLM, SGLang and llama.cpp read them all the same, TGI's chat
    ignores them, strict servers refuse the request. `seed` is 0 or more.
    """

    max_new_tokens: int = 512
    temperature: float = 0.2
    top_p: float = 0.95
    stop: tuple[str, ...] = ()
    top_k: int | None = None
    repetition_penalty: float | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything an engine may need: `turns` for models; question and passages for quoting."""

    turns: tuple[ChatTurn, ...]
    question: str
    passages: tuple[Passage, ...]
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class Limits:
    """Token limits of an engine; `max_total_tokens` bounds input and output together."""

    max_input_tokens: int
    max_total_tokens: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts; None where the engine does not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer, in order; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a healthy stream; a stream that ends without it raises instead."""

    reason: FinishReason
    usage: Usage = field(default_factory=Usage)


EngineEvent = Delta | Finished


class Engine(Protocol):
    """A language-model server, or the extractive stand-in.

    `stream` yields `Delta`s, then exactly one `Finished`, or raises an `EngineError`. Closing the
    iterator (`aclose`) closes the connection upstream. Implementations are safe to share between
    concurrent streams of one event loop.
    """

    name: str

    def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]: ...

    async def limits(self) -> Limits:
        """Token limits, cached after the first successful call. Raises EngineError."""
        ...

    async def count_tokens(self, text: str) -> int:
        """Tokens of `text` by the engine's own tokenizer, or a safe over-estimate."""
        ...

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        """Tokens of the whole prompt that `stream` would send for `turns`, chat template included.

        Exact where the server lets us ask, else a safe over-estimate. Raises EngineError only for
        a chat template of ours that cannot render the turns.
        """
        ...

    async def is_healthy(self) -> bool:
        """Whether the server answers its health probe within 2 s. Never raises EngineError."""
        ...

    async def aclose(self) -> None: ...
