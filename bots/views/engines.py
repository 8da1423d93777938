"""The engines of a workspace, and of the server for its operator."""

from __future__ import annotations

from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from botfactory.accounts.access import Actor, member_actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import BotFactoryError, InvalidInput
from botfactory.forms import add_service_error
from bots import selectors
from bots.access import managed_engine
from bots.administration import services
from bots.administration.errors import TooManyEngines
from bots.administration.templates import preview_of
from bots.administration.trying import try_engine
from bots.engine_forms import SERVER, WORKSPACE, EngineForm
from bots.models import Engine

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def engine_list(request: MemberRequest, slug: str) -> HttpResponse:
    """Everybody sees which engines there are; who may change one gets a link to it."""
    actor = member_actor(request.user, workspace_slug=slug)
    engines = list(selectors.engines_with_bots(actor.workspace))
    context = {
        "actor": actor,
        "own": [engine for engine in engines if engine.workspace_id],
        "server_wide": [engine for engine in engines if not engine.workspace_id],
    }
    return render(request, "bots/engine_list.html", context)


@read_or_post
def create(request: MemberRequest, slug: str) -> HttpResponse:
    actor, places = maker(request, slug)
    form = EngineForm(request.POST if request.method == "POST" else None, places=places)
    if form.is_valid():
        try:
            engine = services.create_engine(
                actor=actor, is_server_wide=form.is_server_wide, **form.service_fields()
            )
        except (InvalidInput, TooManyEngines) as exc:
            add_service_error(form, exc)
        else:
            messages.success(request, f"“{engine.name}” is saved. Now see whether it answers.")
            return redirect("engines:edit", slug, engine.pk)
    return render(request, "bots/engine_form.html", {"actor": actor, "form": form})


@read_or_post
def edit(request: MemberRequest, slug: str, engine_id: UUID) -> HttpResponse:
    actor = member_actor(request.user, workspace_slug=slug)
    engine = managed_engine(actor, engine_id)
    form = EngineForm(request.POST if request.method == "POST" else None, engine=engine)
    if form.is_valid():
        try:
            services.update_engine(actor=actor, engine=engine, **form.service_fields())
        except InvalidInput as exc:
            add_service_error(form, exc)
            engine.refresh_from_db()
        else:
            messages.success(request, "The engine is saved.")
            return redirect("engines:edit", slug, engine_id)
    return render(request, "bots/engine_form.html", _edit_context(actor, engine, form))


def _edit_context(actor: Actor, engine: Engine, form: EngineForm) -> dict[str, object]:
    return {
        "actor": actor,
        "engine": engine,
        "form": form,
        "bots_on_it": selectors.bots_on_engine(engine, actor.workspace),
        "n_bots_elsewhere": selectors.n_bots_elsewhere(engine, actor.workspace),
    }


@require_POST
def delete(request: MemberRequest, slug: str, engine_id: UUID) -> HttpResponse:
    actor = member_actor(request.user, workspace_slug=slug)
    engine = managed_engine(actor, engine_id)
    services.delete_engine(actor=actor, engine=engine)
    messages.success(request, f"“{engine.name}” is deleted.")
    return redirect("engines:list", slug)


@require_POST
def test(request: MemberRequest, slug: str, engine_id: UUID) -> HttpResponse:
    """Sends a tiny question through the saved engine and shows what came of it."""
    actor = member_actor(request.user, workspace_slug=slug)
    engine = managed_engine(actor, engine_id)
    trial = async_to_sync(try_engine)(engine, limited_by=str(actor.workspace.pk))
    if request.htmx:
        return render(request, "bots/_engine_trial.html", {"trial": trial, "engine": engine})
    form = EngineForm(engine=engine)
    context = {**_edit_context(actor, engine, form), "trial": trial}
    return render(request, "bots/engine_form.html", context)


@require_POST
def template_preview(request: MemberRequest, slug: str) -> HttpResponse:
    """What a chat template, saved or not, makes of a short conversation: a part of the form."""
    _, places = maker(request, slug)
    form = EngineForm(request.POST, places=places)
    form.is_valid()  # other fields may be empty still
    context: dict[str, object] = {}
    try:
        context["text"] = preview_of(form.as_template())
    except BotFactoryError as exc:
        context["problem"] = exc.public_message
    return render(request, "bots/_engine_template_preview.html", context)


def maker(request: MemberRequest, slug: str) -> tuple[Actor, list[str]]:
    """Somebody who may add an engine, and where to. Raises NotFound, PermissionDenied."""
    actor = member_actor(request.user, workspace_slug=slug)
    places = [WORKSPACE] if actor.role.allows(Role.ADMIN) else []
    places += [SERVER] if actor.is_operator else []
    if not places:
        actor.require(Role.ADMIN)
    return actor, places
