"""HuggingChat's classic `MODELS` setting, read into plain objects.

The setting was written by hand: JSON with comments (also `#`), trailing commas, single quotes and
bare keys, often pasted with its ``MODELS=`...` ``. Nothing in it is ever filled in from our
environment, and what cannot be taken over faithfully is refused rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bots.engines.chat_templates import (
    MAX_SOURCE_CHARS,
    TemplateConfig,
    TemplateMode,
    TemplateTokens,
)
from bots.engines.errors import ModelsEntryInvalid, TemplateInvalid
from bots.engines.handlebars import to_jinja
from bots.engines.relaxed_json import RelaxedJsonError, loads

MAX_CHARS = 500_000
MAX_MODELS = 100
MAX_ENDPOINTS = 50

_ENDPOINT_KINDS = {
    "": "tgi",
    "tgi": "tgi",
    "openai": "openai",
    "llamacpp": "openai",
    "ollama": "openai",
}
_NUMBERS = ("temperature", "top_p", "repetition_penalty")
_COUNTS = ("top_k", "truncate", "max_new_tokens")
_MESSAGE_TOKENS = (
    "userMessageToken",
    "userMessageEndToken",
    "assistantMessageToken",
    "assistantMessageEndToken",
    "messageEndToken",
)


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """One server of a model. `secret` belongs into `secret_header`, as `EngineConfig` sends it."""

    url: str
    kind: str = "tgi"
    weight: int = 1
    secret_header: str = ""
    secret: str = field(default="", repr=False)
    model: str = ""


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """None where the entry does not say."""

    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    top_k: int | None = None
    truncate: int | None = None
    max_new_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the list; `template` is ready for `EngineConfig`."""

    name: str
    display_name: str = ""
    description: str = ""
    template: TemplateConfig = field(default_factory=TemplateConfig)
    endpoints: tuple[ModelEndpoint, ...] = ()
    parameters: ModelParameters = field(default_factory=ModelParameters)


def parse_models_entry(text: str) -> list[ModelEntry]:
    """The models of a `MODELS` setting, of its list, or of one entry of it.

    Raises ModelsEntryInvalid, which says which model and field is meant.
    """
    if len(text) > MAX_CHARS:
        raise ModelsEntryInvalid(f"The text may have at most {MAX_CHARS:,} characters.")
    try:
        parsed = loads(_unwrapped(text))
    except RelaxedJsonError as exc:
        raise ModelsEntryInvalid(f"This is not a list of models: {exc.reason}") from exc
    entries = parsed if isinstance(parsed, list) else [parsed]
    if not 0 < len(entries) <= MAX_MODELS:
        raise ModelsEntryInvalid(f"Give 1 to {MAX_MODELS} models.")
    _refuse_substitution(entries)
    return [_entry(entry, number) for number, entry in enumerate(entries, start=1)]


def _unwrapped(text: str) -> str:
    """Without the setting's name and its quotes."""
    text = text.strip()
    name, equals, rest = text.partition("=")
    if equals and name.strip() == "MODELS":
        text = rest.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "`'\"":
        text = text[1:-1]
    return text


def _refuse_substitution(value: object) -> None:
    if isinstance(value, str) and "${" in value:
        raise ModelsEntryInvalid(
            "The text holds ${...}. Nothing is filled in from the server's environment: write the "
            "value itself."
        )
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_substitution(key)
            _refuse_substitution(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_substitution(inner)


def _entry(entry: object, number: int) -> ModelEntry:
    if not isinstance(entry, Mapping):
        raise ModelsEntryInvalid(f"Model {number} is not an object.")
    reader = _Fields(entry, f"Model {number}")
    name = reader.text("name") or reader.text("id")
    if not name:
        raise ModelsEntryInvalid(f"Model {number} has no name.")
    reader = _Fields(entry, f'Model "{name[:80]}"')
    parameters = _parameters(reader.inner("parameters"))
    return ModelEntry(
        name=name,
        display_name=reader.text("displayName"),
        description=reader.text("description"),
        template=_template(reader, parameters.stop),
        endpoints=tuple(_endpoint(one) for one in reader.list_of_objects("endpoints")),
        parameters=parameters,
    )


def _template(reader: _Fields, stop: tuple[str, ...]) -> TemplateConfig:
    tokens = _tokens(reader, stop)
    source = reader.text("chatPromptTemplate")
    if source:
        if len(source) > MAX_SOURCE_CHARS:
            raise reader.wrong("chatPromptTemplate", "is too long")
        # Later versions took Jinja, whose statements no Handlebars template has.
        jinja = source if "{%" in source else to_jinja(source, _root(tokens), reader.where)
        return TemplateConfig(TemplateMode.JINJA, jinja, tokens)
    if tokens.user_message or tokens.assistant_message:
        return TemplateConfig(TemplateMode.TOKENS, tokens=tokens)
    return TemplateConfig(TemplateMode.SERVER, tokens=tokens)


def _tokens(reader: _Fields, stop: tuple[str, ...]) -> TemplateTokens:
    given = {name: reader.text(name) for name in (*_MESSAGE_TOKENS, "preprompt")}
    # The oldest entries had one end token for both sides.
    both = given.pop("messageEndToken")
    for name in ("userMessageEndToken", "assistantMessageEndToken"):
        given[name] = given[name] or both
    try:
        return TemplateTokens.from_json({**given, "stop": list(stop)})
    except TemplateInvalid as exc:
        raise ModelsEntryInvalid(f"{reader.where}: {exc.public_message}") from exc


def _root(tokens: TemplateTokens) -> dict[str, str]:
    """What a Handlebars template finds at its root."""
    return {
        "preprompt": tokens.preprompt,
        "userMessageToken": tokens.user_message,
        "userMessageEndToken": tokens.user_message_end,
        "assistantMessageToken": tokens.assistant_message,
        "assistantMessageEndToken": tokens.assistant_message_end,
    }


def _parameters(reader: _Fields) -> ModelParameters:
    numbers = {name: reader.number(name) for name in _NUMBERS}
    counts = {name: reader.count(name) for name in _COUNTS}
    stop = reader.value("stop") or []
    if not isinstance(stop, list) or not all(isinstance(one, str) for one in stop):
        raise reader.wrong("stop", "must be a list of texts")
    return ModelParameters(
        temperature=numbers["temperature"],
        top_p=numbers["top_p"],
        repetition_penalty=numbers["repetition_penalty"],
        top_k=counts["top_k"],
        truncate=counts["truncate"],
        max_new_tokens=counts["max_new_tokens"],
        stop=tuple(stop),
    )


def _endpoint(reader: _Fields) -> ModelEndpoint:
    kind = _ENDPOINT_KINDS.get(reader.text("type") or reader.text("host"))
    if kind is None:
        raise reader.wrong("type", "must be tgi, openai, llamacpp or ollama")
    url = reader.text("baseURL") or reader.text("url")
    if not url:
        raise reader.wrong("url", "is missing")
    header, secret = _secret(reader)
    weight = reader.count("weight")
    return ModelEndpoint(
        url=url.removesuffix("/generate_stream").removesuffix("/generate"),
        kind=kind,
        weight=1 if weight is None else weight,
        secret_header=header,
        secret=secret,
        model=reader.text("ollamaName") or reader.text("model"),
    )


def _secret(reader: _Fields) -> tuple[str, str]:
    """Header and secret. A scheme other than Bearer cannot be sent, so it is refused."""
    headers = {
        key: value
        for key, value in reader.inner("defaultHeaders").items()
        if isinstance(value, str)
    }
    headers |= {k: v for k, v in reader.inner("headers").items() if isinstance(v, str)}
    value = reader.text("authorization") or headers.pop("Authorization", "")
    if not value and (token := reader.text("accessToken") or reader.text("apiKey")):
        value = f"Bearer {token}"
    if value:
        scheme, _, secret = value.strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise reader.wrong("authorization", 'must read "Bearer ..."')
        if headers:
            raise reader.wrong("headers", "must not stand beside an authorization")
        return "Authorization", secret.strip()
    if len(headers) > 1:
        raise reader.wrong("headers", "may name one header")
    return next(iter(headers.items()), ("", ""))


class _Fields:
    """The fields of one object, by kind. Raises ModelsEntryInvalid, naming the field."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = values
        self.where = where

    def wrong(self, name: str, what: str) -> ModelsEntryInvalid:
        return ModelsEntryInvalid(f"{self.where}: {name} {what}.")

    def value(self, name: str) -> object:
        return self._values.get(name)

    def items(self) -> list[tuple[str, object]]:
        return list(self._values.items())

    def text(self, name: str) -> str:
        value = self.value(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, "must be a text")
        return value

    def number(self, name: str) -> float | None:
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > 1e9:
            raise self.wrong(name, "must be a number")
        return float(value)

    def count(self, name: str) -> int | None:
        value = self.number(name)
        if value is None:
            return None
        if value != int(value) or value < 0:
            raise self.wrong(name, "must be a whole number")
        return int(value)

    def inner(self, name: str) -> _Fields:
        value = self.value(name)
        if value is None:
            return _Fields({}, self.where)
        if not isinstance(value, Mapping):
            raise self.wrong(name, "must be an object")
        return _Fields(value, f"{self.where}, {name}")

    def list_of_objects(self, name: str) -> list[_Fields]:
        value = self.value(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_ENDPOINTS:
            raise self.wrong(name, f"must be a list of at most {MAX_ENDPOINTS}")
        if not all(isinstance(one, Mapping) for one in value):
            raise self.wrong(name, "must hold objects")
        return [
            _Fields(one, f"{self.where}, {name} {number}")
            for number, one in enumerate(value, start=1)
        ]
