"""Pages about documents and chunks: what a bot read, and what members change in it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import Conflict, InvalidInput, NotFound
from botfactory.forms import add_service_error
from bots.access import bot_for_user
from bots.models import Bot
from ingestion import chunk_edits, documents, reports
from ingestion.access import (
    chunk_of_document,
    document_of_bot,
    document_of_source,
    source_of_bot,
)
from ingestion.models import Chunk, Document
from ingestion.searching import words_of
from ingestion.views.chunk_form import ChunkForm

DOCUMENTS_PER_PAGE = 50
CHUNKS_PER_PAGE = 50
# Where in the document's list the member was, so that they come back to it.
_PLACE = ("q", "show", "page")

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def document_list(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    found = documents.documents_of_source(source, words=words_of(query), show=show)
    page = Paginator(found, DOCUMENTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"actor": actor, "bot": bot, "source": source, "query": query, "show": show}
    context |= {"row": reports.source_row(source)}
    context |= {"page": page, "rows": documents.document_rows(page)}
    return render(request, "ingestion/document_list.html", context)


@require_safe
def document_detail(
    request: MemberRequest, bot_id: UUID, source_id: UUID, document_id: UUID
) -> HttpResponse:
    """The document's chunks in reading order."""
    bot, actor, document = _document(request, bot_id, source_id, document_id)
    query, show = request.GET.get("q", "").strip(), request.GET.get("show", "")
    words = words_of(query)
    found = documents.chunks_of_document(document, words=words, show=show)
    page = Paginator(found, CHUNKS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"actor": actor, "bot": bot, "source": document.source, "document": document}
    context |= {"query": query, "show": show, "page": page}
    context |= {"row": documents.document_row(document)}
    context |= {"rows": documents.chunk_rows(page, words=words)}
    context |= {"stale_edits": document.stale_edits.all()}
    return render(request, "ingestion/document_detail.html", context)


@require_safe
def chunk_search(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """Every chunk of the bot with the words in it: where does a sentence come from?"""
    bot, actor = bot_for_user(request.user, bot_id)
    query = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"actor": actor, "bot": bot, "query": query, "rows": []}
    if words := words_of(query):
        number = _page_number(request)
        start = (number - 1) * CHUNKS_PER_PAGE
        # One more than shown tells whether there is more; counting would read every chunk.
        found = list(documents.chunks_of_bot(bot, words=words)[start : start + CHUNKS_PER_PAGE + 1])
        context["rows"] = documents.chunk_rows(found[:CHUNKS_PER_PAGE], words=words)
        context["previous_page"] = number - 1
        context["next_page"] = number + 1 if len(found) > CHUNKS_PER_PAGE else 0
    return render(request, "ingestion/chunk_search.html", context)


@require_safe
def chunk_find(
    request: MemberRequest, bot_id: UUID, document_id: UUID, chunk_id: UUID
) -> HttpResponse:
    """Leads from what a citation keeps to the chunk in its document, or to the document alone."""
    bot, _ = bot_for_user(request.user, bot_id)
    document = document_of_bot(bot, document_id)
    try:
        chunk = chunk_of_document(document, chunk_id)
    except NotFound:
        messages.warning(request, "The passage has changed since. This is the document as it is.")
        return redirect("ingestion:document-detail", bot_id, document.source_id, document_id)
    page = documents.page_of_chunk(chunk.document, chunk.pk, per_page=CHUNKS_PER_PAGE)
    return redirect(_address(bot, chunk, {"page": str(page)}))


@read_or_post
def chunk_edit(
    request: MemberRequest, bot_id: UUID, source_id: UUID, document_id: UUID, chunk_id: UUID
) -> HttpResponse:
    bot, actor, document = _document(request, bot_id, source_id, document_id, role=Role.EDITOR)
    is_post = request.method == "POST"
    place = {name: (request.POST if is_post else request.GET).get(name, "") for name in _PLACE}
    context = {"actor": actor, "bot": bot, "source": document.source, "document": document}
    try:
        chunk = chunk_of_document(document, chunk_id)
    except NotFound:
        if not is_post:
            raise
        context["written"] = request.POST.get("text", "")
        return render(request, "ingestion/chunk_gone.html", context, status=409)
    form = ChunkForm(chunk, request.POST if is_post else None)
    if form.is_valid():
        try:
            chunk_edits.edit_chunk(actor=actor, chunk=chunk, text=form.cleaned_data["text"])
        except (InvalidInput, Conflict) as exc:
            add_service_error(form, exc)
        else:
            messages.success(request, "Saved. The bot answers from the new text in a moment.")
            return redirect(_address(bot, chunk, place))
    context |= {"chunk": chunk, "form": form, "place": place}
    room = chunk_edits.text_room(chunk)
    context |= {"room": room, "room_words": room * 3 // 4}
    return render(request, "ingestion/chunk_edit.html", context)


@require_POST
def chunk_toggle(
    request: MemberRequest, bot_id: UUID, source_id: UUID, document_id: UUID, chunk_id: UUID
) -> HttpResponse:
    """Enables the chunk, or disables it: `enabled` is 1 or 0."""
    bot, actor, document = _document(request, bot_id, source_id, document_id, role=Role.EDITOR)
    chunk = chunk_of_document(document, chunk_id)
    is_enabled = request.POST.get("enabled") == "1"
    chunk_edits.set_chunk_enabled(actor=actor, chunk=chunk, is_enabled=is_enabled)
    said = "answers from this chunk again" if is_enabled else "no longer answers from this chunk"
    messages.success(request, f"The bot {said}.")
    return redirect(_address(bot, chunk, request.POST))


@require_POST
def chunk_restore(
    request: MemberRequest, bot_id: UUID, source_id: UUID, document_id: UUID, chunk_id: UUID
) -> HttpResponse:
    bot, actor, document = _document(request, bot_id, source_id, document_id, role=Role.EDITOR)
    chunk = chunk_of_document(document, chunk_id)
    chunk_edits.restore_chunk(actor=actor, chunk=chunk)
    messages.success(request, "The original text is back.")
    return redirect(_address(bot, chunk, request.POST))


@require_POST
def stale_edits_dismiss(
    request: MemberRequest, bot_id: UUID, source_id: UUID, document_id: UUID
) -> HttpResponse:
    _, actor, document = _document(request, bot_id, source_id, document_id, role=Role.EDITOR)
    chunk_edits.dismiss_stale_edits(actor=actor, document=document)
    return redirect("ingestion:document-detail", bot_id, source_id, document_id)


def _document(
    request: MemberRequest,
    bot_id: UUID,
    source_id: UUID,
    document_id: UUID,
    role: Role = Role.VIEWER,
) -> tuple[Bot, Actor, Document]:
    bot, actor = bot_for_user(request.user, bot_id, role=role)
    return bot, actor, document_of_source(source_of_bot(bot, source_id), document_id)


def _page_number(request: MemberRequest) -> int:
    number = request.GET.get("page", "")
    return max(1, min(int(number), 10_000)) if number.isdecimal() and len(number) < 6 else 1


def _address(bot: Bot, chunk: Chunk, place: Any) -> str:
    """The chunk's place in its document, as the member last saw the list."""
    ids = (bot.pk, chunk.document.source_id, chunk.document_id)
    kept = urlencode({name: place[name] for name in _PLACE if place.get(name)})
    address = reverse("ingestion:document-detail", args=ids)
    return f"{address}?{kept}#chunk-{chunk.pk}" if kept else f"{address}#chunk-{chunk.pk}"
