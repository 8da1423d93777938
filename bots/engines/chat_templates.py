"""Chat turns as one text, by a template of the owner's: Jinja, or HuggingChat's message tokens.

The server's own template is better where there is one. These are for servers whose model has none,
or a wrong one: the rendered text goes to TGI's `/generate_stream` or OpenAI's `/v1/completions`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Self

from bots.engines.base import ChatTurn
from bots.engines.errors import TemplateInvalid
from bots.engines.stops import usable_stops
from bots.engines.template_process import process

MAX_SOURCE_CHARS = 64_000
MAX_TOKEN_CHARS = 2_000
MAX_PREPROMPT_CHARS = 20_000
MAX_STOPS = 16
BANNED_S = 60.0
MAX_BANNED = 100

SAMPLE_TURNS = (
    ChatTurn("system", "You answer from the passages below. [1] Orders leave within two days."),
    ChatTurn("user", "How long does shipping take?"),
    ChatTurn("assistant", "Two days [1]."),
    ChatTurn("user", "And to Norway?"),
)
"""The conversation that a preview shows."""

_PROBLEMS = {
    "syntax": "{line} cannot be read as Jinja: a tag, a bracket or a quote is not right there.",
    "unknown_name": "{line} uses a filter or a test that does not exist.",
    "undefined": "{line} uses something that is not defined.",
    "forbidden": "{line} does something that templates may not do.",
    "refused": 'The template refuses the conversation: "{said}".',
    "failed": "{line} fails for this conversation.",
    "limit": "The template takes too much time or memory, or writes too much text.",
}

# HuggingChat's names of the fields of `TemplateTokens`.
_JSON_NAMES = {
    "user_message": "userMessageToken",
    "user_message_end": "userMessageEndToken",
    "assistant_message": "assistantMessageToken",
    "assistant_message_end": "assistantMessageEndToken",
    "preprompt": "preprompt",
    "bos_token": "bos_token",
    "eos_token": "eos_token",
    "stop": "stop",
}

_banned: dict[str, float] = {}


class TemplateMode(StrEnum):
    SERVER = "server"
    JINJA = "jinja"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class TemplateTokens:
    """What stands around messages, in HuggingChat's classic form, and the model's own marks.

    The message tokens and `preprompt` are for mode "tokens"; `bos_token` and `eos_token` are what a
    Jinja template finds under these names; `stop` holds for both.
    """

    user_message: str = ""
    user_message_end: str = ""
    assistant_message: str = ""
    assistant_message_end: str = ""
    preprompt: str = ""
    bos_token: str = ""
    eos_token: str = ""
    stop: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, object]) -> Self:
        """From an object with HuggingChat's names; others are ignored. Raises TemplateInvalid."""
        values: dict[str, str] = {}
        for name in (one.name for one in fields(cls) if one.name != "stop"):
            value = stored.get(_JSON_NAMES[name], "")
            most = MAX_PREPROMPT_CHARS if name == "preprompt" else MAX_TOKEN_CHARS
            if not isinstance(value, str) or len(value) > most:
                raise TemplateInvalid(
                    f"{_JSON_NAMES[name]} must be a text of at most {most:,} characters."
                )
            values[name] = value
        return cls(**values, stop=_stops(stored.get("stop", ())))

    def to_json(self) -> dict[str, object]:
        """The object that `from_json` reads, without what is empty."""
        values = {json_name: getattr(self, name) for name, json_name in _JSON_NAMES.items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v}


@dataclass(frozen=True, slots=True)
class TemplateConfig:
    """How an engine's prompts are written; `source` is for mode "jinja"."""

    mode: TemplateMode = TemplateMode.SERVER
    source: str = ""
    tokens: TemplateTokens = field(default_factory=TemplateTokens)


def check_template(config: TemplateConfig) -> None:
    """Raises TemplateInvalid, with a line where it knows one, unless `config` renders a sample."""
    if config.mode is TemplateMode.TOKENS and not (
        config.tokens.user_message.strip() or config.tokens.assistant_message.strip()
    ):
        raise TemplateInvalid(
            "Give at least a userMessageToken or an assistantMessageToken: without them nothing "
            "tells the model who speaks."
        )
    preview(config)


def preview(config: TemplateConfig, turns: Sequence[ChatTurn] = SAMPLE_TURNS) -> str:
    """The prompt of `turns`, "" for the server's own template. Raises TemplateInvalid."""
    if config.mode is TemplateMode.SERVER:
        return ""
    return render(config, turns)[0]


def render(config: TemplateConfig, turns: Sequence[ChatTurn]) -> tuple[str, tuple[str, ...]]:
    """The prompt, and the stop sequences it needs. Blocks; raises TemplateInvalid.

    A start token at the beginning is left out, because servers put one before every text. Jinja
    templates that refuse a system turn, or two turns of one role in a row, get them folded.
    """
    if config.mode is TemplateMode.TOKENS:
        text, stops = _with_tokens(config.tokens, turns), _token_stops(config.tokens)
    elif config.mode is TemplateMode.JINJA:
        text = _with_jinja(config, turns)
        stops = usable_stops((*config.tokens.stop, config.tokens.eos_token))
    else:
        raise TemplateInvalid("The server's own template is not ours to render.")
    if not text.strip():
        raise TemplateInvalid("The template writes nothing for a conversation.")
    return text.removeprefix(config.tokens.bos_token), stops


def fold(turns: Sequence[ChatTurn]) -> tuple[ChatTurn, ...]:
    """The same turns with system text in front of the next user turn and no role twice in a row."""
    folded: list[ChatTurn] = []
    for turn in turns:
        role = "user" if turn.role == "system" else turn.role
        if folded and folded[-1].role == role:
            folded[-1] = ChatTurn(role, f"{folded[-1].text}\n\n{turn.text}")
        else:
            folded.append(ChatTurn(role, turn.text))
    return tuple(folded)


def _with_tokens(tokens: TemplateTokens, turns: Sequence[ChatTurn]) -> str:
    """Preprompt and system text first, then each message between its tokens."""
    leading = 0
    while leading < len(turns) and turns[leading].role == "system":
        leading += 1
    opening = "\n\n".join(turn.text for turn in turns[:leading])
    parts = [tokens.preprompt, opening, "\n\n" if opening else ""]
    for turn in fold(turns[leading:]):
        if turn.role == "user":
            before, after = tokens.user_message, tokens.user_message_end
        else:
            before, after = tokens.assistant_message, tokens.assistant_message_end
        parts += [before, turn.text, "" if after and turn.text.endswith(after) else after]
    return "".join([*parts, tokens.assistant_message])


def _token_stops(tokens: TemplateTokens) -> tuple[str, ...]:
    """What ends an answer: the owner's stops, its end token, and the visitor's next turn."""
    own = (tokens.assistant_message_end, tokens.eos_token, tokens.user_message)
    return usable_stops((*tokens.stop, *(stop for stop in own if stop.strip())))


def _with_jinja(config: TemplateConfig, turns: Sequence[ChatTurn]) -> str:
    if len(config.source) > MAX_SOURCE_CHARS:
        raise TemplateInvalid(f"A template may have at most {MAX_SOURCE_CHARS:,} characters.")
    if time.monotonic() < _banned.get(config.source, 0.0):
        raise TemplateInvalid(_PROBLEMS["limit"])
    answer = _ask(config, turns)
    if answer.get("problem") == "refused" and (folded := fold(turns)) != tuple(turns):
        answer = _ask(config, folded)
    if isinstance(text := answer.get("text"), str):
        return text
    line = answer.get("line")
    raise TemplateInvalid(
        _PROBLEMS[str(answer.get("problem"))].format(
            line=f"Line {line}" if line else "The template", said=answer.get("said", "")
        ),
        line=line if isinstance(line, int) else None,
    )


def _ask(config: TemplateConfig, turns: Sequence[ChatTurn]) -> Mapping[str, object]:
    answer = process.ask(
        {
            "source": config.source,
            "variables": {
                "messages": [{"role": turn.role, "content": turn.text} for turn in turns],
                "bos_token": config.tokens.bos_token,
                "eos_token": config.tokens.eos_token,
                "add_generation_prompt": True,
                "tools": None,
                "documents": None,
            },
        }
    )
    if answer is not None:
        return answer
    # It would end every child it is given to, and other bots' prompts wait meanwhile.
    if len(_banned) >= MAX_BANNED:
        _banned.clear()
    _banned[config.source] = time.monotonic() + BANNED_S
    return {"problem": "limit"}


def _stops(value: object) -> tuple[str, ...]:
    if (
        not isinstance(value, list | tuple)
        or len(value) > MAX_STOPS
        or not all(isinstance(one, str) and len(one) <= MAX_TOKEN_CHARS for one in value)
    ):
        raise TemplateInvalid(f"stop must be a list of at most {MAX_STOPS} texts.")
    return usable_stops(value)
