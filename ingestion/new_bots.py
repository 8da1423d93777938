"""A bot and what it reads, made in one step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from django.db import transaction

from botfactory.accounts.access import Actor
from botfactory.lib import safe_http
from bots.models import Bot
from bots.services import create_bot
from ingestion.scoping import SourceSettings
from ingestion.services import Upload, add_files, add_website


@transaction.atomic
def create_bot_with_sources(
    *,
    actor: Actor,
    name: str = "",
    url: str = "",
    changes: SourceSettings | None = None,
    uploads: Sequence[Upload] = (),
) -> Bot:
    """A bot with a queued source for the address and one for the files; all of it or nothing.

    Raises what `create_bot`, `add_website` and `add_files` raise.
    """
    bot = create_bot(actor=actor, name=name or _name_after(url, uploads))
    if url:
        add_website(actor=actor, bot=bot, url=url, changes=changes)
    if uploads:  # last, because its rows can be rolled back and stored files cannot
        add_files(actor=actor, bot=bot, uploads=uploads)
    return bot


def _name_after(url: str, uploads: Sequence[Upload]) -> str:
    """Raises UrlInvalid."""
    if url:
        host = safe_http.parse_url(url if "://" in url else f"https://{url}").host or "Bot"
        return host.removeprefix("www.")[:100]
    return PurePath(uploads[0].name).stem[:100] if uploads else "Bot"
