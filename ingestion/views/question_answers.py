"""Pages about a bot's question-answers: the list, writing one, and files of many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from bots.access import bot_for_user
from ingestion import question_answer_files, question_answers
from ingestion.access import question_answer_of_bot
from ingestion.errors import QuestionFileInvalid
from ingestion.searching import words_of
from ingestion.views.question_answer_forms import ImportForm, QuestionAnswerForm

QUESTION_ANSWERS_PER_PAGE = 50
MAX_REFUSALS_SHOWN = 200

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def question_answer_list(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    query = request.GET.get("q", "").strip()
    found = question_answers.question_answers_of_bot(bot, words=words_of(query))
    page = Paginator(found, QUESTION_ANSWERS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"actor": actor, "bot": bot, "query": query, "page": page}
    context["source"] = question_answers.source_of_bot(bot)
    return render(request, "ingestion/question_answer_list.html", context)


@read_or_post
def question_answer_create(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    initial = {"question": request.GET.get("question", "")}
    form = QuestionAnswerForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            question_answers.add_question_answer(actor=actor, bot=bot, **form.cleaned_data)
        except InvalidInput as exc:
            add_service_error(form, exc)
        else:
            messages.success(request, "Saved. The bot answers from it in a moment.")
            return redirect("ingestion:question-answer-list", bot_id)
    context = {"actor": actor, "bot": bot, "form": form}
    return render(request, "ingestion/question_answer_form.html", context)


@read_or_post
def question_answer_edit(
    request: MemberRequest, bot_id: UUID, question_answer_id: UUID
) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    pair = question_answer_of_bot(bot, question_answer_id)
    initial = {name: getattr(pair, name) for name in question_answers.EDITABLE_FIELDS}
    form = QuestionAnswerForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            question_answers.update_question_answer(
                actor=actor, question_answer=pair, changes=form.cleaned_data
            )
        except InvalidInput as exc:
            add_service_error(form, exc)
        else:
            messages.success(request, "Saved. The bot answers from it in a moment.")
            return redirect("ingestion:question-answer-list", bot_id)
    context = {"actor": actor, "bot": bot, "form": form, "pair": pair}
    return render(request, "ingestion/question_answer_form.html", context)


@require_POST
def question_answer_toggle(
    request: MemberRequest, bot_id: UUID, question_answer_id: UUID
) -> HttpResponse:
    """Enables the question-answer, or disables it: `enabled` is 1 or 0."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    pair = question_answer_of_bot(bot, question_answer_id)
    is_enabled = request.POST.get("enabled") == "1"
    question_answers.update_question_answer(
        actor=actor, question_answer=pair, changes={"is_enabled": is_enabled}
    )
    said = "answers from this again" if is_enabled else "no longer answers from this"
    messages.success(request, f"The bot {said}: “{pair.question[:80]}”")
    return redirect("ingestion:question-answer-list", bot_id)


@require_POST
def question_answer_delete(
    request: MemberRequest, bot_id: UUID, question_answer_id: UUID
) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    pair = question_answer_of_bot(bot, question_answer_id)
    question_answers.delete_question_answer(actor=actor, question_answer=pair)
    messages.success(request, f"“{pair.question[:80]}” is deleted.")
    return redirect("ingestion:question-answer-list", bot_id)


@read_or_post
def question_answer_import(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """The form, and after it what became of each row."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    form = ImportForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    context: dict[str, Any] = {"actor": actor, "bot": bot, "form": form}
    if form.is_valid():
        try:
            rows = question_answer_files.read_rows(form.cleaned_data["file"].read())
        except QuestionFileInvalid as exc:
            add_service_error(form, exc, field="file")
        else:
            report = question_answers.import_rows(actor=actor, bot=bot, rows=rows)
            context |= {"report": report, "refused": report.refused[:MAX_REFUSALS_SHOWN]}
            context["n_more_refused"] = len(report.refused) - len(context["refused"])
    context |= {"max_rows": question_answer_files.MAX_ROWS}
    return render(request, "ingestion/question_answer_import.html", context)


@require_safe
def question_answer_export(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, _ = bot_for_user(request.user, bot_id)
    pairs = question_answers.question_answers_of_bot(bot).order_by("created_at", "id")
    body = "".join(question_answer_files.write_rows(pairs.iterator(chunk_size=500)))
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="questions-and-answers.csv"'
    return response
