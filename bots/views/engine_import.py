"""Engines from HuggingChat's `MODELS`: paste, look, make."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from botfactory.lib import secrets
from bots.administration.errors import TooManyEngines
from bots.administration.importing import import_engines, plan_import
from bots.engine_forms import ModelsEntryForm
from bots.engines.errors import ModelsEntryInvalid
from bots.views.engines import maker


@require_http_methods(["GET", "HEAD", "POST"])
def paste(request: MemberRequest, slug: str) -> HttpResponse:
    """Shows what the pasted text would make. What goes on to `make` is encrypted: it has keys."""
    actor, places = maker(request, slug)
    form = ModelsEntryForm(request.POST if request.method == "POST" else None, places=places)
    context = {"actor": actor, "form": form}
    if form.is_valid():
        text, is_server_wide = form.cleaned_data["text"], form.is_server_wide
        try:
            planned = plan_import(actor=actor, text=text, is_server_wide=is_server_wide)
        except ModelsEntryInvalid as exc:
            add_service_error(form, exc, field="text")
        else:
            context["planned"] = planned
            context["n_made"] = sum(one.engine is not None for one in planned)
            context["is_server_wide"] = is_server_wide
            context["plan"] = secrets.encrypt(json.dumps([text, is_server_wide]))
    return render(request, "bots/engine_import.html", context)


@require_POST
def make(request: MemberRequest, slug: str) -> HttpResponse:
    """Makes what `paste` showed."""
    actor, _ = maker(request, slug)
    try:
        text, is_server_wide = json.loads(secrets.decrypt(request.POST.get("plan", "")))
    except secrets.SecretUnreadable as exc:
        raise InvalidInput("Paste the text again: this page is too old.") from exc
    try:
        made = import_engines(actor=actor, text=text, is_server_wide=is_server_wide)
    except TooManyEngines as exc:
        messages.error(request, exc.public_message)
    else:
        count = f"{len(made)} engine{'' if len(made) == 1 else 's'}"
        messages.success(request, f"{count} imported. Open each one and test it.")
    return redirect("engines:list", slug)
