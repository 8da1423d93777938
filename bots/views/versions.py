"""What was published of a bot's settings: compare, and go back."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from bots import selectors
from bots.access import bot_for_user, version_of_bot
from bots.comparing import diff
from bots.errors import NothingToPublish
from bots.models import Bot
from bots.versions import roll_back
from bots.views.changes import shown_changes

VERSIONS_PER_PAGE = 30


@require_safe
def version_list(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """All versions; with `?from=` and `?to=`, what changed between two of them."""
    bot, actor = bot_for_user(request.user, bot_id)
    page = Paginator(selectors.versions_of(bot), VERSIONS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"actor": actor, "bot": bot, "page": page, "compared": _compared(request, bot)}
    return render(request, "bots/version_list.html", context)


@require_POST
def rollback(request: MemberRequest, bot_id: UUID, number: int) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    try:
        version = roll_back(actor=actor, bot=bot, number=number)
    except NothingToPublish as exc:
        messages.info(request, exc.public_message)
    except InvalidInput as exc:
        named = "; ".join(text for texts in exc.fields.values() for text in texts)
        messages.error(request, f"Version {number} has settings that no longer work: {named}")
    else:
        messages.success(request, f"Published as version {version.number}. {version.note}")
    return redirect("bots:versions", bot_id)


def _compared(request: HttpRequest, bot: Bot) -> dict[str, object] | None:
    """Two versions and their changes; None where none were asked for. Raises NotFound."""
    numbers = [request.GET.get(name, "") for name in ("from", "to")]
    # A number of more digits than any version has must not reach the database.
    if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in numbers):
        return None
    old, new = (version_of_bot(bot, int(number)) for number in numbers)
    changes = shown_changes(diff(old.settings, new.settings), bot.workspace)
    return {"old": old, "new": new, "changes": changes}
