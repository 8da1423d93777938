"""What can go wrong with an engine, as visitors and owners may see it."""

from __future__ import annotations

from botfactory.errors import BotFactoryError


class EngineError(BotFactoryError):
    """`is_setting`: key, address or model are wrong, so that no question can be answered this way.
    `was_sent`: the engine may have heard of the request."""

    is_setting: bool = False
    was_sent: bool = True
    code = "engine_failed"
    status = 502
    default_message = "The language model could not answer. Please try again."


class EngineUnavailable(EngineError):
    """Connection refused, DNS failure, 5xx gateway: nothing was generated. Retryable."""

    code = "engine_unavailable"
    status = 503
    retryable = True
    default_message = "The language model is not reachable right now. Try again in a minute."


class NoEngineUp(EngineUnavailable):
    """Every engine that the bot may use is down, or left alone for a while."""


class EngineOverloaded(EngineError):
    """The engine said it is full (429 or its in-stream form). Retryable before the first token."""

    code = "engine_overloaded"
    status = 503
    retryable = True
    default_message = "The language model is busy. Try again in a few seconds."


class EngineTimeout(EngineError):
    """No first token, or no progress, within the time allowed."""

    code = "engine_timeout"
    status = 504
    retryable = True
    default_message = "The language model took too long to answer. Try again."


class EngineInterrupted(EngineError):
    """The stream was cut before its final event; what was streamed so far is incomplete."""

    code = "engine_interrupted"
    status = 502
    retryable = True
    default_message = "The answer was cut off by the language model. Try again."


class EngineRejected(EngineError):
    """The engine refused the request (422, 400, 401, 404): a setting is wrong. Not retryable."""

    code = "engine_rejected"
    status = 502
    default_message = (
        "The language model refused the request. The owner of this bot should check the engine "
        "settings (address, key, limits)."
    )


class TemplateInvalid(EngineError):
    """A chat template cannot be read, or cannot render a conversation. Not retryable.

    The message is for the owner who wrote it; `line` counts from 1, None where none is to blame.
    """

    code = "chat_template_invalid"
    status = 422
    default_message = "The chat template is not valid."

    def __init__(self, public_message: str | None = None, *, line: int | None = None) -> None:
        super().__init__(public_message)
        self.line = line


class ModelsEntryInvalid(EngineError):
    """A HuggingChat `MODELS` setting cannot be taken over; the message says why. Not retryable."""

    code = "models_entry_invalid"
    status = 422
    default_message = "This is not a list of models as HuggingChat wrote it."
