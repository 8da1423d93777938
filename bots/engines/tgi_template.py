"""Chat turns as one string for TGI's native API, which takes a prompt and not a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bots.engines.base import ChatTurn
from bots.engines.chat_templates import fold
from bots.engines.transport import EngineHttp
from bots.engines.turn_counter import messages_of

TRANSCRIPT_STOPS = ("\nUser:",)

_NAMES = {"user": "User", "assistant": "Assistant"}


class TgiTemplate:
    """Renders turns with the model's own chat template, asked from the server.

    Where the server has no template (a base model, an old version) a plain transcript is used:
    the system text, then `User:` and `Assistant:` paragraphs, ending in an open `Assistant:`.
    """

    def __init__(self, http: EngineHttp) -> None:
        self._http = http
        self._missing = False
        self._folds = False
        self._bos: str | None = None

    async def render(self, turns: Sequence[ChatTurn]) -> tuple[str, tuple[str, ...]]:
        """The prompt, and the stop sequences it needs. Raises EngineUnavailable, EngineTimeout."""
        if not self._missing and (text := await self._by_server(turns)):
            return text, ()
        return transcript(turns), TRANSCRIPT_STOPS

    async def _by_server(self, turns: Sequence[ChatTurn]) -> str | None:
        if not self._folds and (text := await self._templated(turns)):
            return text
        if self._missing:
            return None
        # Some templates (Gemma, Mistral) refuse a system turn or two turns of one role in a row.
        text = await self._templated(fold(turns))
        self._folds = text is not None
        return text

    async def _templated(self, turns: Sequence[ChatTurn]) -> str | None:
        body = {"model": "tgi", "messages": messages_of(turns)}
        reply = await self._http.post("/chat_tokenize", body)
        self._missing = reply.status in (404, 405)
        text = reply.body.get("templated_text") if isinstance(reply.body, Mapping) else None
        if not reply.ok or not isinstance(text, str) or not text:
            return None
        if self._bos is None:
            self._bos = await self._doubled_bos(text)
        return text.removeprefix(self._bos)

    async def _doubled_bos(self, text: str) -> str:
        """The start token that the template writes and /generate would add once more; or ""."""
        reply = await self._http.post("/tokenize", {"inputs": text})
        match reply.body:
            case [{"id": first, "stop": 0}, {"id": second, "start": 0, "stop": int(stop)}, *_]:
                if first == second:
                    return text.encode()[:stop].decode("utf-8", "ignore")
        return ""


def transcript(turns: Sequence[ChatTurn]) -> str:
    parts = [
        f"{_NAMES[turn.role]}: {turn.text}" if turn.role in _NAMES else turn.text for turn in turns
    ]
    return "\n\n".join([*parts, "Assistant:"])
