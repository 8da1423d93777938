"""The loader, and the pages that hold the panel.

None of them reads a session or sets a cookie, but the preview, which members open from the
dashboard.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from botfactory.accounts.models import User
from botfactory.errors import BotFactoryError, NotFound, PermissionDenied
from bots.access import bot_for_user, public_bot
from bots.answering.database import in_database
from bots.models import Bot, Conversation
from bots.versions import with_draft
from widget import assets, limits
from widget.colors import palette
from widget.origins import frame_ancestors, is_top_level, panel_policy
from widget.tokens import begin_visit, sign_visit

Channel = Conversation.Channel


@login_not_required
@require_safe
async def loader(request: HttpRequest) -> HttpResponse:
    """`/widget.js`, the script of the one tag."""
    asset = assets.assets()[assets.LOADER]
    return assets.asset_response(request, asset, cache_control="public, max-age=300")


@login_not_required
@require_safe
async def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """A file of the panel. An older version's address gets the present file, uncached."""
    found = assets.assets().get(name)
    if found is None:
        return HttpResponseNotFound("Not found\n", content_type="text/plain")
    is_present = version == assets.version()
    cache_control = "public, max-age=31536000, immutable" if is_present else "no-cache"
    return assets.asset_response(request, found, cache_control=cache_control)


@login_not_required
@require_safe
async def frame(request: HttpRequest, bot_id: UUID) -> HttpResponse:
    """The panel in a frame on one of the bot's allowed sites."""
    try:
        await limits.check_page(request)
        bot = await in_database(public_bot, bot_id)
        if not bot.allowed_sites or is_top_level(request.headers.get("Sec-Fetch-Dest", "")):
            raise PermissionDenied("This chat opens on the website that it belongs to.")
    except BotFactoryError as error:
        return _notice_page(error)
    return _panel_page(bot, Channel.WIDGET, ancestors=frame_ancestors(bot.allowed_sites))


@login_not_required
@require_safe
async def share(request: HttpRequest, bot_id: UUID) -> HttpResponse:
    """The panel as a page of its own, for bots whose owner shares them by link."""
    try:
        await limits.check_page(request)
        bot = await in_database(public_bot, bot_id)
        if not bot.is_shared:
            raise NotFound(subject=str(bot_id))
    except BotFactoryError as error:
        return _notice_page(error)
    return _panel_page(bot, Channel.SHARE, ancestors="frame-ancestors 'none'")


@require_safe
async def preview(request: HttpRequest, bot_id: UUID) -> HttpResponse:
    """The panel for members, framed by the dashboard; it shows the draft."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 (LoginRequiredMiddleware let nobody else through)
    bot, _ = await in_database(bot_for_user, user, bot_id)
    drafted = await in_database(with_draft, bot)
    return _panel_page(drafted, Channel.PREVIEW, ancestors="frame-ancestors 'self'")


def _panel_page(bot: Bot, channel: Channel, *, ancestors: str) -> HttpResponse:
    context = {
        "bot": bot,
        "channel": channel.value,
        "palette": palette(bot.color),
        "token": sign_visit(begin_visit(bot_id=bot.pk, channel=channel.value)),
        "token_s": settings.BOTFACTORY_VISITOR_TOKEN_S,
        "version": assets.version(),
        "modules": assets.panel_modules(),
    }
    return _page("widget/frame.html", context, status=200, ancestors=ancestors)


def _notice_page(error: BotFactoryError) -> HttpResponse:
    message = "This chat does not exist, or is not open." if error.status == 404 else None
    context = {"message": message or error.public_message, "version": assets.version()}
    return _page(
        "widget/notice.html", context, status=error.status, ancestors="frame-ancestors 'none'"
    )


def _page(
    template: str, context: Mapping[str, object], *, status: int, ancestors: str
) -> HttpResponse:
    # Without the request: no context processor may look at a session here.
    response = HttpResponse(render_to_string(template, dict(context)), status=status)
    response["Content-Security-Policy"] = panel_policy(ancestors)
    response["Cache-Control"] = "no-store"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Referrer-Policy"] = "same-origin"
    return response
