"""Pages that belong to no app."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What BotFactory is, for people who are not signed in; members go to their bots."""
    if request.user.is_authenticated:
        return redirect("bots:list")
    return render(request, "home.html")
