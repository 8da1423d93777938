"""Changes to chunks: what a member corrects in, or takes out of, what a bot answers from."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.services import record_audit
from botfactory.errors import Conflict, InvalidInput
from botfactory.lib.queue import enqueue_on_commit
from bots.knowledge import registry
from bots.knowledge.types import place_of
from ingestion.extraction.decoding import clean_text
from ingestion.models import Chunk, Document, Source, StaleEdit

MAX_TEXT_CHARS = 10_000


def edit_chunk(*, actor: Actor, chunk: Chunk, text: str) -> None:
    """The bot answers from `text` in place of the chunk's own, within seconds.

    Raises InvalidInput, Conflict, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    wanted = clean_text(text).strip()
    if not wanted:
        message = "Write some text. To keep the bot from using this chunk, disable it instead."
        raise InvalidInput(fields={"text": [message]})
    _check_length(chunk, wanted)
    if wanted == chunk.text.strip():
        restore_chunk(actor=actor, chunk=chunk)
    elif wanted != chunk.edited_text:
        _change(actor, chunk, "chunk.edit", edited_text=wanted)


def restore_chunk(*, actor: Actor, chunk: Chunk) -> None:
    """The bot answers from the document's own text again. Raises Conflict, PermissionDenied."""
    actor.require(Role.EDITOR)
    if chunk.edited_text:
        _change(actor, chunk, "chunk.restore", edited_text="")


def set_chunk_enabled(*, actor: Actor, chunk: Chunk, is_enabled: bool) -> None:
    """Whether the bot answers from the chunk. Raises Conflict, PermissionDenied."""
    actor.require(Role.EDITOR)
    if chunk.is_enabled != is_enabled:
        action = "chunk.enable" if is_enabled else "chunk.disable"
        _change(actor, chunk, action, is_enabled=is_enabled)


def dismiss_stale_edits(*, actor: Actor, document: Document) -> None:
    """Forgets the edits that found no chunk any more. Raises PermissionDenied."""
    actor.require(Role.EDITOR)
    with transaction.atomic():
        n_dismissed, _ = StaleEdit.objects.filter(document=document).delete()
        if n_dismissed:
            _audit(actor, "document.dismiss-edits", document, count=n_dismissed)


def text_room(chunk: Chunk) -> int:
    """Tokens that the chunk's text may have, so that the embedding model reads all of it.

    The place of a chunk is embedded before it. What the document's author wrote always fits:
    correcting a word of it must be possible.
    """
    model = registry.embedding_model()
    place = place_of(chunk.document.title, chunk.heading_path)
    n_place, n_original = model.count_tokens_batch([place, chunk.text])
    return max(model.max_tokens - n_place, n_original)


def _check_length(chunk: Chunk, text: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        message = f"Write at most {MAX_TEXT_CHARS:,} characters."
        raise InvalidInput(fields={"text": [message]})
    room = text_room(chunk)
    n_tokens = registry.embedding_model().count_tokens(text)
    if n_tokens > room:
        n_over = len(text) - len(text) * room // n_tokens
        raise InvalidInput(
            fields={
                "text": [
                    f"This is too long to be found reliably: {n_tokens} tokens where {room} fit. "
                    f"Shorten it by about {n_over:,} characters, or put a part of it into another "
                    "chunk."
                ]
            }
        )


@transaction.atomic
def _change(actor: Actor, chunk: Chunk, action: str, **fields: Any) -> None:
    from ingestion.tasks import index_chunk

    if chunk.document.source.kind == Source.Kind.QUESTION_ANSWERS:
        raise Conflict("This text belongs to a question-answer. Change the question-answer.")
    # The index replaces chunks under the same lock, so that no change falls between two versions.
    Document.objects.select_for_update().filter(pk=chunk.document_id).values_list("pk").first()
    changed = dict(fields, edited_at=timezone.now(), needs_index=True)
    if not Chunk.objects.filter(pk=chunk.pk).update(**changed):
        raise Conflict(
            "The page was read again meanwhile, and this chunk is gone. Nothing was changed: open "
            "the document and look for its new text."
        )
    for name, value in changed.items():
        setattr(chunk, name, value)
    _audit(actor, action, chunk.document, chunk_id=str(chunk.pk))
    enqueue_on_commit(index_chunk, chunk.pk)


def _audit(actor: Actor, action: str, document: Document, **data: Any) -> None:
    record_audit(
        workspace=actor.workspace,
        actor=actor.user,
        action=action,
        object_id=document.pk,
        bot_id=str(document.source.bot_id),
        **data,
    )
