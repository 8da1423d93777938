from __future__ import annotations

from botfactory.errors import Conflict, InvalidInput, ServiceUnavailable

MAX_QUESTION_CHARS = 4000


class QuestionEmpty(InvalidInput):
    code = "question_empty"
    default_message = "Write a question first."


class QuestionTooLong(InvalidInput):
    code = "question_too_long"
    default_message = f"Please keep a question below {MAX_QUESTION_CHARS:,} characters."


class ConversationBusy(Conflict):
    code = "conversation_busy"
    default_message = "The bot is still answering. Wait for it to finish, or stop it."


class RetrievalUnavailable(ServiceUnavailable):
    """The vector store or the embedding model cannot be asked: never answer ungrounded."""

    code = "retrieval_unavailable"
    default_message = "The bot cannot search its sources right now. Try again in a minute."


class StaleSettings(Conflict):
    """Somebody saved after the form was shown: saving now would take their change back."""

    code = "stale_settings"
    default_message = (
        "Someone changed these settings in the meantime. Look at what they are now and save again."
    )


class NothingToPublish(Conflict):
    code = "nothing_to_publish"
    default_message = "Nothing has changed since the last version, so there is nothing to publish."


class ServerStopped(ServiceUnavailable):
    """The process that wrote an answer was told to end, or died."""

    code = "server_stopped"
    default_message = "The server was stopped while the bot was answering. Please ask again."


class NothingToAnswerAgain(Conflict):
    code = "nothing_to_answer_again"
    default_message = "There is no answer yet that could be given again."


class KeyReused(Conflict):
    """One idempotency key, two different questions."""

    code = "idempotency_key_reused"
    default_message = "This Idempotency-Key was used for another message. Send a new key."
