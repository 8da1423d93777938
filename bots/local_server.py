"""Commands that need vectors, while the server holds the embedded engine: they ask the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Role
from botfactory.accounts.services import create_api_key
from botfactory.instance import server_url
from botfactory.lib import safe_http
from bots.models import Bot

KEY_LIFETIME = timedelta(minutes=10)
MAX_REPLY_BYTES = 10_000_000


def running_server() -> str | None:
    """Where the server that holds the vectors listens; None when this process may open them."""
    if settings.QDRANT_URL:
        return None
    url = server_url(settings.BOTFACTORY_DATA_DIR)
    if url == "":
        raise CommandError(
            "Another command uses the vectors of this data directory. Wait for it to end, or set "
            "QDRANT_URL so that several processes can share them."
        )
    return url


async def post_to_server(url: str, path: str, secret: str, body: dict[str, Any]) -> Any:
    """The decoded reply of the running server. Raises CommandError with the server's own words."""
    policy = safe_http.Policy(allowed_networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    async with safe_http.open_session(policy) as session:
        reply = await safe_http.post(
            session,
            f"{url}{path}",
            policy=policy,
            body=json.dumps(body).encode(),
            headers=headers,
            timeout_s=300,
            max_bytes=MAX_REPLY_BYTES,
        )
    decoded = json.loads(reply.body)
    if reply.status >= 400:
        raise CommandError(decoded["error"]["message"])
    return decoded


@contextmanager
def short_lived_key(bot: Bot) -> Iterator[str]:
    """A key to the bot's workspace that is good for this command only."""
    actor = Actor(bot.workspace, Role.OWNER, None)
    key, secret = create_api_key(
        actor=actor,
        name="A command in the shell",
        scopes=[ApiKey.Scope.CHAT],
        expires_at=timezone.now() + KEY_LIFETIME,
    )
    try:
        yield secret
    finally:
        key.delete()
