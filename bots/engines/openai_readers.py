"""Reading what OpenAI-compatible servers stream: chat chunks and text chunks."""

from __future__ import annotations

from collections.abc import Mapping

from bots.engines.base import Finished, FinishReason, Usage
from bots.engines.errors import EngineError, EngineInterrupted
from bots.engines.relay import OutputGuard, event_object, whole_number

_BROKEN_OFF = frozenset({"abort", "error"})


class ChatReader:
    """Reads chat completion chunks. A `finish_reason` ends the answer; `[DONE]` alone does not."""

    def __init__(self, guard: OutputGuard) -> None:
        self.finished: Finished | None = None
        self.cut = False
        self._guard = guard

    def read(self, data: str) -> str:
        if data == "[DONE]" or data.strip() == "[DONE]":
            if self.finished is None:
                raise EngineInterrupted(subject="[DONE] without a finish_reason")
            return ""
        try:
            body = event_object(data)
        except EngineError:
            if self.finished is not None:  # nothing that follows can spoil a complete answer
                return ""
            raise
        text = "" if self.finished else self._read_choice(body.get("choices"))
        if self.finished and not self.cut and (usage := _usage(body.get("usage"))):
            self.finished = Finished(self.finished.reason, usage)
        return text

    def _read_choice(self, choices: object) -> str:
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return ""  # a chunk of usage only
        content = self._content(choice)
        text = self._add(content) if isinstance(content, str) and content else ""
        if reason := choice.get("finish_reason"):
            if reason in _BROKEN_OFF:
                raise EngineInterrupted(subject=f"finish_reason {reason}")
            too_long = (reason == "length" or self.cut) and not self._guard.stopped
            self.cut = False
            self.finished = Finished(FinishReason.LENGTH if too_long else FinishReason.STOP)
            text += self._guard.flush()
        return text

    def _content(self, choice: dict[str, object]) -> object:
        delta = choice.get("delta")
        return delta.get("content") if isinstance(delta, dict) else None

    def _add(self, content: str) -> str:
        """A chunk holds a token or more, so more chunks than tokens allowed is too much."""
        if self._guard.pieces >= self._guard.max_pieces:
            self.cut = True
            text = self._guard.flush()
        else:
            text = self._guard.add(content)
            self.cut = self._guard.stopped
        if self.cut:
            self.finished = self._guard.cut_short()
        return text


class TextReader(ChatReader):
    """Reads chunks of `/v1/completions`, which carry `text`; until the end TGI finishes with ""."""

    def _content(self, choice: dict[str, object]) -> object:
        return choice.get("text")


def _usage(value: object) -> Usage | None:
    if not isinstance(value, Mapping):
        return None
    return Usage(
        prompt_tokens=whole_number(value.get("prompt_tokens")),
        completion_tokens=whole_number(value.get("completion_tokens")),
    )
